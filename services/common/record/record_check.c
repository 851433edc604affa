/* One walk for all that the descriptors can tell. Invariant: every field of every message inside is
   looked at, so a new field of the wire is bounded from its first day. */
#include "services/common/record/record_check.h"

#include "kasumori/v1/identity.pb-c.h"
#include "services/common/base/limits.h"
#include "services/common/base/utf8.h"
#include "services/common/record/record_field.h"

/* 9999-12-31T23:59:59.999999Z: what RFC 3339 and PostgreSQL can both write. */
#define INSTANT_MAX_US INT64_C(253402300799999999)

struct check {
    size_t unknown_bytes;
    size_t unknown_fields;
    struct err *err;
};

static enum rc check_bytes(struct check *check, const ProtobufCMessageDescriptor *descriptor,
                           const struct record_place *place, const void *at)
{
    struct slice bytes = record_field_bytes(place->field, at);
    if (place->field->type == PROTOBUF_C_TYPE_STRING && !utf8_is_valid(bytes))
        return record_place_reject(place, check->err, "not valid UTF-8");
    /* No limit of a string is lower, and most strings are short: spares the look-up. */
    if (place->field->type == PROTOBUF_C_TYPE_STRING && bytes.size <= LIMIT_NAME_BYTES)
        return RC_OK;
    struct record_limits limits = record_field_limits(descriptor, place->field);
    if (bytes.size > limits.max)
        return record_place_reject(place, check->err, "%zu bytes, more than %zu", bytes.size,
                                   limits.max);
    if (bytes.size < limits.min)
        return record_place_reject(place, check->err, "%zu bytes instead of %zu", bytes.size,
                                   limits.min);
    return RC_OK;
}

static enum rc check_integer(struct check *check, const struct record_place *place, const void *at)
{
    int64_t value = record_field_integer(place->field, at);
    if (place->field->type != PROTOBUF_C_TYPE_INT64)
        return RC_OK;
    if (record_field_is_instant(place->field) && (value < 0 || value > INSTANT_MAX_US))
        return record_place_reject(place, check->err, "not a time of the years 1970 to 9999");
    if (record_field_is_duration(place->field) && (value < 0 || value > LIMIT_RECORD_SPAN_US))
        return record_place_reject(place, check->err, "not a duration of 0 to 24 hours");
    return RC_OK;
}

static enum rc check_tokens(struct check *check, const ProtobufCMessage *message,
                            const struct record_place *up)
{
    const Kasumori__V1__Identifier *identifier = (const Kasumori__V1__Identifier *)message;
    const struct record_place place = {
        up,
        protobuf_c_message_descriptor_get_field(message->descriptor, 3),
        RECORD_PLACE_WHOLE,
    };
    for (size_t i = 0; i < identifier->n_tokens; i++) {
        if (identifier->tokens[i]->mac.len != RECORD_MAC_BYTES)
            return record_place_reject(&place, check->err, "token %zu has no 16-byte mac", i);
        for (size_t k = 0; k < i; k++)
            if (identifier->tokens[k]->key_id == identifier->tokens[i]->key_id)
                return record_place_reject(&place, check->err, "two tokens under key id %u",
                                           identifier->tokens[i]->key_id);
    }
    return RC_OK;
}

static enum rc check_unknown(struct check *check, const ProtobufCMessage *message,
                             const struct record_place *up)
{
    check->unknown_fields += message->n_unknown_fields;
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        check->unknown_bytes += message->unknown_fields[i].len;
    if (check->unknown_fields > LIMIT_UNKNOWN_FIELDS || check->unknown_bytes > LIMIT_UNKNOWN_BYTES)
        return record_place_reject(up, check->err, "too many unknown fields");
    return RC_OK;
}

static enum rc check_message(struct check *check, const ProtobufCMessage *message,
                             const struct record_place *up);

static enum rc check_value(struct check *check, const ProtobufCMessageDescriptor *descriptor,
                           const struct record_place *place, const void *at)
{
    switch (place->field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return check_message(check, record_field_message(at), place);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return check_bytes(check, descriptor, place, at);
    default:
        return check_integer(check, place, at);
    }
}

static enum rc check_field(struct check *check, const ProtobufCMessage *message,
                           const ProtobufCFieldDescriptor *field, const struct record_place *up)
{
    struct record_place place = {up, field, RECORD_PLACE_WHOLE};
    size_t count = record_field_count(message, field);
    if (field->label == PROTOBUF_C_LABEL_REPEATED && count > 1) {
        size_t max = record_field_limits(message->descriptor, field).max;
        if (count > max)
            return record_place_reject(&place, check->err, "%zu items, more than %zu", count, max);
    }
    for (size_t i = 0; i < count; i++) {
        place.index = i;
        enum rc rc =
            check_value(check, message->descriptor, &place, record_field_at(message, field, i));
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc check_message(struct check *check, const ProtobufCMessage *message,
                             const struct record_place *up)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        enum rc rc = check_field(check, message, &descriptor->fields[i], up);
        if (rc != RC_OK)
            return rc;
    }
    if (descriptor == &kasumori__v1__identifier__descriptor) {
        enum rc rc = check_tokens(check, message, up);
        if (rc != RC_OK)
            return rc;
    }
    return message->n_unknown_fields == 0 ? RC_OK : check_unknown(check, message, up);
}

enum rc record_check_message(const ProtobufCMessage *message, struct err *err)
{
    struct check check = {.err = err};
    return check_message(&check, message, NULL);
}
