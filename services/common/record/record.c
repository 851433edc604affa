/* The record on its way in and out. Invariant: a value is classed before it is parsed, so that a
   newer schema is never mistaken for garbage. */
#include "services/common/record/record.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/mac/mac.h"
#include "services/common/record/record_wire.h"

enum rc record_decode(struct slice value, struct arena *arena, Kasumori__V1__Record **ret_record,
                      enum record_class *ret_class, struct err *err)
{
    if (value.size > LIMIT_VALUE_BYTES) {
        *ret_class = RECORD_CLASS_OVERSIZED;
        return err_set(err, RC_REJECT, "record: %zu bytes, more than %d", value.size,
                       LIMIT_VALUE_BYTES);
    }
    uint32_t major = record_wire_major(value);
    if (major > RECORD_SCHEMA_MAJOR) {
        *ret_class = RECORD_CLASS_NEWER;
        return err_set(err, RC_REJECT, "schema_major: %u, this program reads up to %d", major,
                       RECORD_SCHEMA_MAJOR);
    }
    ProtobufCMessage *message;
    enum rc rc = record_wire_decode(&kasumori__v1__record__descriptor, value, arena, &message, err);
    if (rc == RC_OK && major == 0)
        rc = err_set(err, RC_REJECT, "schema_major: missing");
    if (rc == RC_REJECT)
        *ret_class = RECORD_CLASS_MALFORMED;
    if (rc != RC_OK)
        return rc;
    *ret_class = RECORD_CLASS_OK;
    *ret_record = (Kasumori__V1__Record *)message;
    return RC_OK;
}

enum rc record_encode(const Kasumori__V1__Record *record, struct buf *out, struct err *err)
{
    return record_wire_encode(&record->base, out, err);
}

void record_correction_id(const struct uuid *record_id, uint32_t revision, struct uuid *ret_id)
{
    enum { TIME_BYTES = 6 };
    uint8_t input[UUID_BYTES + 4];
    uint8_t digest[MAC_SHA256_BYTES];
    memcpy(input, record_id->bytes, UUID_BYTES);
    for (int i = 0; i < 4; i++)
        input[UUID_BYTES + i] = (uint8_t)(revision >> (24 - 8 * i));
    mac_sha256(slice_of(input, sizeof(input)), digest);
    struct uuid id = *record_id;
    memcpy(id.bytes + TIME_BYTES, digest, UUID_BYTES - TIME_BYTES);
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    *ret_id = id;
}
