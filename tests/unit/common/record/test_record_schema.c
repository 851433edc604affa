/* What common/record takes for granted of the .proto files. A failure here says which code to
   extend before the field may be used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kasumori/v1/health.pb-c.h"
#include "kasumori/v1/record.pb-c.h"

enum { MESSAGES_MAX = 64, DEPTH_MAX = 12 };

static const ProtobufCMessageDescriptor *seen[MESSAGES_MAX];
static size_t seen_count;

static void walk(const ProtobufCMessageDescriptor *message, int depth);

static void check_field(const ProtobufCFieldDescriptor *field, int depth)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    default:
        fail_msg("%s: record_field.c, record_wire.c: a type not handled", field->name);
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED || field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        assert_int_equal(field->type, PROTOBUF_C_TYPE_MESSAGE);
    else if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        assert_int_equal(field->label, PROTOBUF_C_LABEL_NONE); /* no "optional" */
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumDescriptor *descriptor = field->descriptor;
        const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(descriptor, 0);
        assert_non_null(zero);
        assert_non_null(strstr(zero->name, "_UNSPECIFIED"));
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        walk(field->descriptor, depth + 1);
}

static void walk(const ProtobufCMessageDescriptor *message, int depth)
{
    if (depth > DEPTH_MAX)
        fail_msg("%s: messages nest without end", message->name);
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i] == message)
            return;
    assert_true(seen_count < MESSAGES_MAX);
    seen[seen_count++] = message;
    assert_true(message->n_fields < 32); /* FIELDS_MAX, bits of what the hash leaves out */
    for (unsigned i = 0; i < message->n_fields; i++)
        check_field(&message->fields[i], depth);
}

/* The count of seen keeps walk from revisiting, so nesting is looked at apart. */
static int depth_of(const ProtobufCMessageDescriptor *message, int depth)
{
    int deepest = depth;
    assert_true(depth <= DEPTH_MAX);
    for (unsigned i = 0; i < message->n_fields; i++) {
        if (message->fields[i].type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        int below = depth_of(message->fields[i].descriptor, depth + 1);
        deepest = below > deepest ? below : deepest;
    }
    return deepest;
}

static void test_shapes(void **state)
{
    (void)state;
    walk(&kasumori__v1__record__descriptor, 0);
    walk(&kasumori__v1__heartbeat__descriptor, 0);
    assert_true(seen_count > 15);
    assert_int_equal(depth_of(&kasumori__v1__record__descriptor, 0), 6);
}

static void test_field_1_is_schema_major(void **state)
{
    (void)state;
    assert_string_equal(kasumori__v1__record__descriptor.fields[0].name, "schema_major");
    assert_string_equal(kasumori__v1__heartbeat__descriptor.fields[0].name, "schema_major");
    assert_string_equal(kasumori__v1__identifier__descriptor.fields[2].name, "tokens");
    assert_string_equal(kasumori__v1__identifier__descriptor.fields[3].name, "sealed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_field_1_is_schema_major),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
