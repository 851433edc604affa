#ifndef KASUMORI_INGEST_MESSAGE_H
#define KASUMORI_INGEST_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"
#include "services/common/kafka/kafka.h"

/* A partition that this lane holds: its offset row, and how far the database has it. Nothing is
   stored from it unless epoch and owner are still those of the row. */
struct stream {
    int32_t partition;
    int32_t stream_no;
    int64_t epoch;
    struct uuid owner;
    int64_t next_offset; /* first offset not yet committed */
};

/* One message as it came from the log; its bytes live in the batch. */
struct message {
    struct stream *stream;
    int64_t offset;
    int64_t appended_at_us; /* LogAppendTime, what every bound is judged by */
    struct slice key;
    struct slice value; /* data NULL: a null value, or one too large to be held */
    size_t value_size;  /* as it was in the log */
    const struct kafka_header *headers;
    size_t headers_count;
    const char
        *refused; /* why the database would not take it as a record; NULL: it was not asked */
};

/* Copies a message event into the arena, stream left NULL. A value larger than held_max is not
   kept. RC_RETRY when the arena is full or memory is out. */
enum rc message_copy(struct arena *arena, const struct kafka_event *event, size_t held_max,
                     struct message *ret_message) MUST_CHECK;

/* Why a message is not a record; the names are those of kasumori.bad_record.class. */
enum bad_class {
    BAD_CLASS_NONE,
    BAD_CLASS_MALFORMED,
    BAD_CLASS_OVERSIZED,
    BAD_CLASS_NEWER,
    BAD_CLASS_FORGED,
    BAD_CLASS_CLOCK,
    BAD_CLASS_ARCHIVED,
    BAD_CLASS_CONFLICT,
    BAD_CLASS_COUNT,
};

/* "malformed", …; "" for NONE. */
const char *message_class_name(enum bad_class class);

#endif
