#ifndef KASUMORI_MONITOR_WATCH_H
#define KASUMORI_MONITOR_WATCH_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/metrics/metrics.h"

/* A thread with a database connection of its own that reads the chain's state every few seconds
   into gauges, so that no scrape ever waits for the database. */
struct watch;

/* Borrows its arguments. A database that is away is tried again for ever. RC_RETRY when no thread
   can be had. */
enum rc watch_start(const char *database, int64_t silent_after_us, struct metrics *metrics,
                    struct watch **ret_watch, struct err *err) MUST_CHECK;
void watch_stop(struct watch *watch);

#endif
