/* Sets fields by name, led by the descriptors: an adapter needs no line per field of the wire.
   Invariant: a message under construction is whole at any moment, it can be validated, encoded and
   hashed. */
#include "services/common/record/record_build.h"

#include <string.h>

#include "services/common/base/check.h"
#include "services/common/record/record_field.h"

static ProtobufCMessage *message_of(struct record_node node)
{
    return node.message;
}

static const ProtobufCFieldDescriptor *descriptor_of(const struct record_field *field)
{
    return field->opaque;
}

static void *member(struct record_node node, unsigned offset)
{
    return (char *)node.message + offset;
}

static enum rc no_room(struct err *err)
{
    return err_set(err, RC_FULL, "the record is too large to be read");
}

static enum rc message_new(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
                           ProtobufCMessage **ret_message, struct err *err)
{
    ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);
    if (message == NULL)
        return no_room(err);
    protobuf_c_message_init(descriptor, message);
    *ret_message = message;
    return RC_OK;
}

enum rc record_build_new(struct arena *arena, Kasumori__V1__Record **ret_record,
                         struct record_node *ret_node, struct err *err)
{
    ProtobufCMessage *message;
    enum rc rc = message_new(arena, &kasumori__v1__record__descriptor, &message, err);
    if (rc != RC_OK)
        return rc;
    *ret_record = (Kasumori__V1__Record *)message;
    *ret_node = (struct record_node){.message = message};
    return RC_OK;
}

const char *record_build_name(struct record_node node)
{
    return message_of(node)->descriptor->short_name;
}

/* name is the field's, or that with each "_x" as "X". */
static int is_name_of(const char *name, const char *field_name)
{
    if (strcmp(name, field_name) == 0)
        return 1;
    for (; *field_name != '\0'; name++, field_name++) {
        char want = *field_name;
        if (want == '_' && field_name[1] >= 'a' && field_name[1] <= 'z')
            want = (char)(*++field_name - 'a' + 'A');
        if (*name != want)
            return 0;
    }
    return *name == '\0';
}

static enum record_field_type type_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return RECORD_FIELD_TYPE_STRING;
    case PROTOBUF_C_TYPE_BYTES:
        return RECORD_FIELD_TYPE_BYTES;
    case PROTOBUF_C_TYPE_MESSAGE:
        return RECORD_FIELD_TYPE_MESSAGE;
    case PROTOBUF_C_TYPE_ENUM:
        return RECORD_FIELD_TYPE_ENUM;
    case PROTOBUF_C_TYPE_BOOL:
        return RECORD_FIELD_TYPE_BOOL;
    default:
        return record_field_is_instant(field) ? RECORD_FIELD_TYPE_TIME : RECORD_FIELD_TYPE_INTEGER;
    }
}

int record_build_find(struct record_node node, const char *name, struct record_field *ret_field)
{
    const ProtobufCMessageDescriptor *descriptor = message_of(node)->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (!is_name_of(name, field->name))
            continue;
        *ret_field = (struct record_field){.type = type_of(field),
                                           .is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED,
                                           .opaque = field};
        return 1;
    }
    return 0;
}

static void select_oneof(struct record_node node, const ProtobufCFieldDescriptor *field)
{
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        *(uint32_t *)member(node, field->quantifier_offset) = field->id;
}

/* Length and, for a string, that it holds no NUL: C would see its end there. */
static enum rc check_bytes(struct record_node node, const ProtobufCFieldDescriptor *field,
                           struct slice value, struct err *err)
{
    struct record_limits limits = record_field_limits(message_of(node)->descriptor, field);
    if (value.size > limits.max)
        return err_set(err, RC_REJECT, "%zu bytes, more than %zu", value.size, limits.max);
    if (value.size > 0 && value.size < limits.min)
        return err_set(err, RC_REJECT, "%zu bytes instead of %zu", value.size, limits.min);
    if (field->type == PROTOBUF_C_TYPE_STRING && value.size > 0 &&
        memchr(value.data, '\0', value.size) != NULL)
        return err_set(err, RC_REJECT, "a NUL character");
    return RC_OK;
}

enum rc record_build_string(struct arena *arena, struct record_node node,
                            const struct record_field *field, struct slice value, struct err *err)
{
    const ProtobufCFieldDescriptor *descriptor = descriptor_of(field);
    CHECK(field->type == RECORD_FIELD_TYPE_STRING && !field->is_repeated);
    enum rc rc = check_bytes(node, descriptor, value, err);
    if (rc != RC_OK)
        return rc;
    char *copy = arena_copy(arena, value.data, value.size);
    if (copy == NULL)
        return no_room(err);
    *(char **)member(node, descriptor->offset) = copy;
    return RC_OK;
}

enum rc record_build_bytes(struct arena *arena, struct record_node node,
                           const struct record_field *field, struct slice value, struct err *err)
{
    const ProtobufCFieldDescriptor *descriptor = descriptor_of(field);
    CHECK(field->type == RECORD_FIELD_TYPE_BYTES && !field->is_repeated);
    enum rc rc = check_bytes(node, descriptor, value, err);
    if (rc != RC_OK)
        return rc;
    uint8_t *copy = (uint8_t *)arena_copy(arena, value.data, value.size);
    if (copy == NULL)
        return no_room(err);
    *(ProtobufCBinaryData *)member(node, descriptor->offset) =
        (ProtobufCBinaryData){.len = value.size, .data = copy};
    return RC_OK;
}

