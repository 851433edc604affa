#ifndef KASUMORI_AGGREGATOR_HEALTH_H
#define KASUMORI_AGGREGATOR_HEALTH_H

#include <stdint.h>

#include "services/aggregator/aggregator_config.h"
#include "services/aggregator/worker.h"
#include "services/common/base/rc.h"
#include "services/common/metrics/metrics.h"

/* Reads the health topic, from its beginning at each start, into kasumori.agent_health. Every
   instance reads all of it: it is compacted and small, and the table only moves forward. All
   borrowed. */
struct health_config {
    const struct aggregator_config *config;
    const uint8_t *mac_master; /* MAC_KEY_BYTES */
    struct metrics *metrics;
};

struct health;

enum rc health_new(const struct health_config *config, struct health **ret_health,
                   struct err *err) MUST_CHECK;
void health_free(struct health *health);

/* The thread (worker.h). */
enum rc health_run(void *health, struct worker *worker, struct err *err);

#endif
