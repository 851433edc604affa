/* The canonical form (proto/README.md) and its hash. Invariant: the form is a protobuf encoding
   with all fields of a message in the order of their numbers, known or not, so learning a field
   does not change the hash of a record that carried it before. */
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/mac/mac.h"
#include "services/common/record/record.h"
#include "services/common/record/record_field.h"

enum {
    STACK_BYTES = 4096, /* what nearly every record's form fits */
    END_BYTES = 1 + 10, /* occurred_end_us, which the form holds even where the record does not */
    VARINT_BYTES_MAX = 10,
};

/* Fields that do not belong to what happened, as bits 1 << number. */
#define RECORD_LEFT_OUT \
    (1u << 1 | 1u << 2 | 1u << 3 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 12 | 1u << 13)
#define IDENTIFIER_LEFT_OUT (1u << 3 | 1u << 4)

/* The form is written from its end to its start: then a message's size is known before the prefix
   that holds it is written, and one pass is enough. */
struct backwards {
    uint8_t *start;
    uint8_t *at;
    int is_full;
};

static void put(struct backwards *out, const void *data, size_t size)
{
    if ((size_t)(out->at - out->start) < size) {
        out->is_full = 1;
        return;
    }
    out->at -= size;
    if (size > 0)
        memcpy(out->at, data, size);
}

static void put_varint(struct backwards *out, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    put(out, bytes, size);
}

static void put_tag(struct backwards *out, uint32_t number, ProtobufCWireType type)
{
    put_varint(out, (uint64_t)number << 3 | type);
}

static int stands_before(const ProtobufCMessageUnknownField *a,
                         const ProtobufCMessageUnknownField *b)
{
    return a->tag < b->tag || (a->tag == b->tag && a < b);
}

/* Of the unknown fields with numbers between low and high the last one that stands before limit
   (NULL: no limit); NULL: none left. */
static const ProtobufCMessageUnknownField *last_unknown(const ProtobufCMessage *message,
                                                        uint32_t low, uint32_t high,
                                                        const ProtobufCMessageUnknownField *limit)
{
    const ProtobufCMessageUnknownField *last = NULL;
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        int is_candidate =
            field->tag > low && field->tag < high && (limit == NULL || stands_before(field, limit));
        if (is_candidate && (last == NULL || stands_before(last, field)))
            last = field;
    }
    return last;
}

static void put_unknown(struct backwards *out, const ProtobufCMessage *message, uint32_t low,
                        uint32_t high)
{
    if (message->n_unknown_fields == 0)
        return;
    const ProtobufCMessageUnknownField *field = NULL;
    while ((field = last_unknown(message, low, high, field)) != NULL) {
        put(out, field->data, field->len);
        put_tag(out, field->tag, field->wire_type);
    }
}

static void put_message(struct backwards *out, const ProtobufCMessage *message);

static void put_value(struct backwards *out, const ProtobufCFieldDescriptor *field, const void *at)
{
    const uint8_t *end = out->at;
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        put_message(out, record_field_message(at));
        break;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: {
        struct slice bytes = record_field_bytes(field, at);
        put(out, bytes.data, bytes.size);
        break;
    }
    default:
        put_varint(out, (uint64_t)record_field_integer(field, at));
        put_tag(out, field->id, PROTOBUF_C_WIRE_TYPE_VARINT);
        return;
    }
    put_varint(out, (uint64_t)(end - out->at));
    put_tag(out, field->id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
}

static uint32_t left_out(const ProtobufCMessageDescriptor *descriptor)
{
    if (descriptor == &kasumori__v1__record__descriptor)
        return RECORD_LEFT_OUT;
    if (descriptor == &kasumori__v1__identifier__descriptor)
        return IDENTIFIER_LEFT_OUT;
    return 0;
}

static void put_message(struct backwards *out, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    uint32_t skip = left_out(descriptor);
    uint32_t high = UINT32_MAX;
    CHECK(descriptor->n_fields < 32);
    for (unsigned f = descriptor->n_fields; f-- > 0;) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[f];
        put_unknown(out, message, field->id, high);
        high = field->id;
        if (field->id < 32 && skip >> field->id & 1)
            continue;
        for (size_t i = record_field_count(message, field); i-- > 0;)
            put_value(out, field, record_field_at(message, field, i));
    }
    put_unknown(out, message, 0, high);
}

static struct slice canonical(const Kasumori__V1__Record *record, uint8_t *memory, size_t size,
                              int *ret_is_full)
{
    struct backwards out = {.start = memory, .at = memory + size};
    Kasumori__V1__Record whole = *record;
    if (whole.occurred_end_us == 0)
        whole.occurred_end_us = whole.occurred_start_us;
    put_message(&out, &whole.base);
    *ret_is_full = out.is_full;
    return slice_of(out.at, (size_t)(memory + size - out.at));
}

enum rc record_body_hash(const Kasumori__V1__Record *record, uint8_t ret_hash[RECORD_HASH_BYTES],
                         struct err *err)
{
    uint8_t stack[STACK_BYTES];
    uint8_t *heap = NULL;
    int is_full;
    struct slice form = canonical(record, stack, sizeof(stack), &is_full);
    if (is_full) {
        /* Never larger than the encoding but for the end. */
        size_t size = protobuf_c_message_get_packed_size(&record->base) + END_BYTES;
        heap = mem_alloc(size);
        if (heap == NULL)
            return err_set(err, RC_RETRY, "could not get memory for a record's canonical form");
        form = canonical(record, heap, size, &is_full);
        CHECK(!is_full);
    }
    uint8_t digest[MAC_SHA256_BYTES];
    mac_sha256(form, digest);
    mem_free(heap);
    memcpy(ret_hash, digest, RECORD_HASH_BYTES);
    return RC_OK;
}
