#ifndef KASUMORI_RECORD_RECORD_FIELD_H
#define KASUMORI_RECORD_RECORD_FIELD_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Private to this folder: a message read through its descriptor, so that every walk (limits, hash,
   JSON, texts) follows the .proto files without a line per field. Types in use: uint32, int64,
   uint64, bool, enum, string, bytes, message; repeated and in a oneof only messages. A test fails
   when Record or Heartbeat gains another, before this code can be wrong about it. */

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

/* Values present: 0 or 1 of a singular field (a default counts as absent, a message does not), the
   number of items of a repeated one. */
size_t record_field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The index-th value of the field where it lies in memory. */
const void *record_field_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                            size_t index);

/* What lies there; each for its own types. An integer is uint32, int64, uint64 (as two's
   complement), bool or enum. */
const ProtobufCMessage *record_field_message(const void *at);
struct slice record_field_bytes(const ProtobufCFieldDescriptor *field, const void *at);
int64_t record_field_integer(const ProtobufCFieldDescriptor *field, const void *at);

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
