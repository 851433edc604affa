/* Many items for the price of one. Invariant: an item given and not yet done is either in the list
   of those that wait or in the hand of one worker; a hand is given to the pool only when it is
   filled, and is empty again before the pool's thread is free. Only the loop's thread moves items.
 */
#include "services/monitor/batch.h"

#include "services/common/base/check.h"
#include "services/common/base/mem.h"

/* What one worker has taken. */
struct hand {
    struct pool_task task;
    struct batch *batch;
    size_t worker;
    struct batch_item *items[BATCH_ITEMS_MAX];
    size_t count; /* 0: free */
};

struct batch {
    struct batch_config config;
    struct pool *pool;
    struct loop_watch *wake;
    struct batch_item *first, **last; /* those that wait */
    size_t waiting;
    size_t in_hand;
    int is_closing;
    struct hand hands[];
};

static struct batch_item *take(struct batch *batch)
{
    struct batch_item *item = batch->first;
    batch->first = item->next;
    if (batch->first == NULL)
        batch->last = &batch->first;
    batch->waiting--;
    return item;
}

static void fill(struct hand *hand)
{
    struct batch *batch = hand->batch;
    while (hand->count < batch->config.items_max && batch->waiting > 0)
        hand->items[hand->count++] = take(batch);
    batch->in_hand += hand->count;
    CHECK(pool_give(batch->pool, &hand->task) == RC_OK); /* it has a thread for each hand */
}

static void on_wake(void *ctx)
{
    struct batch *batch = ctx;
    for (size_t i = 0; i < batch->config.workers && batch->waiting > 0; i++)
        if (batch->hands[i].count == 0)
            fill(&batch->hands[i]);
}

static void run(struct pool_task *task, struct db *db, const struct err *away)
{
    struct hand *hand = (struct hand *)task;
    const struct batch_work work = {
        .worker = hand->worker, .items = hand->items, .count = hand->count, .db = db, .away = away};
    hand->batch->config.run(hand->batch->config.ctx, &work);
}

static void done(struct pool_task *task)
{
    struct hand *hand = (struct hand *)task;
    struct batch *batch = hand->batch;
    for (size_t i = 0; i < hand->count; i++)
        batch->config.done(batch->config.ctx, hand->items[i]);
    batch->in_hand -= hand->count;
    hand->count = 0;
    if (batch->waiting > 0 && !batch->is_closing)
        loop_wake(batch->wake);
}

static enum rc start(struct batch *batch, struct loop *loop, struct err *err)
{
    const struct pool_config pool = {.database = batch->config.database,
                                     .threads = batch->config.workers,
                                     .schema_least = batch->config.schema_least,
                                     .schema_most = batch->config.schema_most};
    for (size_t i = 0; i < batch->config.workers; i++)
        batch->hands[i] =
            (struct hand){.task = {.run = run, .done = done}, .batch = batch, .worker = i};
    batch->last = &batch->first;
    /* Woken after all sockets that were readable: what came together is taken together. */
    batch->wake = loop_woken(loop, on_wake, batch);
    if (batch->wake == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    return pool_new(loop, &pool, &batch->pool, err);
}

enum rc batch_new(struct loop *loop, const struct batch_config *config, struct batch **ret_batch,
                  struct err *err)
{
    CHECK(config->items_max >= 1 && config->items_max <= BATCH_ITEMS_MAX);
    struct batch *batch = mem_zalloc(sizeof(*batch) + config->workers * sizeof(batch->hands[0]));
    if (batch == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    batch->config = *config;
    enum rc rc = start(batch, loop, err);
    if (rc != RC_OK) {
        loop_watch_free(batch->wake);
        mem_free(batch);
        return rc;
    }
    *ret_batch = batch;
    return RC_OK;
}

void batch_free(struct batch *batch)
{
    const struct err away = {.rc = RC_RETRY, .text = "the monitor is stopping"};
    batch->is_closing = 1;
    pool_free(batch->pool);
    while (batch->waiting > 0) {
        struct batch_item *item = take(batch);
        const struct batch_work work = {.items = &item, .count = 1, .away = &away};
        batch->config.run(batch->config.ctx, &work);
        batch->config.done(batch->config.ctx, item);
    }
    loop_watch_free(batch->wake);
    mem_free(batch);
}

enum rc batch_give(struct batch *batch, struct batch_item *item)
{
    if (batch->waiting == batch->config.waiting_max)
        return RC_FULL;
    item->next = NULL;
    *batch->last = item;
    batch->last = &item->next;
    batch->waiting++;
    loop_wake(batch->wake);
    return RC_OK;
}

size_t batch_under_way(const struct batch *batch)
{
    return batch->waiting + batch->in_hand;
}
