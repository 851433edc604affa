#ifndef KASUMORI_MONITOR_POOL_H
#define KASUMORI_MONITOR_POOL_H

#include <stddef.h>

#include "services/common/base/rc.h"
#include "services/common/db/db.h"
#include "services/common/loop/loop.h"

/* A bounded number of threads, each with a database connection of its own that it keeps and renews.
   The loop gives tasks, threads run them, the loop's thread hears when each is done. */
struct pool;

/* Embedded in what it is a task of. */
struct pool_task {
    /* In one of the threads. db NULL: the database is away, and err says why. A
       transaction still under way afterwards, a failed one too, is rolled back. */
    void (*run)(struct pool_task *task, struct db *db, const struct err *err);
    /* On the loop's thread, exactly once for each task given. */
    void (*done)(struct pool_task *task);
};

struct pool_config {
    const char *database; /* borrowed, as the rest */
    size_t threads;
    size_t waiting_max; /* tasks beyond those that threads can work on */
    int schema_least, schema_most;
};

/* RC_RETRY when threads, memory or descriptors are out; the database need not be there. */
enum rc pool_new(struct loop *loop, const struct pool_config *config, struct pool **ret_pool,
                 struct err *err) MUST_CHECK;
/* From the loop's thread: waits for tasks under way, then every task given is done. */
void pool_free(struct pool *pool);

/* From the loop's thread. RC_FULL when too many wait. */
enum rc pool_give(struct pool *pool, struct pool_task *task) MUST_CHECK;
size_t pool_under_way(const struct pool *pool); /* given and not done */

#endif
