/* Form → draft, without a server. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "services/agent/form_draft.h"
#include "services/common/base/limits.h"

#define ID "\"formId\":\"0192f0c0-0000-7000-8000-000000000001\""

static struct agent_spot spots_items[] = {{.name = (char *)"till 1", .floor = (char *)"1F"}};
static const struct config_list spots = {.items = spots_items, .count = 1};

struct fixture {
    struct arena *arena;
    struct form_entry entry;
    struct draft draft;
    char place[FORM_PLACE_BYTES];
    struct err err;
};

static int set_up(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    f.arena = arena_new(LIMIT_INTAKE_ARENA_BYTES);
    *state = &f;
    return f.arena == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    return 0;
}

static enum rc build(struct fixture *f, enum form_kind kind, const char *worker, const char *text)
{
    struct form_frame frame = {.worker = worker, .at_us = INT64_C(1795527190000000), .revision = 3};
    frame.record_id.bytes[6] = 0x70;
    frame.target_id.bytes[0] = 9;
    enum rc rc = form_read(slice_str(text), kind, &spots, f->arena, &f->entry, f->place, &f->err);
    return rc == RC_OK ? form_build(&f->entry, &frame, f->arena, &f->draft, f->place, &f->err) : rc;
}

static void a_report_is_an_incident(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        build(f, FORM_KIND_REPORT, "w12",
              "{" ID ",\"channel\":\"phone\",\"categories\":[\"abuse\",\"time\"],"
              "\"spot\":\"till 1\",\"stillHere\":\"no\",\"hurt\":\"yes\",\"words\":\"x\","
              "\"policeCalled\":true,\"callId\":\"c1\",\"minutesAgo\":10}"),
        RC_OK);
    const Kasumori__V1__Record *record = f->draft.record;
    assert_int_equal(record->body_case, KASUMORI__V1__RECORD__BODY_INCIDENT);
    assert_string_equal(record->source, "form");
    assert_string_equal(record->external_id, "0192f0c0-0000-7000-8000-000000000001");
    assert_string_equal(record->happening_ref, "c1");
    assert_int_equal(record->recorded_at_us - record->occurred_start_us, INT64_C(600000000));
    const Kasumori__V1__Incident *incident = record->incident;
    assert_int_equal(incident->n_categories, 2);
    assert_string_equal(incident->categories[1]->code, "time");
    assert_string_equal(incident->spot->floor, "1F");
    assert_int_equal(incident->still_present, KASUMORI__V1__TRI__TRI_NO);
    assert_int_equal(incident->victim->injured, KASUMORI__V1__TRI__TRI_YES);
    assert_int_equal(incident->n_police, 1);
    assert_int_equal(f->draft.raws_count, 1);
    assert_ptr_equal(f->draft.raws[0].identifier, record->worker);
    assert_memory_equal(f->draft.raws[0].value.data, "w12", 3);
}

static void anonymous_leaves_the_worker_out(void **state)
{
    struct fixture *f = *state;
    const char *text = "{" ID ",\"channel\":\"face_to_face\",\"anonymous\":true}";
    assert_int_equal(build(f, FORM_KIND_REPORT, "w12", text), RC_OK);
    assert_null(f->draft.record->worker);
    assert_int_equal(f->draft.raws_count, 0);
    assert_true(f->draft.record->incident->victim->anonymity_wanted);
    assert_int_equal(f->draft.record->direction, KASUMORI__V1__DIRECTION__DIRECTION_INBOUND);
}

static void assurance_is_what_was_done(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *more;
        enum rc rc;
        int assurance;
        const char *place;
    } CASES[] = {
        {"", RC_OK, KASUMORI__V1__ASSURANCE__ASSURANCE_TYPED, ""},
        {",\"readBack\":false", RC_OK, KASUMORI__V1__ASSURANCE__ASSURANCE_TYPED, ""},
        {",\"readBack\":true", RC_OK, KASUMORI__V1__ASSURANCE__ASSURANCE_CONFIRMED, ""},
        {",\"again\":\"\"", RC_OK, KASUMORI__V1__ASSURANCE__ASSURANCE_TYPED, ""},
        {",\"again\":\"+81 90 1234 5678\"", RC_OK, KASUMORI__V1__ASSURANCE__ASSURANCE_CONFIRMED,
         ""},
        {",\"again\":\"09012345679\"", RC_REJECT, 0, "identifiers[0].again"},
        {",\"again\":\"09012345679\",\"readBack\":true", RC_REJECT, 0, "identifiers[0].again"},
        {",\"again\":\"withheld\"", RC_REJECT, 0, "identifiers[0].again"},
        {",\"assurance\":\"CARRIED\"", RC_REJECT, 0, "identifiers[0].assurance"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text),
                 "{" ID ",\"channel\":\"phone\",\"identifiers\":[{\"kind\":\"phone\","
                 "\"value\":\"090-1234-5678\"%s}]}",
                 CASES[i].more);
        assert_int_equal(build(f, FORM_KIND_REPORT, NULL, text), CASES[i].rc);
        assert_string_equal(f->place, CASES[i].place);
        if (CASES[i].rc == RC_OK)
            assert_int_equal(f->draft.raws[0].identifier->assurance, CASES[i].assurance);
        else
            assert_null(strstr(f->err.text, "1234"));
    }
}

static void other_kinds(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        build(f, FORM_KIND_SUPPLEMENT, NULL, "{" ID ",\"receipt\":\"AAA-AAA\",\"note\":\"more\"}"),
        RC_OK);
    assert_int_equal(f->draft.record->supplement->target_id.data[0], 9);
    assert_string_equal(f->draft.record->supplement->incident->note->value, "more");
    assert_int_equal(build(f, FORM_KIND_CORRECTION, NULL,
                           "{" ID ",\"receipt\":\"AAA-AAA\",\"channel\":\"mail\"}"),
                     RC_OK);
    assert_int_equal(f->draft.record->revision, 3);
    assert_non_null(f->draft.record->correction->incident);
    assert_int_equal(
        build(f, FORM_KIND_RETRACTION, NULL, "{" ID ",\"receipt\":\"AAA-AAA\",\"reason\":\"r\"}"),
        RC_OK);
    assert_string_equal(f->draft.record->correction->retraction->reason_code, "reporter");
}

static void what_is_missing_or_strange_is_named(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum form_kind kind;
        const char *text;
        const char *place;
    } CASES[] = {
        {FORM_KIND_REPORT, "{}", "formId"},
        {FORM_KIND_REPORT, "{" ID "}", "channel"},
        {FORM_KIND_SUPPLEMENT, "{" ID "}", "receipt"},
        {FORM_KIND_SUPPLEMENT, "{" ID ",\"receipt\":\"a\"}", ""},
        {FORM_KIND_SUPPLEMENT, "{" ID ",\"receipt\":\"a\",\"spot\":\"till 1\"}", "spot"},
        {FORM_KIND_RETRACTION, "{" ID ",\"receipt\":\"a\",\"words\":\"x\"}", "words"},
        {FORM_KIND_REPORT, "{" ID ",\"channel\":\"phone\",\"spot\":\"till 2\"}", "spot"},
        {FORM_KIND_REPORT, "{" ID ",\"channel\":\"phone\",\"identifiers\":[7]}", "identifiers[0]"},
        {FORM_KIND_REPORT, "{" ID ",\"channel\":\"phone\",\"identifiers\":{}}", "identifiers"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(build(f, CASES[i].kind, NULL, CASES[i].text), RC_REJECT);
        assert_string_equal(f->place, CASES[i].place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_report_is_an_incident, set_up, tear_down),
        cmocka_unit_test_setup_teardown(anonymous_leaves_the_worker_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(assurance_is_what_was_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_missing_or_strange_is_named, set_up, tear_down),
    };
    return UNIT_MAIN(tests);
}
