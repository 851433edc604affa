/* The body as JSON, and the places of free text. Agreement with Python is in tests/component. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/record/record.h"
#include "tests/unit/common/record/sample.h"

static void assert_json(const Kasumori__V1__Record *record, const char *json)
{
    struct buf out;
    buf_init(&out, 4 * LIMIT_VALUE_BYTES);
    record_write_json(record, &out);
    assert_false(out.is_failed);
    assert_string_equal((char *)out.data, json);
    buf_done(&out);
}

static void test_contact(void **state)
{
    (void)state;
    assert_json(
        sample_record(SAMPLE_CONTACT),
        "{\"outcome\":\"OUTCOME_CONNECTED\",\"ringUs\":\"4000000\",\"queueUs\":\"61000000\","
        "\"holdUs\":\"3\",\"talkUs\":\"3900000000\",\"withheld\":\"WITHHELD_PUBLIC_PHONE\","
        "\"dialled\":\"0120444444\",\"transferChainId\":\"chain-1\","
        "\"endedBy\":\"ENDED_BY_CUSTOMER\",\"answers\":[{\"matter\":\"T-77\","
        "\"recordedAtUs\":\"1792999999123000\",\"final\":true,\"text\":{\"masked\":2}}],"
        "\"recordingUri\":\"https://rec.example/1?a=b&c=\\\"d\\\"\"}");
}

static void test_correction_writes_what_it_puts_in_place(void **state)
{
    (void)state;
    assert_json(sample_record(SAMPLE_RETRACTION), "{\"reasonCode\":\"entered-twice\"}");
}

static void test_no_text_token_or_seal(void **state)
{
    static const char *const SECRETS[] = {"責任者", "全額", "ISIhIS", "YSBzZWFsZWQ", "MTExMTEx"};
    struct buf out;
    (void)state;
    buf_init(&out, 4 * LIMIT_VALUE_BYTES);
    record_write_json(sample_record(SAMPLE_CORRECTION), &out);
    for (size_t i = 0; i < sizeof(SECRETS) / sizeof(SECRETS[0]); i++)
        assert_null(strstr((char *)out.data, SECRETS[i]));
    assert_non_null(strstr((char *)out.data, "\"measures\":[{},{\"kind\":"));
    assert_non_null(strstr((char *)out.data, "\"words\":[{\"atUs\":\"1792996400123000\"},{}]"));
    assert_non_null(
        strstr((char *)out.data, "\"decidedBy\":[{\"kind\":\"IDENTIFIER_KIND_WORKER\""));
    assert_null(strstr((char *)out.data, "demand\":"));
    buf_done(&out);
}

static void test_odd_values(void **state)
{
    (void)state;
    Kasumori__V1__Contact contact = KASUMORI__V1__CONTACT__INIT;
    Kasumori__V1__Record record = KASUMORI__V1__RECORD__INIT;
    assert_json(&record, "{}");
    record.body_case = KASUMORI__V1__RECORD__BODY_CONTACT;
    record.contact = &contact;
    assert_json(&record, "{}");
    contact.outcome = 99;
    contact.ended_by = -1;
    contact.talk_us = INT64_MIN;
    contact.dialled = "\x01\t\"\\\xc0\x80\xff\x7f\xe3\x81";
    assert_json(&record, "{\"outcome\":99,\"talkUs\":\"-9223372036854775808\","
                         "\"dialled\":\"\\u0001\\u0009\\\"\\\\\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                         "\x7f\xef\xbf\xbd\xef\xbf\xbd\",\"endedBy\":-1}");
}

static void test_every_failing_allocation(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct buf out;
        buf_init(&out, LIMIT_VALUE_BYTES);
        mem_fail_nth(n);
        record_write_json(sample_record(SAMPLE_INCIDENT), &out);
        int is_done = mem_fail_pending();
        mem_fail_nth(0);
        assert_int_equal(out.is_failed, !is_done);
        buf_done(&out);
        if (is_done)
            break;
        assert_true(n < 20);
    }
}

struct seen {
    const char *const *places;
    size_t count;
    size_t stop_after;
};

static enum rc see(void *ctx, const char *place, Kasumori__V1__Text *text)
{
    struct seen *seen = ctx;
    assert_string_equal(place, seen->places[seen->count]);
    text->value = "x";
    text->masked++;
    return ++seen->count == seen->stop_after ? RC_FULL : RC_OK;
}

static void test_each_text_has_its_place(void **state)
{
    static const char *const PLACES[] = {
        "correction.supplement.incident.words[0]",
        "correction.supplement.incident.words[1]",
        "correction.supplement.incident.demand",
        "correction.supplement.incident.trigger",
        "correction.supplement.incident.measures[1].note",
        "correction.supplement.incident.offender.clothes",
        "correction.supplement.incident.offender.direction_of_flight",
        "correction.supplement.incident.victim.injury",
        "correction.supplement.incident.victim.care.note",
        "correction.supplement.incident.answers[0].text",
        "correction.supplement.incident.note",
        "correction.supplement.answers[0].text",
    };
    (void)state;
    size_t count = sizeof(PLACES) / sizeof(PLACES[0]);
    struct seen seen = {.places = PLACES};
    Kasumori__V1__Record *record = sample_record(SAMPLE_CORRECTED_SUPPLEMENT);
    assert_int_equal(record_each_text(record, see, &seen), RC_OK);
    assert_int_equal(seen.count, count);
    assert_string_equal(record->correction->supplement->incident->note->value, "x");
    seen = (struct seen){.places = PLACES, .stop_after = 3};
    assert_int_equal(record_each_text(record, see, &seen), RC_FULL);
    assert_int_equal(seen.count, 3);
}

static void test_unknown_fields_are_found_at_any_depth(void **state)
{
    (void)state;
    Kasumori__V1__Record *record = sample_record(SAMPLE_CORRECTION);
    assert_int_equal(record_has_unknown_fields(record), 0);
    record->correction->incident->victim->care->note->base.n_unknown_fields = 1;
    assert_int_equal(record_has_unknown_fields(record), 1);
    record = sample_record(SAMPLE_CONTACT);
    record->persons[0]->identifiers[1]->tokens[1]->base.n_unknown_fields = 1;
    assert_int_equal(record_has_unknown_fields(record), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contact),
        cmocka_unit_test(test_correction_writes_what_it_puts_in_place),
        cmocka_unit_test(test_no_text_token_or_seal),
        cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_every_failing_allocation),
        cmocka_unit_test(test_each_text_has_its_place),
        cmocka_unit_test(test_unknown_fields_are_found_at_any_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
