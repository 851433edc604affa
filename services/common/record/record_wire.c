/* protobuf-c, fenced. It multiplies memory (a 2-byte item becomes 60), cuts strings at a NUL,
   merges a message given twice otherwise than other libraries do, and says only NULL when anything
   is wrong. So a scan goes over the bytes first. Invariant: what passes the scan decodes within
   LIMIT_DECODE_ARENA_BYTES, and to the same message in every protobuf library. */
#include "services/common/record/record_wire.h"

#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/record/record_field.h"

enum { FIELDS_MAX = 32, FIELD_NUMBER_MAX = (1 << 29) - 1, VARINT_BYTES_MAX = 10 };

/* One field as it stands on the wire. */
struct wire_field {
    uint32_t number;
    unsigned type;
    struct slice payload; /* without the length prefix */
    size_t whole_size;    /* with tag and prefix */
};

static int read_varint(struct slice *rest, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < rest->size && i < VARINT_BYTES_MAX; i++) {
        value |= (uint64_t)(rest->data[i] & 0x7f) << (7 * i);
        if (rest->data[i] < 0x80) {
            if (i == VARINT_BYTES_MAX - 1 && rest->data[i] > 1)
                return 0; /* beyond 64 bits */
            *rest = slice_of(rest->data + i + 1, rest->size - i - 1);
            *ret_value = value;
            return 1;
        }
    }
    return 0;
}

/* 0 when the bytes do not go on as a field. */
static int read_field(struct slice *rest, struct wire_field *field)
{
    size_t size_before = rest->size;
    uint64_t tag;
    uint64_t size = 0;
    if (!read_varint(rest, &tag) || tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
        return 0;
    field->number = (uint32_t)(tag >> 3);
    field->type = tag & 7;
    const uint8_t *start = rest->data;
    switch (field->type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        if (!read_varint(rest, &size))
            return 0;
        field->payload = slice_of(start, (size_t)(rest->data - start));
        field->whole_size = size_before - rest->size;
        return 1;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        size = 8;
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        size = 4;
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_varint(rest, &size))
            return 0;
        break;
    default:
        return 0;
    }
    if (size > rest->size)
        return 0;
    field->payload = slice_of(rest->data, (size_t)size);
    *rest = slice_of(rest->data + size, rest->size - (size_t)size);
    field->whole_size = size_before - rest->size;
    return 1;
}

uint32_t record_wire_major(struct slice value)
{
    struct slice rest = value;
    struct wire_field field;
    while (rest.size > 0 && read_field(&rest, &field)) {
        uint64_t major;
        if (field.number == 1 && field.type == PROTOBUF_C_WIRE_TYPE_VARINT)
            return read_varint(&field.payload, &major) ? (uint32_t)major : 0;
    }
    return 0;
}

/* What the scan of one value has met so far. */
struct scan {
    size_t unknown_bytes;
    size_t unknown_fields;
    struct err *err;
};

static enum rc scan_message(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                            struct slice bytes, const struct record_place *up);

/* Numbers run without gaps in our schema, so the first look nearly always hits. */
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor,
                                                  uint32_t number)
{
    if (number <= descriptor->n_fields && descriptor->fields[number - 1].id == number)
        return &descriptor->fields[number - 1];
    return protobuf_c_message_descriptor_get_field(descriptor, number);
}

static unsigned wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

static enum rc scan_unknown(struct scan *scan, const struct wire_field *field,
                            const struct record_place *up)
{
    scan->unknown_bytes += field->whole_size;
    scan->unknown_fields++;
    if (scan->unknown_bytes > LIMIT_UNKNOWN_BYTES)
        return record_place_reject(up, scan->err, "more than %d bytes of unknown fields",
                                   LIMIT_UNKNOWN_BYTES);
    if (scan->unknown_fields > LIMIT_UNKNOWN_FIELDS)
        return record_place_reject(up, scan->err, "more than %d unknown fields",
                                   LIMIT_UNKNOWN_FIELDS);
    return RC_OK;
}

static int has_sibling(const ProtobufCMessageDescriptor *descriptor,
                       const ProtobufCFieldDescriptor *field, const uint16_t *seen)
{
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        return 0;
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        if (seen[i] > 0 && descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
            descriptor->fields[i].quantifier_offset == field->quantifier_offset)
            return 1;
    return 0;
}

