/* Every rule broken once, by one small change of a good record, with the sentence it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/limits.h"
#include "services/common/record/record.h"
#include "tests/unit/common/record/sample.h"

#define HOUR_US CLOCK_US_PER_HOUR
#define AGE_US LIMIT_OCCURRED_AGE_US
#define AT_MS_US SAMPLE_AT_US

static char long_text[LIMIT_VALUE_BYTES];

/* n characters, in memory the next call takes over. */
static char *text_of(size_t size)
{
    memset(long_text, 'x', size);
    long_text[size] = '\0';
    return long_text;
}

static void *repeated(void *item, size_t count)
{
    static void *items[LIMIT_REPEATED + 1];
    for (size_t i = 0; i < count; i++)
        items[i] = item;
    return items;
}

struct rule {
    enum sample_kind kind;
    void (*change)(Kasumori__V1__Record *record);
    const char *text; /* NULL: still valid */
};

#define CHANGE(name, statement)               \
    static void name(Kasumori__V1__Record *r) \
    {                                         \
        statement;                            \
    }

CHANGE(nothing, (void)r)
CHANGE(major_zero, r->schema_major = 0)
CHANGE(major_two, r->schema_major = 2)
CHANGE(minor_any, r->schema_minor = 999)
CHANGE(no_tenant, r->tenant = "")
CHANGE(null_tenant, r->tenant = NULL)
CHANGE(no_site, r->site = "")
CHANGE(no_id, r->record_id.len = 0)
CHANGE(short_id, r->record_id.len = 15)
CHANGE(v4_id, r->record_id.data =
                  (uint8_t *)"\x01\xa1\x77\x20\xca\x7b\x4a\xbc\x8d\xef\x01\x02\x03\x04\x05\x06")
CHANGE(tenant_64, r->tenant = text_of(64))
CHANGE(tenant_65, r->tenant = text_of(65))
CHANGE(site_65, r->site = text_of(65))
CHANGE(concerned_65, r->concerned_site = text_of(65))
CHANGE(source_65, r->source = text_of(65))
CHANGE(external_256, r->external_id = text_of(256))
CHANGE(external_257, r->external_id = text_of(257))
CHANGE(uri_1024, r->contact->recording_uri = text_of(1024))
CHANGE(uri_1025, r->contact->recording_uri = text_of(1025))
CHANGE(words_8192, r->incident->words[1]->value = text_of(8192))
CHANGE(words_8193, r->incident->words[1]->value = text_of(8193))
CHANGE(evidence_1025, r->incident->evidence[0]->uri = text_of(1025))
CHANGE(scheme_65, r->incident->categories[0]->scheme = text_of(65))
CHANGE(version_65, r->incident->categories[0]->version = text_of(65))
CHANGE(code_65, r->incident->categories[0]->code = text_of(65))
CHANGE(sha_31, r->incident->evidence[0]->sha256.len = 31)
CHANGE(sha_none, r->incident->evidence[0]->sha256.len = 0)
CHANGE(sealed_513, r->worker->sealed = ((ProtobufCBinaryData){513, (uint8_t *)text_of(513)}))
CHANGE(bad_utf8, r->matter = "\xe3\x81")
CHANGE(bad_utf8_deep, r->correction->incident->victim->care->note->value = "\xc0\x80")
CHANGE(persons_5, (r->n_persons = 5, r->persons = repeated(r->persons[0], 5)))
CHANGE(identifiers_9,
       (r->persons[0]->n_identifiers = 9, r->persons[0]->identifiers = repeated(r->worker, 9)))
CHANGE(tokens_5, (r->worker->n_tokens = 5, r->worker->tokens = repeated(r->worker->tokens[0], 5)))
CHANGE(words_65, (r->incident->n_words = 65, r->incident->words = repeated(r->incident->note, 65)))
CHANGE(words_64, (r->incident->n_words = 64, r->incident->words = repeated(r->incident->note, 64)))
CHANGE(decided_by_9, (r->incident->measures[1]->n_decided_by = 9,
                      r->incident->measures[1]->decided_by = repeated(r->worker, 9)))
