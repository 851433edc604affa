#include "tests/support/unit.h"

#include <string.h>

#include "services/agent/intake.h"
#include "services/agent/intake_json.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"

enum { PHONE = KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE, NOW_S = 1795527190 };
static const int64_t NOW_US = NOW_S * CLOCK_US_PER_S;

static struct bundle bundle = {
    .tenant = "acme",
    .site = "s001",
    .agent = "s001-a",
    .token_keys = {{.kind = PHONE, .key_id = 1, .key = {1}},
                   {.kind = PHONE, .key_id = 2, .key = {2}},
                   {.kind = KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_WORKER,
                    .key_id = 1,
                    .key = {3}},
                   {.kind = KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE_IMPERSONAL,
                    .key_id = 1,
                    .key = {4}}},
    .token_keys_count = 4,
};

struct fixture {
    struct intake intake;
    struct arena *decoded;
    struct mask_roster *roster;
};

static int set_up(void **state)
{
    static struct fixture f;
    static uint8_t secret[TOKEN_VAULT_KEY_BYTES];
    struct err err;
    if (token_init(&err) != RC_OK || token_make_vault_keys(bundle.vault_public, secret) != RC_OK ||
        mask_roster_new(slice_str("山田太郎\n"), &f.roster, &err) != RC_OK ||
        intake_init(&f.intake, &bundle, f.roster, &err) != RC_OK)
        return -1;
    f.decoded = arena_new(LIMIT_DECODE_ARENA_BYTES);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    intake_done(&f->intake);
    arena_free(f->decoded);
    mask_roster_free(f->roster);
    return 0;
}

static enum rc accept(struct fixture *f, const char *json, struct intake_result *result,
                      struct err *err)
{
    struct draft draft;
    arena_reset(f->intake.arena);
    enum rc rc =
        intake_json_read(slice_str(json), bundle.tenant, bundle.site, f->intake.arena, &draft, err);
    if (rc == RC_OK)
        rc = intake_finish(&f->intake, &draft, NOW_US, 0, result, err);
    return rc;
}

static Kasumori__V1__Record *decode(struct fixture *f)
{
    Kasumori__V1__Record *record;
    enum record_class class;
    arena_reset(f->decoded);
    assert_int_equal(record_decode(buf_slice(&f->intake.value), f->decoded, &record, &class, NULL),
                     RC_OK);
    return record;
}

static const char REPORT[] =
    "{\"site\":\"s001\",\"occurredStartUs\":\"2026-11-24T22:00:00+09:00\","
    "\"channel\":\"face_to_face\",\"direction\":\"DIRECTION_INBOUND\",\"worker\":\"0123\","
    "\"persons\":[{\"role\":\"subject\",\"identifiers\":["
    "{\"kind\":\"phone\",\"assurance\":\"confirmed\",\"value\":\"０９０－１２３４－５６７８\"},"
    "{\"kind\":\"phone\",\"assurance\":\"carried\",\"value\":\"0120-444-444\"}]}],"
    "\"incident\":{\"categories\":[{\"scheme\":\"mhlw9\",\"version\":\"2022\",\"code\":\"abuse\"}],"
    "\"words\":[\"山田太郎を出せ、090-1234-5678に電話しろ\"],\"loss\":{\"yen\":\"12000\"}}}";

static void a_report_leaves_without_identifiers(void **state)
{
    struct fixture *f = *state;
    struct intake_result result;
    struct err err;
    assert_int_equal(accept(f, REPORT, &result, &err), RC_OK);
    const struct buf *value = &f->intake.value;
    assert_null(memmem(value->data, value->size, "9012345678", 10));
    assert_null(memmem(value->data, value->size, "山田太郎", strlen("山田太郎")));
    assert_null(memmem(value->data, value->size, "0123", 4));

    const Kasumori__V1__Record *record = decode(f);
    assert_int_equal(result.masked, 2);
    assert_memory_equal(record->record_id.data, result.record_id.bytes, UUID_BYTES);
    assert_string_equal(record->tenant, "acme");
    assert_int_equal(record->recorded_at_us, NOW_US);
    assert_int_equal(record->occurred_start_us, INT64_C(1795525200000000));
    const Kasumori__V1__Person *person = record->persons[0];
    assert_int_equal(person->n_identifiers, 2);
    assert_int_equal(person->identifiers[0]->n_tokens, 2);
    assert_int_equal(person->identifiers[1]->kind, 10);
    assert_int_equal(record->worker->n_tokens, 1);
    assert_true(record->worker->sealed.len > TOKEN_SEAL_OVERHEAD_BYTES);
    assert_int_equal(record->incident->loss->yen, 12000);
    assert_int_equal(record->incident->words[0]->masked, 2);

    struct token_mac macs[TOKEN_MACS_MAX];
    assert_int_equal(token_make(bundle.token_keys, bundle.token_keys_count, PHONE,
                                slice_str("+819012345678"), macs),
                     2);
    assert_memory_equal(person->identifiers[0]->tokens[1]->mac.data, macs[1].mac, 16);
}

