/* Threads of the aggregator. Invariant: a worker shares nothing with others but atomics and queues,
   and its end is told once. */
#include "services/aggregator/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"

enum { BACK_OFF_MS_MIN = 20, BACK_OFF_MS_MAX = 2000 };

struct worker {
    const char *name;
    worker_run *run;
    void *ctx;
    struct queue *stop; /* closed: asked to stop */
    struct queue *ends;
    pthread_t thread;
    _Atomic int64_t stamp_us;
    atomic_int is_ready;
    struct err end;
};

static int64_t mono_us(void)
{
    return clock_mono_us(clock_real());
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    worker->end.rc = worker->run(worker->ctx, worker, &worker->end);
    worker_set_ready(worker, 0);
    enum rc rc = queue_give(worker->ends, worker);
    CHECK(rc == RC_OK || rc == RC_FATAL); /* closed: nobody listens any more; it has room for all */
    return NULL;
}

enum rc worker_start(const char *name, worker_run *run, void *ctx, struct queue *ends,
                     struct worker **ret_worker, struct err *err)
{
    struct worker *worker = mem_zalloc(sizeof(*worker));
    if (worker == NULL)
        return err_set(err, RC_RETRY, "out of memory for a thread");
    worker->name = name;
    worker->run = run;
    worker->ctx = ctx;
    worker->ends = ends;
    worker->stop = queue_new(1);
    worker_stamp(worker);
    if (worker->stop == NULL || pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
        worker_free(worker);
        return err_set(err, RC_RETRY, "could not start thread %s", name);
    }
    (void)pthread_setname_np(worker->thread, name); /* for top; a name too long is left out */
    *ret_worker = worker;
    return RC_OK;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    queue_free(worker->stop);
    mem_free(worker);
}

const char *worker_name(const struct worker *worker)
{
    return worker->name;
}

void worker_ask_stop(struct worker *worker)
{
    queue_close(worker->stop);
}

int worker_is_ready(const struct worker *worker)
{
    return atomic_load(&worker->is_ready);
}

int64_t worker_silent_us(const struct worker *worker)
{
    return mono_us() - atomic_load(&worker->stamp_us);
}

int worker_join(struct worker *worker, int64_t until_mono_us, struct err *ret_end)
{
    struct timespec until = {.tv_sec = until_mono_us / CLOCK_US_PER_S,
                             .tv_nsec = until_mono_us % CLOCK_US_PER_S * 1000};
    if (pthread_clockjoin_np(worker->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
        return 0;
    *ret_end = worker->end;
    return 1;
}

int worker_is_stopping(struct worker *worker)
{
    return queue_is_over(worker->stop);
}

void worker_stamp(struct worker *worker)
{
    atomic_store(&worker->stamp_us, mono_us());
}

void worker_set_ready(struct worker *worker, int is_ready)
{
    atomic_store(&worker->is_ready, is_ready);
}

void worker_pause(struct worker *worker, int wait_ms)
{
    void *none;
    worker_stamp(worker);
    size_t n = queue_wait(worker->stop, &none, 1, wait_ms);
    CHECK(n == 0); /* nothing is ever given to it */
    worker_stamp(worker);
}

void worker_back_off(struct back_off *back_off, struct worker *worker)
{
    uint32_t random = 0;
    int wait_ms = back_off->wait_ms < BACK_OFF_MS_MIN ? BACK_OFF_MS_MIN : back_off->wait_ms;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = (uint32_t)mono_us();
    worker_pause(worker, wait_ms / 2 + (int)(random % (uint32_t)(wait_ms / 2 + 1)));
    back_off->wait_ms = 2 * wait_ms < BACK_OFF_MS_MAX ? 2 * wait_ms : BACK_OFF_MS_MAX;
}
