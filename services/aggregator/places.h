#ifndef KASUMORI_AGGREGATOR_PLACES_H
#define KASUMORI_AGGREGATOR_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "services/aggregator/ingest/message.h"
#include "services/common/base/limits.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"
#include "services/common/kafka/kafka.h"

/* The partitions that the group has given to one lane, and how each is read. */
enum place_state {
    PLACE_STATE_PENDING, /* to be claimed at its time */
    PLACE_STATE_READING, /* claimed */
};

struct place {
    enum place_state state;
    struct stream stream; /* READING */
    int64_t next_read;    /* READING: offset of the next message to take */
    int64_t gap_from;     /* where a gap was seen once; -1: nowhere */
    int64_t claim_at_us;  /* PENDING: not before, monotonic */
    int is_stopped;       /* PENDING: waits for an operator */
    int64_t lag;
};

struct places {
    struct place items[LIMIT_PARTITIONS];
    size_t count;
    int is_stale; /* the consumer does not read what READING says */
};

/* What to do with a message. */
enum place_order {
    PLACE_ORDER_TAKE,
    PLACE_ORDER_IGNORE, /* read before, or not ours */
    PLACE_ORDER_GAP,    /* offsets before it are missing: read again from next_read */
    PLACE_ORDER_SKIP,   /* and the log has shown twice that they hold nothing: take it */
};

void places_set(struct places *places, const int32_t *partitions, size_t count);
/* NULL when the lane does not have it. */
struct place *places_find(struct places *places, int32_t partition);
/* Judges a message's offset and moves next_read for TAKE and SKIP. */
enum place_order places_judge(struct places *places, int32_t partition, int64_t offset);

/* Stops reading a place until it is claimed again, not before the monotonic instant. */
void places_release(struct places *places, struct place *place, int64_t claim_at_us);
void places_release_all(struct places *places, int64_t claim_at_us);
/* Tells the consumer where to read: what is READING, from next_read. */
enum rc places_assign(struct places *places, struct kafka_consumer *consumer,
                      struct err *err) MUST_CHECK;

/* A PENDING place whose time has come; NULL: none. */
struct place *places_due(struct places *places, int64_t now_mono_us);
void places_claimed(struct places *places, struct place *place, const struct stream *stream);

size_t places_reading(const struct places *places);
size_t places_stopped(const struct places *places);
int64_t places_lag(const struct places *places);

#endif
