/* Threads with a blocking connection each, instead of asynchronous libpq on the loop: a handler is
   then a plain function that reads from top to bottom, and a slow query holds one of a few threads,
   never the loop. Invariant: a task given and not yet done is in exactly one place, the queue of
   those that wait, a thread, or the queue of those finished; both queues have room for all there
   are. */
#include "services/monitor/pool.h"

#include <pthread.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/base/queue.h"
#include "services/common/db/schema.h"

/* A server that is away is not asked by every request. */
#define AWAY_US CLOCK_US_PER_S

enum { DONE_BATCH = 32 };

struct thread {
    struct pool *pool;
    pthread_t id;
    struct db *db;
    int64_t away_until_us; /* monotonic */
    struct err away;
};

struct pool {
    struct pool_config config;
    struct queue *waiting;
    struct queue *done;
    struct loop_watch *watch;
    size_t under_way; /* given and not done; the loop's thread only */
    size_t under_way_max;
    size_t threads_count;
    struct thread threads[];
};

static enum rc open_checked(struct thread *thread, struct err *err)
{
    const struct pool_config *config = &thread->pool->config;
    int version;
    enum rc rc = db_open(config->database, "kasumori-monitor", &thread->db, err);
    if (rc != RC_OK)
        return rc;
    rc = schema_check(thread->db, config->schema_least, config->schema_most, &version, err);
    /* Planning a statement anew for its values takes longer than running it, and all values look
       alike to the planner: they come in one jsonb. Compiling one takes longer still: seconds of
       a person's page that runs in a tenth of one. */
    if (rc == RC_OK)
        rc = db_exec(thread->db, "set plan_cache_mode = force_generic_plan; set jit = off", err);
    if (rc == RC_OK)
        return RC_OK;
    db_close(thread->db);
    thread->db = NULL;
    return rc;
}

/* NULL: away. */
static struct db *connection_of(struct thread *thread)
{
    int64_t now = clock_mono_us(clock_real());
    if (thread->db != NULL && db_is_alive(thread->db))
        return thread->db;
    db_close(thread->db);
    thread->db = NULL;
    if (now < thread->away_until_us)
        return NULL;
    if (open_checked(thread, &thread->away) != RC_OK)
        thread->away_until_us = clock_mono_us(clock_real()) + AWAY_US;
    return thread->db;
}

/* The next task finds no transaction, whatever this one left. */
static void clean(struct thread *thread)
{
    struct err ignored;
    if (thread->db == NULL || db_is_idle(thread->db) ||
        db_exec(thread->db, "rollback", &ignored) == RC_OK)
        return;
    db_close(thread->db);
    thread->db = NULL;
}

static void *run(void *ctx)
{
    struct thread *thread = ctx;
    struct pool *pool = thread->pool;
    void *item;
    while (!queue_is_over(pool->waiting)) {
        if (queue_wait(pool->waiting, &item, 1, -1) == 0)
            continue;
        struct pool_task *task = item;
        task->run(task, connection_of(thread), &thread->away);
        clean(thread);
        CHECK(queue_give(pool->done, task) == RC_OK);
    }
    db_close(thread->db);
    return NULL;
}

static void on_done(void *ctx)
{
    struct pool *pool = ctx;
    void *items[DONE_BATCH];
    size_t count = queue_take(pool->done, items, DONE_BATCH);
    for (size_t i = 0; i < count; i++) {
        struct pool_task *task = items[i];
        pool->under_way--;
        task->done(task);
    }
}

static enum rc start(struct pool *pool, struct loop *loop, struct err *err)
{
    pool->under_way_max = pool->config.waiting_max + pool->config.threads;
    pool->waiting = queue_new(pool->under_way_max);
    pool->done = queue_new(pool->under_way_max);
    if (pool->waiting == NULL || pool->done == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    pool->watch = loop_readable(loop, queue_fd(pool->done), on_done, pool);
    if (pool->watch == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    while (pool->threads_count < pool->config.threads) {
        struct thread *thread = &pool->threads[pool->threads_count];
        thread->pool = pool;
        if (pthread_create(&thread->id, NULL, run, thread) != 0)
            return err_set(err, RC_RETRY, "could not start a thread");
        pool->threads_count++;
    }
    return RC_OK;
}

enum rc pool_new(struct loop *loop, const struct pool_config *config, struct pool **ret_pool,
                 struct err *err)
{
    struct pool *pool = mem_zalloc(sizeof(*pool) + config->threads * sizeof(pool->threads[0]));
    if (pool == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    pool->config = *config;
    enum rc rc = start(pool, loop, err);
    if (rc != RC_OK) {
        pool_free(pool);
        return rc;
    }
    *ret_pool = pool;
    return RC_OK;
}

void pool_free(struct pool *pool)
{
    if (pool->waiting != NULL)
        queue_close(pool->waiting);
    for (size_t i = 0; i < pool->threads_count; i++)
        pthread_join(pool->threads[i].id, NULL);
    while (pool->done != NULL && queue_count(pool->done) > 0)
        on_done(pool);
    loop_watch_free(pool->watch);
    queue_free(pool->waiting);
    queue_free(pool->done);
    mem_free(pool);
}

enum rc pool_give(struct pool *pool, struct pool_task *task)
{
    if (pool->under_way == pool->under_way_max)
        return RC_FULL;
    enum rc rc = queue_give(pool->waiting, task);
    pool->under_way += rc == RC_OK;
    return rc;
}

size_t pool_under_way(const struct pool *pool)
{
    return pool->under_way;
}
