#ifndef KASUMORI_AGGREGATOR_LANE_H
#define KASUMORI_AGGREGATOR_LANE_H

#include <stdint.h>

#include "services/aggregator/aggregator_config.h"
#include "services/aggregator/worker.h"
#include "services/common/base/rc.h"
#include "services/common/metrics/metrics.h"

/* One lane of T1: a thread with a consumer, a connection and a batch. All borrowed for its life. */
struct lane_config {
    const struct aggregator_config *config;
    const uint8_t *mac_master; /* MAC_KEY_BYTES */
    struct metrics *metrics;
    int number; /* from 0; part of its static membership */
};

struct lane;

enum rc lane_new(const struct lane_config *config, struct lane **ret_lane,
                 struct err *err) MUST_CHECK;
void lane_free(struct lane *lane);
const char *lane_name(const struct lane *lane);

/* The thread (worker.h): until asked to stop, then stores what is collected, within bounds.
   RC_FATAL when only an operator can help (schema, rights, programs that share an instance id). */
enum rc lane_run(void *lane, struct worker *worker, struct err *err);

#endif
