/* Partitions ahead of time, in a connection that lives only as long as it takes: making a table
   takes locks that no lane should wait for. A month that is missing all the same is made by the
   lane that meets it (ingest/months.c). */
#include "services/aggregator/keeper.h"

#include "services/aggregator/database.h"
#include "services/aggregator/ingest/months.h"
#include "services/common/base/clock.h"
#include "services/common/log/log.h"

enum { AHEAD_MONTHS = 3, EVERY_MS = 3600 * 1000, WATCHED_MS = 10 * 1000 };

static enum rc make_ahead(const char *conninfo, struct err *err)
{
    struct db *db;
    enum rc rc = database_open(conninfo, "keeper", &db, err);
    if (rc != RC_OK)
        return rc;
    rc = months_make_ahead(db, clock_now_us(clock_real()), AHEAD_MONTHS, err);
    db_close(db);
    return rc;
}

/* In pieces, so that the watchdog sees it alive. */
static void rest(struct worker *worker)
{
    for (int waited_ms = 0; waited_ms < EVERY_MS && !worker_is_stopping(worker);
         waited_ms += WATCHED_MS)
        worker_pause(worker, WATCHED_MS);
}

enum rc keeper_run(void *ctx, struct worker *worker, struct err *err)
{
    const char *conninfo = ctx;
    struct back_off back_off = {0};
    int has_complained = 0;
    while (!worker_is_stopping(worker)) {
        enum rc rc = make_ahead(conninfo, err);
        worker_set_ready(worker, rc == RC_OK);
        if (rc == RC_OK) {
            back_off = (struct back_off){0};
            has_complained = 0;
            rest(worker);
            continue;
        }
        if (rc == RC_FATAL || rc == RC_CORRUPT)
            return rc;
        if (!has_complained)
            log_warn("partitions: %s", err->text);
        has_complained = 1;
        worker_back_off(&back_off, worker);
    }
    return RC_OK;
}
