/* What was sent: each rule that decode adds to validation, and its class. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/aggregator/ingest/body.h"
#include "services/aggregator/ingest/decode.h"
#include "services/common/base/limits.h"
#include "tests/unit/aggregator/letter.h"
#include "tests/unit/common/record/sample.h"

static const struct registry_agent AGENT = {
    .tenant = "acme", .site = "s001", .agent = "s001-a", .mac_key_id = 1};

static struct arena *arena;
static struct letter letter;
static struct item item;
static int64_t horizon_us;
static struct letter_from from;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(4 * LIMIT_DECODE_ARENA_BYTES);
    horizon_us = INT64_MIN;
    from = (struct letter_from){.tenant = "acme",
                                .site = "s001",
                                .agent = "s001-a",
                                .epoch = 1,
                                .sequence = 1,
                                .appended_at_us = SAMPLE_AT_US};
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    letter_done(&letter);
    arena_free(arena);
    return 0;
}

static enum bad_class decode_letter(void)
{
    static struct message message;
    struct err err;
    message = letter_message(&letter);
    item = (struct item){.message = &message, .sender = {.proven = &AGENT}};
    assert_int_equal(decode_item(&item, horizon_us, arena, &err), RC_OK);
    if (item.class != BAD_CLASS_NONE) {
        assert_non_null(item.reason);
        assert_true(strlen(item.reason) > 0);
        assert_null(item.record);
    }
    return item.class;
}

static enum bad_class decode(const Kasumori__V1__Record *record)
{
    letter_done(&letter);
    letter_write_record(&letter, &from, record);
    return decode_letter();
}

static enum bad_class decode_bytes(const void *value, size_t size)
{
    letter_done(&letter);
    letter_write(&letter, &from, value, size);
    return decode_letter();
}

static void each_kind_is_a_delivery(void **state)
{
    (void)state;
    static const int KINDS[SAMPLE_KINDS] = {1, 2, 3, 4, 4, 4};
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        assert_int_equal(decode(sample_record((enum sample_kind)kind)), BAD_CLASS_NONE);
        assert_int_equal(item.delivery.kind, KINDS[kind]);
        assert_int_equal(item.delivery.has_target, KINDS[kind] >= 3);
        assert_int_equal(item.delivery.revision, 3);
        assert_true(item.delivery.has_external);
        assert_int_equal(item.has_id, 1);
        assert_int_equal(uuid_v7_at_us(&item.id), SAMPLE_AT_US / 1000 * 1000);
    }
}

static void a_record_of_another_site_or_tenant_is_forged(void **state)
{
    (void)state;
    Kasumori__V1__Record *record = sample_record(SAMPLE_CONTACT);
    record->site = "s002";
    assert_int_equal(decode(record), BAD_CLASS_FORGED);
    record = sample_record(SAMPLE_CONTACT);
    record->tenant = "beta";
    assert_int_equal(decode(record), BAD_CLASS_FORGED);
}

static void another_message_key_is_forged(void **state)
{
    (void)state;
    static const char *const KEYS[] = {"acme/s002", "acme/s0011", "acme/s00", "acme",
                                       "acme-s001", "",           "beta/s001"};
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        letter_done(&letter);
        letter_write_record(&letter, &from, sample_record(SAMPLE_CONTACT));
        letter.event.key = slice_str(KEYS[i]);
        assert_int_equal(decode_letter(), BAD_CLASS_FORGED);
    }
}

static void bounds_of_time_are_the_brokers(void **state)
{
    (void)state;
    const int64_t id_us = SAMPLE_AT_US / 1000 * 1000;
    const struct {
        int64_t appended_at_us;
        enum bad_class class;
    } cases[] = {
        {id_us + LIMIT_ID_AGE_US, BAD_CLASS_NONE},
        {id_us + LIMIT_ID_AGE_US + 1, BAD_CLASS_CLOCK},
        {id_us - LIMIT_ID_AHEAD_US, BAD_CLASS_NONE},
        {id_us - LIMIT_ID_AHEAD_US - 1, BAD_CLASS_CLOCK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        from.appended_at_us = cases[i].appended_at_us;
        assert_int_equal(decode(sample_record(SAMPLE_CONTACT)), cases[i].class);
    }
}

static void below_the_horizon_is_archived(void **state)
{
    (void)state;
    horizon_us = SAMPLE_AT_US / 1000 * 1000;
    assert_int_equal(decode(sample_record(SAMPLE_CONTACT)), BAD_CLASS_NONE);
    horizon_us++;
    assert_int_equal(decode(sample_record(SAMPLE_CONTACT)), BAD_CLASS_ARCHIVED);
    assert_int_equal(item.has_id, 1);
}

static void values_that_are_no_records_have_their_class(void **state)
{
    (void)state;
    static const char large[LIMIT_VALUE_BYTES + 1];
    assert_int_equal(decode_bytes(NULL, 0), BAD_CLASS_MALFORMED);
    assert_int_equal(decode_bytes("", 0), BAD_CLASS_MALFORMED);
    assert_int_equal(decode_bytes("\x08\x01\x0f", 3), BAD_CLASS_MALFORMED);
    assert_int_equal(decode_bytes("\x08\x02", 2), BAD_CLASS_NEWER);
    assert_int_equal(decode_bytes(large, sizeof(large)), BAD_CLASS_OVERSIZED);
}

/* A value too large to be held is NULL in the message, and is not taken for a null value. */
static void a_value_that_was_not_held_is_oversized(void **state)
{
    (void)state;
    struct message message;
    struct err err;
    letter_write(&letter, &from, NULL, 0);
    message = letter_message(&letter);
    message.value_size = 3 * 1024 * 1024;
    item = (struct item){.message = &message, .sender = {.proven = &AGENT}};
    assert_int_equal(decode_item(&item, horizon_us, arena, &err), RC_OK);
    assert_int_equal(item.class, BAD_CLASS_OVERSIZED);
}

