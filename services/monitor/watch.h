#ifndef KASUMORI_MONITOR_WATCH_H
#define KASUMORI_MONITOR_WATCH_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/metrics/metrics.h"

/* A thread with a database connection of its own that reads the chain's state every few seconds
   into gauges, so that no page ever waits for the database. */
enum watch_metric {
    WATCH_METRIC_DATABASE_UP,
    WATCH_METRIC_READ_AT_MS,
    WATCH_METRIC_SITES,
    WATCH_METRIC_AGENTS,
    WATCH_METRIC_AGENTS_SILENT,
    WATCH_METRIC_AGENTS_REFUSING,
    WATCH_METRIC_SEQUENCE_GAPS,
    WATCH_METRIC_BAD_OPEN,
    WATCH_METRIC_COUNT,
};

struct watch;

/* NULL when memory is out. */
struct metrics *watch_metrics_new(void) MUST_CHECK;

/* Borrows its arguments. A database that is away is tried again for ever. RC_RETRY when no thread
   can be had. */
enum rc watch_start(const char *database, int64_t silent_after_us, struct metrics *metrics,
                    struct watch **ret_watch, struct err *err) MUST_CHECK;
void watch_stop(struct watch *watch);

#endif
