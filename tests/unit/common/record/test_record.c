/* Bytes to records and back: classes, strictness, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/record/record.h"
#include "tests/unit/common/record/sample.h"

static struct arena *arena;
static struct buf out;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(LIMIT_DECODE_ARENA_BYTES);
    buf_init(&out, 4 * LIMIT_VALUE_BYTES);
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    buf_done(&out);
    return 0;
}

static void encode(enum sample_kind kind)
{
    buf_reset(&out);
    assert_int_equal(record_encode(sample_record(kind), &out, &err), RC_OK);
}

static enum record_class class_of(struct slice value)
{
    Kasumori__V1__Record *record = NULL;
    enum record_class class = RECORD_CLASS_OK;
    arena_reset(arena);
    err.text[0] = '\0';
    enum rc rc = record_decode(value, arena, &record, &class, &err);
    assert_int_equal(rc, class == RECORD_CLASS_OK ? RC_OK : RC_REJECT);
    assert_int_equal(record != NULL, rc == RC_OK);
    return class;
}

static void assert_malformed(const char *bytes, size_t size, const char *why)
{
    assert_int_equal(class_of(slice_of(bytes, size)), RECORD_CLASS_MALFORMED);
    assert_string_equal(err.text, why);
}
#define ASSERT_MALFORMED(bytes, why) assert_malformed(bytes, sizeof(bytes) - 1, why)

static void test_golden_bytes(void **state)
{
    static const struct {
        const char *name;
        const char *hash;
        const char *hex;
    } GOLDENS[] = {
#define GOLDEN(name, hash, hex) {#name, hash, hex},
#include "tests/unit/common/record/golden.inc"
#undef GOLDEN
    };
    (void)state;
    assert_int_equal(sizeof(GOLDENS) / sizeof(GOLDENS[0]), SAMPLE_KINDS);
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        static char hex[2 * 4096 + 1];
        uint8_t hash[RECORD_HASH_BYTES];
        char hash_hex[2 * RECORD_HASH_BYTES + 1];
        encode(kind);
        assert_true(out.size <= 4096);
        hex_format(out.data, out.size, hex);
        assert_string_equal(GOLDENS[kind].name, sample_name(kind));
        assert_string_equal(GOLDENS[kind].hex, hex);
        assert_int_equal(record_body_hash(sample_record(kind), hash, &err), RC_OK);
        hex_format(hash, sizeof(hash), hash_hex);
        assert_string_equal(GOLDENS[kind].hash, hash_hex);
    }
}

static void test_decode_is_the_inverse_of_encode(void **state)
{
    (void)state;
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        Kasumori__V1__Record *record;
        enum record_class class;
        struct buf again;
        encode(kind);
        arena_reset(arena);
        assert_int_equal(record_decode(buf_slice(&out), arena, &record, &class, &err), RC_OK);
        assert_int_equal(class, RECORD_CLASS_OK);
        assert_int_equal(record_validate(record, &err), RC_OK);
        buf_init(&again, LIMIT_VALUE_BYTES);
        assert_int_equal(record_encode(record, &again, &err), RC_OK);
        assert_true(slice_is_equal(buf_slice(&out), buf_slice(&again)));
        buf_done(&again);
    }
}

static void test_decode_borrows_nothing(void **state)
{
    Kasumori__V1__Record *record;
    enum record_class class;
    (void)state;
    encode(SAMPLE_CONTACT);
    assert_int_equal(record_decode(buf_slice(&out), arena, &record, &class, &err), RC_OK);
    memset(out.data, 0xff, out.size);
    assert_string_equal(record->tenant, "acme");
    assert_string_equal(record->contact->dialled, "0120444444");
}

static void test_size_comes_first(void **state)
{
    static uint8_t bytes[LIMIT_VALUE_BYTES + 1] = {0x08, 0x63};
    (void)state;
    assert_int_equal(class_of(slice_of(bytes, sizeof(bytes))), RECORD_CLASS_OVERSIZED);
    assert_string_equal(err.text, "record: 65537 bytes, more than 65536");
    assert_int_equal(class_of(slice_of(bytes, sizeof(bytes) - 1)), RECORD_CLASS_NEWER);
}

static void test_newer_needs_no_parse(void **state)
{
    (void)state;
    assert_int_equal(class_of(slice_str("\x08\x02")), RECORD_CLASS_NEWER);
    assert_string_equal(err.text, "schema_major: 2, this program reads up to 1");
    /* garbage behind, other fields before, wire types of another schema */
    assert_int_equal(class_of(slice_str("\x08\x02\xff\xff")), RECORD_CLASS_NEWER);
    assert_int_equal(class_of(slice_str("\x22\x01x\x08\x03")), RECORD_CLASS_NEWER);
    assert_int_equal(class_of(slice_of("\x25\x01\x02\x03\x04\x08\x03", 7)), RECORD_CLASS_NEWER);
    /* no number to read: not newer */
    assert_int_equal(class_of(slice_str("\x0a\x02zz")), RECORD_CLASS_MALFORMED);
    assert_int_equal(class_of(slice_str("\xff\x08\x03")), RECORD_CLASS_MALFORMED);
}

