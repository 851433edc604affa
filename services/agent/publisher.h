#ifndef KASUMORI_AGENT_PUBLISHER_H
#define KASUMORI_AGENT_PUBLISHER_H

#include <stdint.h>

#include "services/agent/bundle.h"
#include "services/common/base/clock.h"
#include "services/common/base/rc.h"
#include "services/common/kafka/kafka.h"
#include "services/common/metrics/metrics.h"
#include "services/common/spool/spool.h"

/* Moves records from the spool to Kafka and heartbeats beside them. Owned by the keeper's thread;
   never blocks. */
struct publisher;

struct publisher_config {
    const struct bundle *bundle;
    struct spool *spool;
    struct clock clock;
    int64_t heartbeat_every_us;
    struct metrics *metrics; /* agent_metrics.h */
    enum rc (*producer_new)(const struct kafka_config *config, size_t queue_max,
                            struct kafka_producer **ret_producer, struct err *err);
};

/* NULL when memory is out. A producer that cannot be made is tried again by publisher_run. */
struct publisher *publisher_new(const struct publisher_config *config) MUST_CHECK;
void publisher_free(struct publisher *publisher);

/* Collects delivery reports, hands over what may fly, rebuilds a failed producer. Returns whether
   more can be done at once. */
int publisher_run(struct publisher *publisher);

/* About once a second: the heartbeat when it is due. */
void publisher_tick(struct publisher *publisher);

/* Readable when reports wait; -1 while there is no producer. */
int publisher_fd(const struct publisher *publisher);

#endif