CHANGE(key_twice, r->persons[0]->identifiers[1]->tokens[1]->key_id = 1)
CHANGE(mac_none, r->persons[0]->identifiers[0]->tokens[1]->mac.len = 0)
CHANGE(mac_15, r->persons[0]->identifiers[0]->tokens[1]->mac.len = 15)
CHANGE(decider_key_twice, r->incident->measures[1]->decided_by[0]->tokens[1]->key_id = 1)
CHANGE(worker_key_twice, r->worker->tokens[0]->key_id = 2)
CHANGE(no_tokens, r->persons[0]->identifiers[0]->n_tokens = 0)
CHANGE(ordinal_twice, r->persons[1]->ordinal = 0)
CHANGE(start_none, r->occurred_start_us = 0)
CHANGE(start_negative, r->occurred_start_us = -1)
CHANGE(start_1999, r->occurred_start_us = INT64_C(946684799999999))
CHANGE(start_ahead, (r->occurred_start_us = AT_MS_US + HOUR_US, r->occurred_end_us = 0))
CHANGE(start_too_far, (r->occurred_start_us = AT_MS_US + HOUR_US + 1, r->occurred_end_us = 0))
CHANGE(start_old, (r->occurred_start_us = AT_MS_US - AGE_US, r->occurred_end_us = 0))
CHANGE(start_too_old, (r->occurred_start_us = AT_MS_US - AGE_US - 1, r->occurred_end_us = 0))
CHANGE(end_none, r->occurred_end_us = 0)
CHANGE(end_before, r->occurred_end_us = r->occurred_start_us - 1)
CHANGE(end_at_span, r->occurred_end_us = r->occurred_start_us + 24 * HOUR_US)
CHANGE(end_past_span, r->occurred_end_us = r->occurred_start_us + 24 * HOUR_US + 1)
CHANGE(recorded_negative, r->recorded_at_us = -1)
CHANGE(recorded_10000, r->recorded_at_us = INT64_C(253402300800000000))
CHANGE(keep_negative, r->incident->evidence[0]->keep_until_us = INT64_MIN)
CHANGE(talk_negative, r->contact->talk_us = -1)
CHANGE(talk_25h, r->contact->talk_us = 24 * HOUR_US + 1)
CHANGE(yen_negative, r->incident->loss->yen = -12000)
CHANGE(no_body, r->body_case = KASUMORI__V1__RECORD__BODY__NOT_SET)
CHANGE(no_target, r->supplement->target_id.len = 0)
CHANGE(own_target, r->supplement->target_id = r->record_id)
CHANGE(no_correction_target, r->correction->target_id.len = 0)
CHANGE(own_correction_target, r->correction->target_id = r->record_id)
CHANGE(no_replacement,
       r->correction->replacement_case = KASUMORI__V1__CORRECTION__REPLACEMENT__NOT_SET)
CHANGE(inner_no_target, r->correction->supplement->target_id.len = 0)
CHANGE(inner_same_target, r->correction->supplement->target_id = r->correction->target_id)
CHANGE(inner_own_target, r->correction->supplement->target_id = r->record_id)