enum rc record_build_integer(struct arena *arena, struct record_node node,
                             const struct record_field *field, int64_t value, struct err *err)
{
    const ProtobufCFieldDescriptor *descriptor = descriptor_of(field);
    void *at = member(node, descriptor->offset);
    (void)arena; /* alike for all types, so that callers can use a table */
    CHECK(!field->is_repeated);
    switch (descriptor->type) {
    case PROTOBUF_C_TYPE_UINT32:
        if (value < 0 || value > UINT32_MAX)
            return err_set(err, RC_REJECT, "not between 0 and %u", UINT32_MAX);
        *(uint32_t *)at = (uint32_t)value;
        return RC_OK;
    case PROTOBUF_C_TYPE_ENUM:
        if (value < INT32_MIN || value > INT32_MAX)
            return err_set(err, RC_REJECT, "not between %d and %d", INT32_MIN, INT32_MAX);
        *(int32_t *)at = (int32_t)value;
        return RC_OK;
    case PROTOBUF_C_TYPE_BOOL:
        if (value != 0 && value != 1)
            return err_set(err, RC_REJECT, "not 0 or 1");
        *(protobuf_c_boolean *)at = (protobuf_c_boolean)value;
        return RC_OK;
    default:
        CHECK(descriptor->type == PROTOBUF_C_TYPE_INT64);
        *(int64_t *)at = value;
        return RC_OK;
    }
}

/* The size of what all names of an enum begin with: that of its zero value, X_UNSPECIFIED (buf lint
   sees to it), without the last word. */
static size_t prefix_size(const ProtobufCEnumDescriptor *descriptor)
{
    static const char ZERO[] = "UNSPECIFIED";
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(descriptor, 0);
    CHECK(zero != NULL && strlen(zero->name) >= strlen(ZERO));
    return strlen(zero->name) - strlen(ZERO);
}

enum rc record_build_enum(struct arena *arena, struct record_node node,
                          const struct record_field *field, const char *name, struct err *err)
{
    CHECK(field->type == RECORD_FIELD_TYPE_ENUM);
    const ProtobufCEnumDescriptor *descriptor = descriptor_of(field)->descriptor;
    size_t prefix = prefix_size(descriptor);
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        const ProtobufCEnumValue *value = &descriptor->values[i];
        if (strcmp(name, value->name) == 0 || strcmp(name, value->name + prefix) == 0)
            return record_build_integer(arena, node, field, value->value, err);
    }
    return err_set(err, RC_REJECT, "no such %s", descriptor->short_name);
}

int record_build_kind(const char *name, uint32_t *ret_kind)
{
    const ProtobufCEnumDescriptor *descriptor = &kasumori__v1__identifier_kind__descriptor;
    size_t prefix = prefix_size(descriptor);
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        const char *upper = descriptor->values[i].name + prefix;
        const char *lower = name;
        if (descriptor->values[i].value == 0)
            continue;
        while (*lower != '\0' &&
               *upper == (*lower >= 'a' && *lower <= 'z' ? *lower - 'a' + 'A' : *lower) &&
               !(*lower >= 'A' && *lower <= 'Z')) {
            lower++;
            upper++;
        }
        if (*lower == '\0' && *upper == '\0') {
            *ret_kind = (uint32_t)descriptor->values[i].value;
            return 1;
        }
    }
    return 0;
}

/* Adds child to a repeated field. The array doubles when its count is a power of two; the old one
   stays behind in the arena. */
static enum rc append(struct arena *arena, struct record_node node,
                      const ProtobufCFieldDescriptor *field, ProtobufCMessage *child,
                      struct err *err)
{
    size_t *count = member(node, field->quantifier_offset);
    ProtobufCMessage ***items = member(node, field->offset);
    if ((*count & (*count - 1)) == 0) {
        size_t capacity = *count > 0 ? 2 * *count : 1;
        ProtobufCMessage **grown = arena_alloc(arena, capacity * sizeof(*grown));
        if (grown == NULL)
            return no_room(err);
        if (*count > 0)
            memcpy(grown, *items, *count * sizeof(*grown));
        *items = grown;
    }
    (*items)[(*count)++] = child;
    return RC_OK;
}

/* Whether one more message may stand in the field. */
static enum rc check_vacant(struct record_node node, const ProtobufCFieldDescriptor *field,
                            struct err *err)
{
    size_t count = record_field_count(message_of(node), field);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t max = record_field_limits(message_of(node)->descriptor, field).max;
        return count < max ? RC_OK : err_set(err, RC_REJECT, "more than %zu items", max);
    }
    if (count > 0)
        return err_set(err, RC_REJECT, "given twice");
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
        *(const uint32_t *)member(node, field->quantifier_offset) != 0)
        return err_set(err, RC_REJECT, "a second body beside another");
    return RC_OK;
}

enum rc record_build_message(struct arena *arena, struct record_node node,
                             const struct record_field *field, struct record_node *ret_child,
                             struct err *err)
{
    const ProtobufCFieldDescriptor *descriptor = descriptor_of(field);
    ProtobufCMessage *child = NULL;
    CHECK(field->type == RECORD_FIELD_TYPE_MESSAGE);
    enum rc rc = check_vacant(node, descriptor, err);
    if (rc == RC_OK)
        rc = message_new(arena, descriptor->descriptor, &child, err);
    if (rc == RC_OK && field->is_repeated)
        rc = append(arena, node, descriptor, child, err);
    if (rc != RC_OK)
        return rc;
    if (!field->is_repeated) {
        *(ProtobufCMessage **)member(node, descriptor->offset) = child;
        select_oneof(node, descriptor);
    }
    *ret_child = (struct record_node){.message = child};
    return RC_OK;
}
