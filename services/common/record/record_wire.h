#ifndef KASUMORI_RECORD_RECORD_WIRE_H
#define KASUMORI_RECORD_RECORD_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Private to this folder: between bytes and messages, whatever the message. */

/* Field 1, schema_major in all our messages, read without parsing what follows it: a newer schema
   may have changed all else. 0 when it is absent or the bytes before it are no fields. */
uint32_t record_wire_major(struct slice value);

/* Decodes value into arena. Stricter than the encoding's specification, so that every reader of any
   library sees the same: no field given twice unless repeated, one member of a oneof, wire types as
   declared, no groups, no NUL in a string; repeated fields within their limits; unknown fields
   within LIMIT_UNKNOWN_BYTES and LIMIT_UNKNOWN_FIELDS. RC_REJECT with the place; RC_FULL when the
   arena is too small. */
enum rc record_wire_decode(const ProtobufCMessageDescriptor *descriptor, struct slice value,
                           struct arena *arena, ProtobufCMessage **ret_message,
                           struct err *err) MUST_CHECK;

/* Appends the encoded message. RC_REJECT when larger than LIMIT_VALUE_BYTES, RC_RETRY when out
   cannot grow (out has then failed for good, see buf.h). */
enum rc record_wire_encode(const ProtobufCMessage *message, struct buf *out,
                           struct err *err) MUST_CHECK;

#endif
