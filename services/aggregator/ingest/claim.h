#ifndef KASUMORI_INGEST_CLAIM_H
#define KASUMORI_INGEST_CLAIM_H

#include <stdint.h>

#include "services/aggregator/ingest/message.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"
#include "services/common/kafka/kafka.h"

struct claim {
    const char *cluster_id;
    const char *topic;
    int32_t partition;
    int wait_ms; /* for the broker's answers */
};

/* Takes one partition: a new epoch and a new random owner in its offset row, which is made at the
   log's beginning when there is none. Waits for a transaction that holds the row. Then compares the
   row with what the broker has. RC_REJECT, with one sentence for the operator, when the row is
   beyond the log's end or before its beginning: nothing may be read then. RC_RETRY as db_run and
   kafka_consumer_watermarks say. */
enum rc claim_stream(struct db *db, struct kafka_consumer *consumer, const struct claim *claim,
                     struct stream *ret_stream, struct err *err) MUST_CHECK;

#endif