static const struct rule RULES[] = {
    {SAMPLE_CONTACT, nothing, NULL},
    {SAMPLE_INCIDENT, nothing, NULL},
    {SAMPLE_SUPPLEMENT, nothing, NULL},
    {SAMPLE_CORRECTION, nothing, NULL},
    {SAMPLE_CORRECTED_SUPPLEMENT, nothing, NULL},
    {SAMPLE_RETRACTION, nothing, NULL},
    {SAMPLE_CONTACT, major_zero, "schema_major: 0 instead of 1"},
    {SAMPLE_CONTACT, major_two, "schema_major: 2 instead of 1"},
    {SAMPLE_CONTACT, minor_any, NULL},
    {SAMPLE_CONTACT, no_tenant, "tenant: missing"},
    {SAMPLE_CONTACT, null_tenant, "tenant: missing"},
    {SAMPLE_CONTACT, no_site, "site: missing"},
    {SAMPLE_CONTACT, no_id, "record_id: missing"},
    {SAMPLE_CONTACT, short_id, "record_id: 15 bytes instead of 16"},
    {SAMPLE_CONTACT, v4_id, "record_id: not a UUID of version 7"},
    {SAMPLE_CONTACT, tenant_64, NULL},
    {SAMPLE_CONTACT, tenant_65, "tenant: 65 bytes, more than 64"},
    {SAMPLE_CONTACT, site_65, "site: 65 bytes, more than 64"},
    {SAMPLE_CONTACT, concerned_65, "concerned_site: 65 bytes, more than 64"},
    {SAMPLE_CONTACT, source_65, "source: 65 bytes, more than 64"},
    {SAMPLE_CONTACT, external_256, NULL},
    {SAMPLE_CONTACT, external_257, "external_id: 257 bytes, more than 256"},
    {SAMPLE_CONTACT, uri_1024, NULL},
    {SAMPLE_CONTACT, uri_1025, "contact.recording_uri: 1025 bytes, more than 1024"},
    {SAMPLE_INCIDENT, words_8192, NULL},
    {SAMPLE_INCIDENT, words_8193, "incident.words[1].value: 8193 bytes, more than 8192"},
    {SAMPLE_INCIDENT, evidence_1025, "incident.evidence[0].uri: 1025 bytes, more than 1024"},
    {SAMPLE_INCIDENT, scheme_65, "incident.categories[0].scheme: 65 bytes, more than 64"},
    {SAMPLE_INCIDENT, version_65, "incident.categories[0].version: 65 bytes, more than 64"},
    {SAMPLE_INCIDENT, code_65, "incident.categories[0].code: 65 bytes, more than 64"},
    {SAMPLE_INCIDENT, sha_31, "incident.evidence[0].sha256: 31 bytes instead of 32"},
    {SAMPLE_INCIDENT, sha_none, NULL},
    {SAMPLE_INCIDENT, sealed_513, "worker.sealed: 513 bytes, more than 512"},
    {SAMPLE_CONTACT, bad_utf8, "matter: not valid UTF-8"},
    {SAMPLE_CORRECTION, bad_utf8_deep,
     "correction.incident.victim.care.note.value: not valid UTF-8"},
    {SAMPLE_CONTACT, persons_5, "persons: 5 items, more than 4"},
    {SAMPLE_CONTACT, identifiers_9, "persons[0].identifiers: 9 items, more than 8"},
    {SAMPLE_CONTACT, tokens_5, "worker.tokens: 5 items, more than 4"},
    {SAMPLE_INCIDENT, words_65, "incident.words: 65 items, more than 64"},
    {SAMPLE_INCIDENT, words_64, NULL},
    {SAMPLE_INCIDENT, decided_by_9, "incident.measures[1].decided_by: 9 items, more than 8"},
    {SAMPLE_CONTACT, key_twice, "persons[0].identifiers[1].tokens: two tokens under key id 1"},
    {SAMPLE_CONTACT, mac_none, "persons[0].identifiers[0].tokens: token 1 has no 16-byte mac"},
    {SAMPLE_CONTACT, mac_15, "persons[0].identifiers[0].tokens[1].mac: 15 bytes instead of 16"},
    {SAMPLE_INCIDENT, decider_key_twice,
     "incident.measures[1].decided_by[0].tokens: two tokens under key id 1"},
    {SAMPLE_CONTACT, worker_key_twice, "worker.tokens: two tokens under key id 2"},
    {SAMPLE_CONTACT, no_tokens, NULL},
    {SAMPLE_CONTACT, ordinal_twice, "persons[1].ordinal: 0 is persons[0]'s already"},
    {SAMPLE_CONTACT, start_none, "occurred_start_us: missing"},
    {SAMPLE_CONTACT, start_negative, "occurred_start_us: not a time of the years 1970 to 9999"},
    {SAMPLE_CONTACT, start_1999, "occurred_start_us: before the year 2000"},
    {SAMPLE_CONTACT, start_ahead, NULL},
    {SAMPLE_CONTACT, start_too_far, "occurred_start_us: more than 1 hour after the record's id"},
    {SAMPLE_CONTACT, start_old, NULL},
    {SAMPLE_CONTACT, start_too_old,
     "occurred_start_us: more than 3660 days before the record's id"},
    {SAMPLE_CONTACT, end_none, NULL},
    {SAMPLE_CONTACT, end_before, "occurred_end_us: before occurred_start_us"},
    {SAMPLE_CONTACT, end_at_span, NULL},
    {SAMPLE_CONTACT, end_past_span, "occurred_end_us: more than 24 hours after occurred_start_us"},
    {SAMPLE_CONTACT, recorded_negative, "recorded_at_us: not a time of the years 1970 to 9999"},
    {SAMPLE_CONTACT, recorded_10000, "recorded_at_us: not a time of the years 1970 to 9999"},
    {SAMPLE_INCIDENT, keep_negative,
     "incident.evidence[0].keep_until_us: not a time of the years 1970 to 9999"},
    {SAMPLE_CONTACT, talk_negative, "contact.talk_us: not a duration of 0 to 24 hours"},
    {SAMPLE_CONTACT, talk_25h, "contact.talk_us: not a duration of 0 to 24 hours"},
    {SAMPLE_INCIDENT, yen_negative, NULL},
    {SAMPLE_CONTACT, no_body, "record: no contact, incident, supplement or correction"},
    {SAMPLE_SUPPLEMENT, no_target, "supplement.target_id: missing"},
    {SAMPLE_SUPPLEMENT, own_target, "supplement.target_id: the record itself"},
    {SAMPLE_RETRACTION, no_correction_target, "correction.target_id: missing"},
    {SAMPLE_CORRECTION, own_correction_target, "correction.target_id: the record itself"},
    {SAMPLE_RETRACTION, no_replacement, "correction: no replacement and no retraction"},
    {SAMPLE_CORRECTED_SUPPLEMENT, inner_no_target, "correction.supplement.target_id: missing"},
    {SAMPLE_CORRECTED_SUPPLEMENT, inner_same_target,
     "correction.supplement.target_id: the record itself"},
    {SAMPLE_CORRECTED_SUPPLEMENT, inner_own_target,
     "correction.supplement.target_id: the record itself"},
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
        struct err err = {.rc = RC_OK, .text = "valid"};
        Kasumori__V1__Record *record = sample_record(RULES[i].kind);
        RULES[i].change(record);
        enum rc rc = record_validate(record, &err);
        assert_string_equal(err.text, RULES[i].text == NULL ? "valid" : RULES[i].text);
        assert_int_equal(rc, RULES[i].text == NULL ? RC_OK : RC_REJECT);
        assert_int_equal(err.rc, rc);
    }
}

