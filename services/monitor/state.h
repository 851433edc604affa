#ifndef KASUMORI_MONITOR_STATE_H
#define KASUMORI_MONITOR_STATE_H

#include "services/common/loop/loop.h"
#include "services/common/metrics/metrics.h"
#include "services/monitor/monitor_config.h"
#include "services/monitor/pool.h"
#include "services/monitor/throttle.h"

struct events;
struct lookups;

/* What all requests share. Borrowed by them; lives as long as the server. */
struct monitor_state {
    const struct monitor_config *config;
    struct metrics *metrics;
    struct loop *loop;
    struct pool *pool;
    struct throttle *throttle;
    struct events *events;
    struct lookups *lookups;
};

#endif