static void numbers_beyond_their_columns_are_malformed(void **state)
{
    (void)state;
    Kasumori__V1__Record *record = sample_record(SAMPLE_CONTACT);
    record->channel = (Kasumori__V1__Channel)32767;
    assert_int_equal(decode(record), BAD_CLASS_NONE);
    record->channel = (Kasumori__V1__Channel)32768;
    assert_int_equal(decode(record), BAD_CLASS_MALFORMED);
    record = sample_record(SAMPLE_CONTACT);
    record->persons[1]->ordinal = 32768;
    assert_int_equal(decode(record), BAD_CLASS_MALFORMED);
    record = sample_record(SAMPLE_CONTACT);
    record->contact->outcome = (Kasumori__V1__Outcome)40000;
    assert_int_equal(decode(record), BAD_CLASS_MALFORMED);
    record = sample_record(SAMPLE_INCIDENT);
    record->incident->measures[1]->decided_by[0]->kind = (Kasumori__V1__IdentifierKind)40000;
    assert_int_equal(decode(record), BAD_CLASS_MALFORMED);
}

static void list_elements_cannot_break_out(void **state)
{
    (void)state;
    struct buf out;
    Kasumori__V1__Record *record = sample_record(SAMPLE_INCIDENT);
    Kasumori__V1__Answer *answer = record->incident->answers[0];
    buf_init(&out, 1024);
    answer->matter = "a\"},{\\";
    record->incident->categories[0]->code = "x,y";
    struct body body = body_of(record);
    assert_int_equal(body.kind, 2);
    assert_true(body_write_answer_matters(&body, &out));
    assert_string_equal((char *)out.data, "{\"a\\\"},{\\\\\"}");
    assert_true(body_write_categories(&body, &out));
    assert_string_equal((char *)out.data, "{\"mhlw9:2022:x,y\"}");
    assert_true(body_write_answer_finals(&body, &out));
    assert_string_equal((char *)out.data, "{t}");
    body = body_of(sample_record(SAMPLE_RETRACTION));
    assert_int_equal(body.kind, 0);
    assert_false(body_write_answer_matters(&body, &out));
    assert_false(body_write_categories(&body, &out));
    buf_done(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_kind_is_a_delivery),
        TEST(a_record_of_another_site_or_tenant_is_forged),
        TEST(another_message_key_is_forged),
        TEST(bounds_of_time_are_the_brokers),
        TEST(below_the_horizon_is_archived),
        TEST(values_that_are_no_records_have_their_class),
        TEST(a_value_that_was_not_held_is_oversized),
        TEST(numbers_beyond_their_columns_are_malformed),
        TEST(list_elements_cannot_break_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
