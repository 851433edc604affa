#ifndef KASUMORI_AGENT_KEEPER_H
#define KASUMORI_AGENT_KEEPER_H

#include <stddef.h>
#include <stdint.h>

#include "services/agent/bundle.h"
#include "services/common/base/queue.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/kafka/kafka.h"
#include "services/common/metrics/metrics.h"
#include "services/common/spool/spool.h"

/* The thread that owns the spool and the producer. What it answers RC_OK for is durable; what is
   durable it publishes until Kafka has it. */
struct keeper;

/* A request to store values together. The giver fills it, gives it, and gets it back on its done
   queue with rc (and err.text) set; between, it belongs to the keeper. */
struct keeper_job {
    const struct slice *values;
    size_t count;             /* 1..LIMIT_COMMIT_RECORDS */
    struct queue *done;       /* must have a slot for every job its owner has outstanding */
    void *ctx;                /* the giver's */
    uint64_t epoch, sequence; /* of values[0], when durable */
    struct err err;
    enum rc rc; /* OK: durable; FULL: no room; RETRY: write failed; FATAL: stopping */
};

struct keeper_config {
    const struct bundle *bundle;
    struct spool_config spool;
    int64_t heartbeat_every_us;
    struct metrics *metrics;
    /* Makes a producer; kafka_producer_new but for tests. */
    enum rc (*producer_new)(const struct kafka_config *config, size_t queue_max,
                            struct kafka_producer **ret_producer, struct err *err);
};

/* Opens the spool and starts the thread. config's pointers are borrowed for the keeper's life.
   RC_RETRY or RC_REJECT as spool_open. */
enum rc keeper_start(const struct keeper_config *config, struct keeper **ret_keeper,
                     struct err *err) MUST_CHECK;

/* Any thread. RC_FULL: too many wait; RC_FATAL: stopping. Never blocks. */
enum rc keeper_give(struct keeper *keeper, struct keeper_job *job) MUST_CHECK;
/* The same for all of them, or for none; they are likely to share one transaction. */
enum rc keeper_give_all(struct keeper *keeper, struct keeper_job *const *jobs,
                        size_t count) MUST_CHECK;

/* Stores what was given, delivers on while Kafka takes it (at most 5 s), closes the spool, joins
 * the thread. */
void keeper_stop(struct keeper *keeper);

#endif
