/* The body for the detail column. Invariant: whatever the record holds, what is written is JSON
   that PostgreSQL takes, and holds no free text, token or seal. */
#include <inttypes.h>
#include <string.h>

#include "services/common/base/base64.h"
#include "services/common/base/utf8.h"
#include "services/common/record/record.h"
#include "services/common/record/record_field.h"

static void write_string(struct buf *out, struct slice text)
{
    static const char REPLACEMENT[] = "\xef\xbf\xbd";
    buf_add_char(out, '"');
    for (size_t at = 0; at < text.size;) {
        size_t start = at;
        int32_t code_point = utf8_next(text, &at);
        if (code_point < 0) {
            at++;
            buf_add_str(out, REPLACEMENT);
        } else if (code_point == '"' || code_point == '\\') {
            buf_add_char(out, '\\');
            buf_add_char(out, (char)code_point);
        } else if (code_point < 0x20) {
            buf_addf(out, "\\u%04x", (unsigned)code_point);
        } else {
            buf_add(out, text.data + start, at - start);
        }
    }
    buf_add_char(out, '"');
}

/* "occurred_start_us" as "occurredStartUs". */
static void write_name(struct buf *out, const char *name)
{
    buf_add_char(out, '"');
    for (; *name != '\0'; name++) {
        if (name[0] == '_' && name[1] >= 'a' && name[1] <= 'z') {
            name++;
            buf_add_char(out, (char)(*name - 'a' + 'A'));
        } else {
            buf_add_char(out, *name);
        }
    }
    buf_add_str(out, "\":");
}

static int is_left_out(const ProtobufCMessageDescriptor *message,
                       const ProtobufCFieldDescriptor *field)
{
    if (message == &kasumori__v1__text__descriptor)
        return strcmp(field->name, "value") == 0;
    if (message == &kasumori__v1__identifier__descriptor)
        return strcmp(field->name, "tokens") == 0 || strcmp(field->name, "sealed") == 0;
    return 0;
}

static void write_enum(struct buf *out, const ProtobufCFieldDescriptor *field, int64_t value)
{
    const ProtobufCEnumValue *known =
        protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value);
    if (known != NULL)
        buf_addf(out, "\"%s\"", known->name);
    else
        buf_addf(out, "%" PRId64, value);
}

static int write_message(struct buf *out, const ProtobufCMessage *message);

/* 0 when what was written is an empty message. */
static int write_value(struct buf *out, const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return write_message(out, record_field_message(at));
    case PROTOBUF_C_TYPE_STRING:
        write_string(out, record_field_bytes(field, at));
        return 1;
    case PROTOBUF_C_TYPE_BYTES:
        buf_add_char(out, '"');
        base64_write(out, record_field_bytes(field, at));
        buf_add_char(out, '"');
        return 1;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(out, field, record_field_integer(field, at));
        return 1;
    case PROTOBUF_C_TYPE_BOOL:
        buf_add_str(out, record_field_integer(field, at) ? "true" : "false");
        return 1;
    case PROTOBUF_C_TYPE_UINT32:
        buf_addf(out, "%" PRId64, record_field_integer(field, at));
        return 1;
    case PROTOBUF_C_TYPE_UINT64:
        buf_addf(out, "\"%" PRIu64 "\"", (uint64_t)record_field_integer(field, at));
        return 1;
    default:
        buf_addf(out, "\"%" PRId64 "\"", record_field_integer(field, at));
        return 1;
    }
}

/* Items keep their places, empty ones too; 0 when all are empty. */
static int write_list(struct buf *out, const ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field, size_t count)
{
    int has_content = 0;
    buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        has_content |= write_value(out, field, record_field_at(message, field, i));
    }
    buf_add_char(out, ']');
    return has_content;
}

/* 0 when the message has nothing to say. */
static int write_message(struct buf *out, const ProtobufCMessage *message)
{
    int has_content = 0;
    buf_add_char(out, '{');
    for (unsigned f = 0; f < message->descriptor->n_fields; f++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[f];
        size_t count = record_field_count(message, field);
        if (count == 0 || is_left_out(message->descriptor, field))
            continue;
        size_t mark = out->size;
        if (has_content)
            buf_add_char(out, ',');
        write_name(out, field->name);
        int is_written = field->label == PROTOBUF_C_LABEL_REPEATED
                             ? write_list(out, message, field, count)
                             : write_value(out, field, record_field_at(message, field, 0));
        if (!is_written)
            out->size = mark;
        has_content |= is_written;
    }
    buf_add_char(out, '}');
    return has_content;
}

static const ProtobufCMessage *body_of(const ProtobufCMessage *message)
{
    for (unsigned f = 0; f < message->descriptor->n_fields; f++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[f];
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF && record_field_count(message, field) > 0)
            return record_field_message(record_field_at(message, field, 0));
    }
    return NULL;
}

void record_write_json(const Kasumori__V1__Record *record, struct buf *out)
{
    const ProtobufCMessage *body = body_of(&record->base);
    if (body != NULL && body->descriptor == &kasumori__v1__correction__descriptor)
        body = body_of(body);
    if (body == NULL)
        buf_add_str(out, "{}");
    else
        (void)write_message(out, body);
}
