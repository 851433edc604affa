#ifndef KASUMORI_MONITOR_BATCH_H
#define KASUMORI_MONITOR_BATCH_H

#include <stddef.h>

#include "services/monitor/pool.h"

/* Items that come one by one and are worked off together: while every worker is busy those that
   come wait, and the next worker takes as many of them as there are, up to a limit. So a lone item
   waits for nobody, and under load one statement and one commit serve many. The workers are threads
   of a pool of its own, which a slow answer to somebody else cannot hold. */
struct batch;

/* Embedded in what it is an item of. */
struct batch_item {
    struct batch_item *next;
};

enum { BATCH_ITEMS_MAX = 64 };

struct batch_work {
    size_t worker; /* 0 to workers - 1; no two at once with the same */
    struct batch_item *const *items;
    size_t count;
    struct db *db;          /* NULL: away */
    const struct err *away; /* why, then */
};

struct batch_config {
    const char *database; /* borrowed, as the rest */
    int schema_least, schema_most;
    size_t workers;
    size_t items_max;   /* in one hand: 1 to BATCH_ITEMS_MAX */
    size_t waiting_max; /* for a worker */
    /* In a worker's thread; as pool_task.run. */
    void (*run)(void *ctx, const struct batch_work *work);
    /* On the loop's thread, exactly once for each item given. */
    void (*done)(void *ctx, struct batch_item *item);
    void *ctx;
};

/* RC_RETRY when threads, memory or descriptors are out; the database need not be there. */
enum rc batch_new(struct loop *loop, const struct batch_config *config, struct batch **ret_batch,
                  struct err *err) MUST_CHECK;
/* From the loop's thread: waits for what is in hand; what still waits is run as if the database
   were away. Then every item given is done. */
void batch_free(struct batch *batch);

/* From the loop's thread. RC_FULL when too many wait. */
enum rc batch_give(struct batch *batch, struct batch_item *item) MUST_CHECK;
size_t batch_under_way(const struct batch *batch); /* given and not done */

#endif
