#ifndef KASUMORI_RECORD_RECORD_FIELD_H
#define KASUMORI_RECORD_RECORD_FIELD_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "services/common/base/check.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Private to this folder: a message read through its descriptor, so that every walk (limits, hash,
   JSON, texts) follows the .proto files without a line per field. Types in use: uint32, int64,
   uint64, bool, enum, string, bytes, message; repeated and in a oneof only messages, in what the
   center tells (alert.h) also repeated strings and bytes, whose items then have at most as many
   bytes as there may be items. A test fails when Record or Heartbeat gains another, before this
   code can be wrong about it. */

enum { RECORD_MAC_BYTES = 16, RECORD_SHA256_BYTES = 32, RECORD_PLACE_TEXT_BYTES = 160 };

/* Where a value stands: the chain of fields that leads to it, on the stack of the walk. */
struct record_place {
    const struct record_place *up; /* NULL: a field of the outermost message */
    const ProtobufCFieldDescriptor *field;
    size_t index; /* of a repeated field; RECORD_PLACE_WHOLE: the field itself */
};

#define RECORD_PLACE_WHOLE SIZE_MAX

/* "persons[1].identifiers[0].tokens[2]"; cut to size. */
void record_place_format(const struct record_place *place, char *text, size_t size);

/* RC_REJECT with "place: why". place NULL: the whole value. */
enum rc record_place_reject(const struct record_place *place, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* What lies at a value; each for its own types. An integer is uint32, int64, uint64 (as two's
   complement), bool or enum. These are inline because every walk asks them of every field. */
static inline const ProtobufCMessage *record_field_message(const void *at)
{
    return *(const ProtobufCMessage *const *)at;
}

static inline struct slice record_field_bytes(const ProtobufCFieldDescriptor *field, const void *at)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return slice_str(*(char *const *)at);
    const ProtobufCBinaryData *bytes = at;
    return slice_of(bytes->data, bytes->len);
}

static inline int64_t record_field_integer(const ProtobufCFieldDescriptor *field, const void *at)
{
    if (field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_UINT64)
        return *(const int64_t *)at;
    if (field->type == PROTOBUF_C_TYPE_UINT32)
        return *(const uint32_t *)at;
    CHECK(field->type == PROTOBUF_C_TYPE_ENUM || field->type == PROTOBUF_C_TYPE_BOOL);
    return *(const int32_t *)at;
}

static inline const void *record_field_member(const ProtobufCMessage *message, unsigned offset)
{
    return (const char *)message + offset;
}

/* Values present: 0 or 1 of a singular field (a default counts as absent, a message does not), the
   number of items of a repeated one. */
static inline size_t record_field_count(const ProtobufCMessage *message,
                                        const ProtobufCFieldDescriptor *field)
{
    const void *at = record_field_member(message, field->offset);
    const void *quantifier = record_field_member(message, field->quantifier_offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)quantifier;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF && *(const uint32_t *)quantifier != field->id)
        return 0;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return record_field_message(at) != NULL;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(char *const *)at;
        return text != NULL && text[0] != '\0';
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)at)->len > 0;
    return record_field_integer(field, at) != 0;
}

/* The index-th value of the field where it lies in memory. */
static inline const void *record_field_at(const ProtobufCMessage *message,
                                          const ProtobufCFieldDescriptor *field, size_t index)
{
    const void *at = record_field_member(message, field->offset);
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return at;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return *(const ProtobufCBinaryData *const *)at + index;
    return *(const void *const *const *)at + index; /* messages, strings */
}

/* An instant in µs (name ends in _at_us, _until_us, _start_us, _end_us), a duration in µs (any
   other name in _us). */
int record_field_is_instant(const ProtobufCFieldDescriptor *field);
int record_field_is_duration(const ProtobufCFieldDescriptor *field);

/* The limits of a field of message: items of a repeated one, else bytes of a string or bytes value
   that is not empty. */
struct record_limits {
    size_t min;
    size_t max;
};
struct record_limits record_field_limits(const ProtobufCMessageDescriptor *message,
                                         const ProtobufCFieldDescriptor *field);

#endif
