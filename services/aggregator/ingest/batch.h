#ifndef KASUMORI_INGEST_BATCH_H
#define KASUMORI_INGEST_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "services/aggregator/ingest/message.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"
#include "services/common/kafka/kafka.h"
#include "services/common/mac/mac.h"

/* What a lane has collected, and the way it is stored. One thread owns it. */
struct batch;

struct batch_config {
    const uint8_t *mac_master; /* MAC_KEY_BYTES, copied */
    const char *conninfo;      /* for missing partitions; borrowed for the batch's life */
    size_t messages_max;       /* 1..LIMIT_LANE_BATCH */
};

struct batch_counts {
    int64_t records; /* stored under their own id */
    int64_t revisions;
    int64_t duplicates;
    int64_t bad[BAD_CLASS_COUNT];
    int64_t transactions;
    int64_t refused; /* transactions that the database refused because of a row */
};

/* NULL when memory is out. Must outlive the connections it is stored through. */
struct batch *batch_new(const struct batch_config *config) MUST_CHECK;
void batch_free(struct batch *batch);

/* What a connection of T1 needs before the first batch_store. */
enum rc batch_open_session(struct db *db, struct err *err) MUST_CHECK;

/* Copies a message event; stream is borrowed until the batch is stored or dropped. RC_FULL: store
   first. RC_RETRY: memory is out. */
enum rc batch_add(struct batch *batch, const struct kafka_event *event, struct stream *stream,
                  struct err *err) MUST_CHECK;
size_t batch_count(const struct batch *batch); /* not stored yet */
int batch_is_full(const struct batch *batch);
void batch_drop(struct batch *batch);

/* Stores all, in one transaction or more, each with its offsets; *counts grows with each commit.
   RC_OK: the batch is empty. RC_RETRY: some may be committed (streams' next_offset says how far);
   call again, with another connection when this one is gone. RC_REJECT: an offset row is not ours
   any more: drop the batch and the streams. RC_FATAL, RC_CORRUPT: stop. Blocks. */
enum rc batch_store(struct batch *batch, struct db *db, struct batch_counts *counts,
                    struct err *err) MUST_CHECK;

/* After RC_REJECT: the rows are ours, but the database has lost commits (a crash: they are not
   flushed one by one) or was restored: claim again at once. Otherwise somebody else has claimed
   them. */
int batch_is_rewound(const struct batch *batch);

#endif