static void test_malformed(void **state)
{
    (void)state;
    ASSERT_MALFORMED("", "schema_major: missing");
    ASSERT_MALFORMED("\x10\x01", "schema_major: missing");
    ASSERT_MALFORMED("\x08", "value: not a protobuf message at byte 0");
    ASSERT_MALFORMED("\x08\x01\x22\x02x", "value: not a protobuf message at byte 2");
    ASSERT_MALFORMED("\x08\x01\x25\x01\x02\x03", "value: not a protobuf message at byte 2");
    ASSERT_MALFORMED("\x08\x01\x0b\x0c", "value: not a protobuf message at byte 2");
    ASSERT_MALFORMED("\x08\x01\xa2\x01\x02\x08\xff",
                     "persons[0]: not a protobuf message at byte 0");
}

static void test_every_cut_is_malformed_or_whole_fields(void **state)
{
    (void)state;
    encode(SAMPLE_INCIDENT);
    struct slice whole = buf_slice(&out);
    size_t refused = 0;
    for (size_t size = 0; size < whole.size; size++)
        refused += class_of(slice_of(whole.data, size)) == RECORD_CLASS_MALFORMED;
    assert_true(refused > whole.size * 9 / 10);
}

static void test_strictness(void **state)
{
    (void)state;
    ASSERT_MALFORMED("\x08\x01\x08\x01", "schema_major: given twice");
    ASSERT_MALFORMED("\x08\x01\x22\x01x\x22\x01y", "tenant: given twice");
    ASSERT_MALFORMED("\x08\x01\x20\x01", "tenant: another wire type than declared");
    ASSERT_MALFORMED("\x08\x01\x22\x03"
                     "a\x00z",
                     "tenant: a NUL character");
    /* contact twice, contact and incident */
    ASSERT_MALFORMED("\x08\x01\xaa\x01\x00\xaa\x01\x00", "contact: given twice");
    ASSERT_MALFORMED("\x08\x01\xaa\x01\x00\xb2\x01\x00", "incident: a second body beside another");
    /* field number 0, a number too large, a group, a varint beyond 64 bits */
    assert_int_equal(class_of(slice_of("\x08\x01\x80\x00\x01", 5)), RECORD_CLASS_MALFORMED);
    assert_int_equal(class_of(slice_str("\x08\x01\x80\x80\x80\x80\x10\x01")),
                     RECORD_CLASS_MALFORMED);
    assert_int_equal(class_of(slice_str("\x08\x01\x53\x54")), RECORD_CLASS_MALFORMED);
    assert_int_equal(class_of(slice_str("\x08\x01\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")),
                     RECORD_CLASS_MALFORMED);
    assert_int_equal(class_of(slice_str("\x08\x01\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
                     RECORD_CLASS_OK);
}

/* Puts tag and an empty message count times behind "schema_major = 1". */
static struct slice repeat(const char *item, size_t item_size, size_t count)
{
    buf_reset(&out);
    buf_add(&out, "\x08\x01", 2);
    for (size_t i = 0; i < count; i++)
        buf_add(&out, item, item_size);
    assert_false(out.is_failed);
    return buf_slice(&out);
}

static void test_counts_are_bounded_before_memory_is(void **state)
{
    (void)state;
    assert_int_equal(class_of(repeat("\xa2\x01\x00", 3, 4)), RECORD_CLASS_OK);
    assert_int_equal(class_of(repeat("\xa2\x01\x00", 3, 5)), RECORD_CLASS_MALFORMED);
    assert_string_equal(err.text, "persons: more than 4 items");
    assert_int_equal(class_of(repeat("\xa2\x01\x00", 3, 21000)), RECORD_CLASS_MALFORMED);
    assert_true(arena_used_bytes(arena) == 0);
}

static void test_unknown_fields_are_kept_and_bounded(void **state)
{
    Kasumori__V1__Record *record;
    enum record_class class;
    struct buf again;
    (void)state;
    struct slice value = repeat("\xf8\x3f\x2a", 3, LIMIT_UNKNOWN_FIELDS);
    assert_int_equal(record_decode(value, arena, &record, &class, &err), RC_OK);
    assert_int_equal(record_has_unknown_fields(record), 1);
    buf_init(&again, LIMIT_VALUE_BYTES);
    assert_int_equal(record_encode(record, &again, &err), RC_OK);
    assert_true(slice_is_equal(value, buf_slice(&again)));
    buf_done(&again);
    value = repeat("\xf8\x3f\x2a", 3, LIMIT_UNKNOWN_FIELDS + 1);
    assert_int_equal(class_of(value), RECORD_CLASS_MALFORMED);
    assert_string_equal(err.text, "value: more than 1024 unknown fields");
    static char large[4 + LIMIT_UNKNOWN_BYTES] = "\xfa\x3f\xfe\x7f"; /* 16382 bytes follow */
    value = repeat(large, 4 + 16382, 1);
    assert_int_equal(class_of(value), RECORD_CLASS_MALFORMED);
    assert_string_equal(err.text, "value: more than 16384 bytes of unknown fields");
}

static void test_unknown_enum_values_are_kept(void **state)
{
    Kasumori__V1__Record *record;
    enum record_class class;
    (void)state;
    struct slice value = slice_str("\x08\x01\x68\x63"); /* clock_state 99 */
    assert_int_equal(record_decode(value, arena, &record, &class, &err), RC_OK);
    assert_int_equal((int)record->clock_state, 99);
    buf_reset(&out);
    assert_int_equal(record_encode(record, &out, &err), RC_OK);
    assert_true(slice_is_equal(value, buf_slice(&out)));
}

/* As many items as the limits allow in all of an incident's lists: the most memory per byte. */
static Kasumori__V1__Record *widest_record(void)
{
    static Kasumori__V1__Token token;
    static Kasumori__V1__Token *tokens[LIMIT_TOKENS];
    static Kasumori__V1__Identifier identifier;
    static Kasumori__V1__Identifier *identifiers[LIMIT_IDENTIFIERS];
    static Kasumori__V1__Measure measure;
    static Kasumori__V1__Measure *measures[LIMIT_REPEATED];
    static Kasumori__V1__Person *persons[LIMIT_PERSONS];
    static Kasumori__V1__Person person;
    kasumori__v1__token__init(&token);
    kasumori__v1__identifier__init(&identifier);
    kasumori__v1__measure__init(&measure);
    kasumori__v1__person__init(&person);
    for (int i = 0; i < LIMIT_TOKENS; i++)
        tokens[i] = &token;
    for (int i = 0; i < LIMIT_IDENTIFIERS; i++)
        identifiers[i] = &identifier;
    for (int i = 0; i < LIMIT_REPEATED; i++)
        measures[i] = &measure;
    for (int i = 0; i < LIMIT_PERSONS; i++)
        persons[i] = &person;
    identifier.n_tokens = LIMIT_TOKENS;
    identifier.tokens = tokens;
    measure.n_decided_by = LIMIT_IDENTIFIERS;
    measure.decided_by = identifiers;
    person.n_identifiers = LIMIT_IDENTIFIERS;
    person.identifiers = identifiers;
    Kasumori__V1__Record *record = sample_record(SAMPLE_INCIDENT);
    record->n_persons = LIMIT_PERSONS;
    record->persons = persons;
    record->incident->n_measures = LIMIT_REPEATED;
    record->incident->measures = measures;
    return record;
}

static void test_the_widest_value_fits_the_arena(void **state)
{
    (void)state;
    buf_reset(&out);
    assert_int_equal(record_encode(widest_record(), &out, &err), RC_OK);
    for (int i = 0; i < LIMIT_UNKNOWN_FIELDS; i++)
        buf_add(&out, "\xf8\x3f\x2a", 3);
    assert_int_equal(class_of(buf_slice(&out)), RECORD_CLASS_OK);
    /* What the value could still grow by would be bytes of strings, each once in the arena. */
    assert_true(arena_used_bytes(arena) < LIMIT_DECODE_ARENA_BYTES - LIMIT_VALUE_BYTES);
}

static void test_a_small_arena_is_not_a_bad_value(void **state)
{
    (void)state;
    encode(SAMPLE_CORRECTION);
    struct slice value = buf_slice(&out);
    size_t full = 0;
    for (size_t size = 0;; size += 16) {
        Kasumori__V1__Record *record = NULL;
        enum record_class class = RECORD_CLASS_OK;
        struct arena *small = arena_new(size);
        assert_non_null(small);
        enum rc rc = record_decode(value, small, &record, &class, &err);
        arena_free(small);
        if (rc == RC_OK)
            break;
        full++;
        assert_int_equal(rc, RC_FULL);
        assert_null(record);
    }
    assert_true(full > 100);
}

static void test_every_failing_allocation_of_decode(void **state)
{
    (void)state;
    encode(SAMPLE_CONTACT);
    for (long n = 1;; n++) {
        Kasumori__V1__Record *record = NULL;
        enum record_class class = RECORD_CLASS_OK;
        struct arena *fresh = arena_new(LIMIT_DECODE_ARENA_BYTES);
        mem_fail_nth(n);
        enum rc rc = record_decode(buf_slice(&out), fresh, &record, &class, &err);
        int is_done = mem_fail_pending();
        mem_fail_nth(0);
        arena_free(fresh);
        assert_int_equal(rc, is_done ? RC_OK : RC_FULL);
        if (is_done)
            break;
        assert_null(record);
    }
}

static void test_every_failing_allocation_of_encode(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct buf fresh;
        buf_init(&fresh, LIMIT_VALUE_BYTES);
        mem_fail_nth(n);
        enum rc rc = record_encode(sample_record(SAMPLE_INCIDENT), &fresh, &err);
        int is_done = mem_fail_pending();
        mem_fail_nth(0);
        buf_done(&fresh);
        assert_int_equal(rc, is_done ? RC_OK : RC_RETRY);
        if (is_done)
            break;
        assert_true(n < 20);
    }
}

static void test_encode_refuses_what_is_too_large(void **state)
{
    static char words[LIMIT_TEXT_BYTES + 1];
    static Kasumori__V1__Text text;
    static Kasumori__V1__Text *many[8];
    (void)state;
    memset(words, 'w', LIMIT_TEXT_BYTES);
    kasumori__v1__text__init(&text);
    text.value = words;
    for (int i = 0; i < 8; i++)
        many[i] = &text;
    Kasumori__V1__Record *record = sample_record(SAMPLE_INCIDENT);
    record->incident->n_words = 7;
    record->incident->words = many;
    buf_reset(&out);
    assert_int_equal(record_encode(record, &out, &err), RC_OK);
    record->incident->n_words = 8;
    buf_reset(&out);
    assert_int_equal(record_encode(record, &out, &err), RC_REJECT);
    assert_int_equal(out.size, 0);
}

static void test_correction_id(void **state)
{
    struct uuid id;
    struct uuid made;
    struct uuid other;
    char text[UUID_TEXT_BYTES];
    (void)state;
    assert_int_equal(uuid_parse("01a17720-ca7b-7abc-8def-010203040506", &id), RC_OK);
    record_correction_id(&id, 7, &made);
    uuid_format(&made, text);
    assert_string_equal(text, "01a17720-ca7b-72b9-a2a8-190f2d86a131");
    assert_true(uuid_is_v7(&made));
    assert_int_equal(uuid_v7_at_us(&made), uuid_v7_at_us(&id));
    record_correction_id(&id, 8, &other);
    assert_int_not_equal(uuid_compare(&made, &other), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_golden_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decode_is_the_inverse_of_encode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decode_borrows_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_comes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_newer_needs_no_parse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_cut_is_malformed_or_whole_fields, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_strictness, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts_are_bounded_before_memory_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_fields_are_kept_and_bounded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_enum_values_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_widest_value_fits_the_arena, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_small_arena_is_not_a_bad_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_failing_allocation_of_decode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_failing_allocation_of_encode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_encode_refuses_what_is_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_correction_id, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