/* Whether the field may occur here, seen being what stood before it in this message. */
static enum rc scan_occurrence(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                               const struct record_place *place, const uint16_t *seen)
{
    const ProtobufCFieldDescriptor *field = place->field;
    const struct record_place whole = {place->up, field, RECORD_PLACE_WHOLE};
    size_t count = seen[field - descriptor->fields];
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t max = count > 0 ? record_field_limits(descriptor, field).max : SIZE_MAX;
        return count < max ? RC_OK
                           : record_place_reject(&whole, scan->err, "more than %zu items", max);
    }
    if (count > 0)
        return record_place_reject(&whole, scan->err, "given twice");
    if (has_sibling(descriptor, field, seen))
        return record_place_reject(&whole, scan->err, "a second body beside another");
    return RC_OK;
}

static enum rc scan_known(struct scan *scan, const struct wire_field *wire,
                          const struct record_place *place)
{
    const ProtobufCFieldDescriptor *field = place->field;
    if (wire->type != wire_type_of(field->type))
        return record_place_reject(place, scan->err, "another wire type than declared");
    if (field->type == PROTOBUF_C_TYPE_STRING && wire->payload.size > 0 &&
        memchr(wire->payload.data, '\0', wire->payload.size) != NULL)
        return record_place_reject(place, scan->err, "a NUL character");
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return RC_OK;
    return scan_message(scan, field->descriptor, wire->payload, place);
}

static enum rc scan_message(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                            struct slice bytes, const struct record_place *up)
{
    uint16_t seen[FIELDS_MAX] = {0};
    struct slice rest = bytes;
    CHECK(descriptor->n_fields <= FIELDS_MAX);
    while (rest.size > 0) {
        struct wire_field wire;
        enum rc rc;
        size_t at = bytes.size - rest.size;
        if (!read_field(&rest, &wire))
            return record_place_reject(up, scan->err, "not a protobuf message at byte %zu", at);
        const ProtobufCFieldDescriptor *field = find_field(descriptor, wire.number);
        if (field == NULL) {
            rc = scan_unknown(scan, &wire, up);
        } else {
            uint16_t *count = &seen[field - descriptor->fields];
            struct record_place place = {up, field, *count};
            rc = scan_occurrence(scan, descriptor, &place, seen);
            if (rc == RC_OK)
                rc = scan_known(scan, &wire, &place);
            (*count)++;
        }
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

struct arena_door {
    struct arena *arena;
    int is_full;
};

static void *door_alloc(void *ctx, size_t size)
{
    struct arena_door *door = ctx;
    void *p = arena_alloc(door->arena, size);
    door->is_full |= p == NULL;
    return p;
}

static void door_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p; /* the arena forgets all at once */
}

enum rc record_wire_decode(const ProtobufCMessageDescriptor *descriptor, struct slice value,
                           struct arena *arena, ProtobufCMessage **ret_message, struct err *err)
{
    struct scan scan = {.err = err};
    enum rc rc = scan_message(&scan, descriptor, value, NULL);
    if (rc != RC_OK)
        return rc;
    struct arena_door door = {.arena = arena};
    ProtobufCAllocator allocator = {door_alloc, door_free, &door};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, value.size, value.data);
    if (message == NULL && door.is_full)
        return err_set(err, RC_FULL, "could not decode a message: the arena is full");
    if (message == NULL)
        return record_place_reject(NULL, err, "not a protobuf message");
    *ret_message = message;
    return RC_OK;
}

struct buf_door {
    ProtobufCBuffer base;
    struct buf *out;
};

static void door_append(ProtobufCBuffer *base, size_t size, const uint8_t *data)
{
    buf_add(((struct buf_door *)base)->out, data, size);
}

enum rc record_wire_encode(const ProtobufCMessage *message, struct buf *out, struct err *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > LIMIT_VALUE_BYTES)
        return record_place_reject(NULL, err, "%zu bytes encoded, more than %d", size,
                                   LIMIT_VALUE_BYTES);
    struct buf_door door = {.base = {door_append}, .out = out};
    protobuf_c_message_pack_to_buffer(message, &door.base);
    if (out->is_failed)
        return err_set(err, RC_RETRY, "could not get memory for an encoded message");
    return RC_OK;
}
