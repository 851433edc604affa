#ifndef KASUMORI_RECORD_RECORD_H
#define KASUMORI_RECORD_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "kasumori/v1/record.pb-c.h" /* generated from proto/kasumori/v1 */
#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"

enum {
    RECORD_SCHEMA_MAJOR = 1,
    RECORD_SCHEMA_MINOR = 0,
    RECORD_HASH_BYTES = 16,
};

/* What became of a value; every class but OK is a class of bad_record. */
enum record_class {
    RECORD_CLASS_OK,
    RECORD_CLASS_MALFORMED, /* not the message, or a rule of record_validate broken */
    RECORD_CLASS_OVERSIZED,
    RECORD_CLASS_NEWER, /* schema_major beyond ours: waits for a newer program */
};

/* Decodes one wire value into arena (borrowing nothing of value). RC_REJECT with *ret_class set for
   a bad value, RC_FULL when the arena is too small (LIMIT_DECODE_ARENA_BYTES of room are enough for
   any value), RC_OK otherwise. Does not validate beyond the schema version and the encoding: no
   field twice, no NUL, lists within their limits; not UTF-8. Unknown fields and enum values are
   kept. */
enum rc record_decode(struct slice value, struct arena *arena, Kasumori__V1__Record **ret_record,
                      enum record_class *ret_class, struct err *err) MUST_CHECK;

/* Appends the encoded record. RC_REJECT when it is larger than LIMIT_VALUE_BYTES, RC_RETRY when out
   cannot grow. */
enum rc record_encode(const Kasumori__V1__Record *record, struct buf *out,
                      struct err *err) MUST_CHECK;

/* Counts, lengths, UTF-8, id, times (0 < start ≤ end, span ≤ 24 h; start not in the far past or
   future of the id's time), durations, one body, 16-byte tokens and targets, one token per key id,
   unique person ordinals; all of proto/README.md, "What a value must be". RC_REJECT with
   "persons[1].identifiers[0].tokens: why". The same rules at both ends, judged without the clock.
 */
enum rc record_validate(const Kasumori__V1__Record *record, struct err *err) MUST_CHECK;

/* SHA-256 cut to 16 bytes over the canonical form (proto/README.md): what happened, without who
   carried it, when it was written down, tokens and seals. RC_RETRY when memory is out. */
enum rc record_body_hash(const Kasumori__V1__Record *record, uint8_t ret_hash[RECORD_HASH_BYTES],
                         struct err *err) MUST_CHECK;

/* The id of a redelivery with a higher revision: a UUIDv7 with the original's time and bits from
   SHA-256(record_id ‖ revision big-endian), so that it falls into the same partition. */
void record_correction_id(const struct uuid *record_id, uint32_t revision, struct uuid *ret_id);

/* Every Text of the record with its place ("incident.words[0]"); visit may change text->value. */
enum rc record_each_text(Kasumori__V1__Record *record,
                         enum rc (*visit)(void *ctx, const char *place, Kasumori__V1__Text *text),
                         void *ctx) MUST_CHECK;

/* The body (contact, incident, supplement or the correction's replacement) as JSON by the proto's
   mapping: camel-case names, enum names (numbers for unknown ones), 64-bit integers as strings,
   base64 bytes; Text values, tokens and seals left out; empty messages and default values left out.
 */
void record_write_json(const Kasumori__V1__Record *record, struct buf *out);

/* Whether the message or one inside it carries fields this program does not know. */
int record_has_unknown_fields(const Kasumori__V1__Record *record);

#endif
