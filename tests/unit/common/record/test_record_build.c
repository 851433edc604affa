/* Messages made field by field from names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/record/record_build.h"

static struct arena *arena;
static Kasumori__V1__Record *record;
static struct record_node root;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(LIMIT_DECODE_ARENA_BYTES);
    return arena == NULL || record_build_new(arena, &record, &root, &err) != RC_OK;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct record_field find(struct record_node node, const char *name)
{
    struct record_field field;
    if (!record_build_find(node, name, &field))
        fail_msg("no field %s in %s", name, record_build_name(node));
    return field;
}

static struct record_node child_of(struct record_node node, const char *name)
{
    struct record_node child;
    struct record_field field = find(node, name);
    assert_int_equal(record_build_message(arena, node, &field, &child, &err), RC_OK);
    return child;
}

static enum rc set_integer(struct record_node node, const char *name, int64_t value)
{
    struct record_field field = find(node, name);
    return record_build_integer(arena, node, &field, value, &err);
}

static enum rc set_string(struct record_node node, const char *name, struct slice value)
{
    struct record_field field = find(node, name);
    return record_build_string(arena, node, &field, value, &err);
}

static enum rc set_bytes(struct record_node node, const char *name, struct slice value)
{
    struct record_field field = find(node, name);
    return record_build_bytes(arena, node, &field, value, &err);
}

static enum rc set_enum(struct record_node node, const char *name, const char *value)
{
    struct record_field field = find(node, name);
    return record_build_enum(arena, node, &field, value, &err);
}

static void test_names_and_types(void **state)
{
    static const struct {
        const char *name;
        enum record_field_type type;
        int is_repeated;
    } FIELDS[] = {
        {"tenant", RECORD_FIELD_TYPE_STRING, 0},
        {"record_id", RECORD_FIELD_TYPE_BYTES, 0},
        {"recordId", RECORD_FIELD_TYPE_BYTES, 0},
        {"revision", RECORD_FIELD_TYPE_INTEGER, 0},
        {"occurred_start_us", RECORD_FIELD_TYPE_TIME, 0},
        {"occurredEndUs", RECORD_FIELD_TYPE_TIME, 0},
        {"recordedAtUs", RECORD_FIELD_TYPE_TIME, 0},
        {"training", RECORD_FIELD_TYPE_BOOL, 0},
        {"clockState", RECORD_FIELD_TYPE_ENUM, 0},
        {"worker", RECORD_FIELD_TYPE_MESSAGE, 0},
        {"persons", RECORD_FIELD_TYPE_MESSAGE, 1},
    };
    static const char *const NONE[] = {"",          "Tenant",    "recordID",   "record_Id",
                                       "recordId_", "record",    "record_idx", "occurredStart_us",
                                       "body",      "recordIdX", "_tenant"};
    struct record_field field;
    (void)state;
    for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
        field = find(root, FIELDS[i].name);
        assert_int_equal(field.type, FIELDS[i].type);
        assert_int_equal(field.is_repeated, FIELDS[i].is_repeated);
    }
    for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
        if (record_build_find(root, NONE[i], &field))
            fail_msg("found a field named \"%s\"", NONE[i]);
    struct record_node contact = child_of(root, "contact");
    assert_int_equal(find(contact, "talkUs").type, RECORD_FIELD_TYPE_INTEGER);
    struct record_node incident = {&(Kasumori__V1__Incident)KASUMORI__V1__INCIDENT__INIT};
    struct record_node evidence = child_of(incident, "evidence");
    assert_int_equal(find(evidence, "keepUntilUs").type, RECORD_FIELD_TYPE_TIME);
    assert_int_equal(find(child_of(incident, "words"), "atUs").type, RECORD_FIELD_TYPE_TIME);
    assert_string_equal(record_build_name(root), "Record");
    assert_string_equal(record_build_name(contact), "Contact");
}

static void test_a_whole_record(void **state)
{
    (void)state;
    assert_int_equal(set_string(root, "tenant", slice_str("acme")), RC_OK);
    assert_int_equal(set_string(root, "site", slice_str("s001")), RC_OK);
    assert_int_equal(set_bytes(root, "recordId",
                               slice_of("\x01\xa1\x77\x20\xca\x7b\x7a\xbc\x8d\xef"
                                        "123456",
                                        16)),
                     RC_OK);
    assert_int_equal(set_integer(root, "schemaMajor", 1), RC_OK);
    assert_int_equal(set_integer(root, "occurredStartUs", INT64_C(1793000000000000)), RC_OK);
    assert_int_equal(set_enum(root, "channel", "PHONE"), RC_OK);
    assert_int_equal(set_enum(root, "direction", "DIRECTION_INBOUND"), RC_OK);
    assert_int_equal(set_integer(root, "training", 1), RC_OK);
    for (uint32_t i = 0; i < LIMIT_PERSONS; i++)
        assert_int_equal(set_integer(child_of(root, "persons"), "ordinal", i), RC_OK);
    struct record_node incident = child_of(root, "incident");
    assert_int_equal(set_string(child_of(incident, "note"), "value", slice_str("返金")), RC_OK);
    assert_int_equal(record_validate(record, &err), RC_OK);
    assert_string_equal(record->incident->note->value, "返金");
    assert_int_equal(record->channel, KASUMORI__V1__CHANNEL__CHANNEL_PHONE);
    assert_int_equal(record->direction, KASUMORI__V1__DIRECTION__DIRECTION_INBOUND);
    assert_int_equal(record->training, 1);
    assert_int_equal(record->n_persons, LIMIT_PERSONS);
    assert_int_equal(record->persons[3]->ordinal, 3);
    assert_int_equal(record->body_case, KASUMORI__V1__RECORD__BODY_INCIDENT);
}

static void test_values_out_of_range(void **state)
{
    (void)state;
    assert_int_equal(set_integer(root, "revision", UINT32_MAX), RC_OK);
    assert_int_equal(set_integer(root, "revision", -1), RC_REJECT);
    assert_string_equal(err.text, "not between 0 and 4294967295");
    assert_int_equal(set_integer(root, "revision", (int64_t)UINT32_MAX + 1), RC_REJECT);
    assert_int_equal(record->revision, UINT32_MAX);
    assert_int_equal(set_integer(root, "training", 2), RC_REJECT);
    assert_int_equal(set_integer(root, "channel", 99), RC_OK);
    assert_int_equal((int)record->channel, 99);
    assert_int_equal(set_integer(root, "channel", (int64_t)INT32_MAX + 1), RC_REJECT);
    assert_int_equal(set_integer(root, "recordedAtUs", INT64_MIN), RC_OK);
    assert_int_equal(set_enum(root, "channel", "TELEGRAPH"), RC_REJECT);
    assert_string_equal(err.text, "no such Channel");
    assert_int_equal(set_enum(root, "channel", "CHANNEL_"), RC_REJECT);
    assert_int_equal(set_enum(root, "channel", "phone"), RC_REJECT);
    assert_int_equal(set_bytes(root, "recordId", slice_str("short")), RC_REJECT);
    assert_string_equal(err.text, "5 bytes instead of 16");
    assert_int_equal(set_string(root, "matter", slice_of("a\0b", 3)), RC_REJECT);
    assert_string_equal(err.text, "a NUL character");
    assert_string_equal(record->matter, "");
    static char large[LIMIT_STRING_BYTES + 1];
    memset(large, 'x', sizeof(large));
    assert_int_equal(set_string(root, "matter", slice_of(large, sizeof(large) - 1)), RC_OK);
    assert_int_equal(set_string(root, "matter", slice_of(large, sizeof(large))), RC_REJECT);
    assert_string_equal(err.text, "257 bytes, more than 256");
    assert_int_equal(set_string(root, "tenant", slice_of(large, LIMIT_NAME_BYTES + 1)), RC_REJECT);
}

static void test_one_body_and_no_more_items_than_allowed(void **state)
{
    struct record_node child;
    (void)state;
    struct record_field contact = find(root, "contact");
    struct record_field incident = find(root, "incident");
    struct record_field persons = find(root, "persons");
    struct record_field worker = find(root, "worker");
    assert_int_equal(record_build_message(arena, root, &contact, &child, &err), RC_OK);
    assert_int_equal(record_build_message(arena, root, &incident, &child, &err), RC_REJECT);
    assert_string_equal(err.text, "a second body beside another");
    assert_int_equal(record_build_message(arena, root, &contact, &child, &err), RC_REJECT);
    assert_string_equal(err.text, "given twice");
    assert_int_equal(record->body_case, KASUMORI__V1__RECORD__BODY_CONTACT);
    assert_int_equal(record_build_message(arena, root, &worker, &child, &err), RC_OK);
    assert_int_equal(record_build_message(arena, root, &worker, &child, &err), RC_REJECT);
    for (int i = 0; i < LIMIT_PERSONS; i++)
        assert_int_equal(record_build_message(arena, root, &persons, &child, &err), RC_OK);
    assert_int_equal(record_build_message(arena, root, &persons, &child, &err), RC_REJECT);
    assert_string_equal(err.text, "more than 4 items");
    assert_int_equal(record->n_persons, LIMIT_PERSONS);
}

static enum rc build_something(struct arena *small)
{
    struct record_node node;
    struct record_node child;
    Kasumori__V1__Record *made;
    enum rc rc = record_build_new(small, &made, &node, &err);
    if (rc != RC_OK)
        return rc;
    struct record_field persons = find(node, "persons");
    struct record_field tenant = find(node, "tenant");
    struct record_field id = find(node, "record_id");
    for (int i = 0; rc == RC_OK && i < 3; i++)
        rc = record_build_message(small, node, &persons, &child, &err);
    if (rc == RC_OK)
        rc = record_build_string(small, node, &tenant, slice_str("acme"), &err);
    if (rc == RC_OK)
        rc = record_build_bytes(small, node, &id, slice_str("0123456789abcdef"), &err);
    return rc;
}

static void test_a_small_arena(void **state)
{
    int full = 0;
    enum rc rc = RC_FULL;
    (void)state;
    for (size_t size = 0; rc != RC_OK; size += 16) {
        struct arena *small = arena_new(size);
        assert_non_null(small);
        rc = build_something(small);
        arena_free(small);
        full += rc == RC_FULL;
        assert_true(rc == RC_OK || rc == RC_FULL);
    }
    assert_true(full > 20);
    struct arena *fresh = arena_new(LIMIT_DECODE_ARENA_BYTES);
    mem_fail_nth(1);
    rc = build_something(fresh);
    mem_fail_nth(0);
    arena_free(fresh);
    assert_int_equal(rc, RC_FULL);
}

static void test_kinds(void **state)
{
    uint32_t kind = 77;
    (void)state;
    assert_int_equal(record_build_kind("phone", &kind), 1);
    assert_int_equal(kind, KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE);
    assert_int_equal(record_build_kind("phone_impersonal", &kind), 1);
    assert_int_equal(kind, KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE_IMPERSONAL);
    static const char *const NONE[] = {
        "", "PHONE", "Phone", "phon", "phones", "unspecified", "identifier_kind_phone"};
    for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
        assert_int_equal(record_build_kind(NONE[i], &kind), 0);
    assert_int_equal(kind, KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE_IMPERSONAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names_and_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_whole_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values_out_of_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_body_and_no_more_items_than_allowed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_small_arena, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
