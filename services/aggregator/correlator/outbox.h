#ifndef KASUMORI_CORRELATOR_OUTBOX_H
#define KASUMORI_CORRELATOR_OUTBOX_H

#include "services/aggregator/correlator/lease.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/db/db.h"
#include "services/common/kafka/kafka.h"

/* Messages to Kafka, written in the transaction of what they tell of and sent after it. */
struct outbox;

struct outbox *outbox_new(void) MUST_CHECK; /* NULL: out of memory */
void outbox_free(struct outbox *outbox);

/* Collects one tenant's messages. */
void outbox_reset(struct outbox *outbox, struct slice tenant);
void outbox_add(struct outbox *outbox, const char *topic, const struct uuid *key,
                struct slice value);
size_t outbox_count(const struct outbox *outbox);
/* Writes them, in the caller's transaction. db_run's results. */
enum rc outbox_store(const struct outbox *outbox, struct db *db, struct err *err) MUST_CHECK;

struct outbox_counts {
    uint64_t sent;
    uint64_t refused; /* can never be sent; marked as sent, so that others go on */
};

/* Sends what stands unsent for tenants of the lease's shards, LIMIT_OUTBOX_BATCH at most, in their
   order, and marks what the brokers have acknowledged, up to the first that they have not: at least
   once. RC_OK also when nothing was acknowledged within wait_ms; RC_FATAL: make another producer.
   ret_is_more: there may be more to send at once. */
enum rc outbox_publish(struct db *db, const struct lease *lease, struct kafka_producer *producer,
                       int wait_ms, struct outbox_counts *counts, int *ret_is_more,
                       struct err *err) MUST_CHECK;
/* Forgets what was sent more than a week ago, LIMIT_OUTBOX_BATCH rows at most. */
enum rc outbox_sweep(struct db *db, struct err *err) MUST_CHECK;

#endif