static void a_withheld_number_is_no_identifier(void **state)
{
    struct fixture *f = *state;
    struct intake_result result;
    assert_int_equal(
        accept(f,
               "{\"site\":\"s001\",\"occurredStartUs\":1795527000000000,\"persons\":[{\"role\":1,"
               "\"identifiers\":[{\"kind\":\"PHONE\",\"assurance\":4,\"value\":\"公衆電話\"}]}],"
               "\"contact\":{\"outcome\":\"connected\",\"talkUs\":\"60000000\"}}",
               &result, NULL),
        RC_OK);
    const Kasumori__V1__Record *record = decode(f);
    assert_int_equal(record->persons[0]->n_identifiers, 0);
    assert_int_equal(record->contact->withheld, 2);
}

static void bad_input_names_its_place(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *json;
        const char *error;
    } CASES[] = {
        {"{\"site\":\"s001\"}", "occurredStartUs: is required"},
        {"{\"occurredStartUs\":1795527000000000}", "site: is required"},
        {"{\"site\":\"s002\",\"occurredStartUs\":1}", "site: this agent reports for s001 only"},
        {"{\"site\":\"s001\",\"tenant\":\"other\",\"occurredStartUs\":1}",
         "tenant: this agent reports for another tenant"},
        {"{\"site\":\"s001\",\"colour\":1}", "colour: unknown field"},
        {"{\"site\":7}", "site: want a string, not a whole number"},
        {"{\"site\":\"s001\",\"persons\":{}}", "persons: want an array, not an object"},
        {"{\"persons\":[{\"identifiers\":[{\"kind\":\"phone\",\"value\":\"\"}]}]}",
         "persons[0].identifiers[0].value: want 1 to 256 bytes"},
        {"{\"persons\":[{\"identifiers\":[{\"tokens\":[]}]}]}",
         "persons[0].identifiers[0].tokens: is made by the agent; give value"},
        {"{\"schemaMajor\":1}", "schemaMajor: is set by the agent"},
        {"{\"occurredStartUs\":\"2026-11-24T22:00:00\"}",
         "occurredStartUs: a time needs an offset: Z or +09:00"},
        {"{\"occurredStartUs\":\"yesterday\"}",
         "occurredStartUs: cannot read a date: want YYYY-MM-DD"},
        {"{\"training\":\"yes\"}", "training: want true or false, not a string"},
        {"{\"incident\":{\"loss\":{\"staffMinutes\":\"12.5\"}}}",
         "incident.loss.staffMinutes: want a whole number"},
        {"[]", "record: want an object, not an array"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct intake_result result;
        struct err err;
        assert_int_equal(accept(f, CASES[i].json, &result, &err), RC_REJECT);
        assert_string_equal(err.text, CASES[i].error);
    }
}

static void a_kind_without_a_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct intake_result result;
    struct err err;
    assert_int_equal(
        accept(f,
               "{\"site\":\"s001\",\"occurredStartUs\":1795527000000000,\"contact\":{},"
               "\"persons\":[{\"role\":1,\"identifiers\":[{\"kind\":\"mail\","
               "\"assurance\":1,\"value\":\"a@example.jp\"}]}]}",
               &result, &err),
        RC_REJECT);
    assert_string_equal(
        err.text, "persons[0].identifiers[0]: this site holds no key for this kind of identifier");
}

static void the_nth_allocation_fails(void **state)
{
    struct fixture *f = *state;
    for (long n = 1;; n++) {
        struct intake_result result;
        struct err err;
        buf_done(&f->intake.value);
        mem_fail_nth(n);
        enum rc rc = accept(f, REPORT, &result, &err);
        int is_through = mem_fail_pending();
        mem_fail_nth(0);
        if (is_through) {
            assert_int_equal(rc, RC_OK);
            return;
        }
        assert_int_not_equal(rc, RC_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_leaves_without_identifiers),
        cmocka_unit_test(a_withheld_number_is_no_identifier),
        cmocka_unit_test(bad_input_names_its_place),
        cmocka_unit_test(a_kind_without_a_key_is_refused),
        cmocka_unit_test(the_nth_allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