static void test_err_is_optional(void **state)
{
    (void)state;
    Kasumori__V1__Record *record = sample_record(SAMPLE_CONTACT);
    record->persons[0]->identifiers[0]->tokens[1]->mac.len = 3;
    assert_int_equal(record_validate(record, NULL), RC_REJECT);
}

static void test_unknown_fields_are_bounded(void **state)
{
    static ProtobufCMessageUnknownField many[LIMIT_UNKNOWN_FIELDS + 1];
    static uint8_t data[LIMIT_UNKNOWN_BYTES];
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
        many[i] = (ProtobufCMessageUnknownField){.tag = 1000, .len = 1, .data = data};
    Kasumori__V1__Record *record = sample_record(SAMPLE_CONTACT);
    record->contact->base.unknown_fields = many;
    record->contact->base.n_unknown_fields = LIMIT_UNKNOWN_FIELDS;
    assert_int_equal(record_validate(record, &err), RC_OK);
    record->contact->base.n_unknown_fields = LIMIT_UNKNOWN_FIELDS + 1;
    assert_int_equal(record_validate(record, &err), RC_REJECT);
    assert_string_equal(err.text, "contact: too many unknown fields");
    record->contact->base.n_unknown_fields = 2;
    many[0].len = LIMIT_UNKNOWN_BYTES;
    assert_int_equal(record_validate(record, &err), RC_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_err_is_optional),
        cmocka_unit_test(test_unknown_fields_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
