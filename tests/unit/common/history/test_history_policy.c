#include "tests/support/unit.h"

#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/history/history_names.h"
#include "services/common/history/history_policy.h"

enum { ARENA_BYTES = 1 << 20 };

static int set_up(void **state)
{
    *state = arena_new(ARENA_BYTES);
    return *state == NULL;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static void an_empty_file_is_the_built_in_policy(void **state)
{
    struct fact_policy policy;
    assert_int_equal(history_policy_parse("p", slice_str("{}"), *state, &policy, NULL), RC_OK);
    assert_memory_equal(&policy, &facts_policy_standard, sizeof(policy));
}

static void an_empty_file_is_the_built_in_linking_policy(void **state)
{
    struct fact_linking linking;
    assert_int_equal(history_linking_parse("l", slice_str("{}"), *state, &linking, NULL), RC_OK);
    assert_int_equal(linking.caps_count, 0);
    assert_int_equal(linking.shared_count, 0);
    linking.caps = NULL;
    linking.shared = NULL;
    assert_memory_equal(&linking, &facts_linking_standard, sizeof(linking));
}

static void every_rule_is_read(void **state)
{
    static const char TEXT[] =
        "rules:\n  confinement_talk: 30m\n  repetition_window: 1d\n  matter_window: 2d\n"
        "  cross_site_window: 3d\n  cross_site_sites: 4\n  escalation_window: 5d\n"
        "  escalation_severity: 3\n"
        "severity:\n  mhlw9:2022:abuse: 5\n  社内:1:強要: 1\n";
    struct fact_policy p;
    assert_int_equal(history_policy_parse("p", slice_str(TEXT), *state, &p, NULL), RC_OK);
    assert_int_equal(p.confinement_talk_us, 30 * 60 * CLOCK_US_PER_S);
    assert_int_equal(p.repetition_window_us, CLOCK_US_PER_DAY);
    assert_int_equal(p.matter_window_us, 2 * CLOCK_US_PER_DAY);
    assert_int_equal(p.cross_site_window_us, 3 * CLOCK_US_PER_DAY);
    assert_int_equal(p.cross_site_sites, 4);
    assert_int_equal(p.escalation_window_us, 5 * CLOCK_US_PER_DAY);
    assert_int_equal(p.escalation_severity, 3);
    assert_int_equal(p.severities_count, 2);
    assert_true(slice_is_equal(p.severities[1].category, slice_str("社内:1:強要")));
    assert_int_equal(p.severities[1].severity, 1);
}

static void an_override_is_whole(void **state)
{
    static const char TEXT[] = "rules: {confinement_talk: 30m, matter_window: 2d}\n"
                               "severity: {a:b:c: 2}\n"
                               "overrides:\n"
                               "  - {sites: [s3, 大阪, s1], channels: [phone, other], rules: "
                               "{confinement_talk: 45m, escalation_severity: 5}}\n"
                               "  - {sites: [s1], severity: {a:b:d: 4}}\n"
                               "  - {channels: [visit], rules: {cross_site_sites: 9}}\n";
    struct fact_policy p;
    assert_int_equal(history_policy_parse("p", slice_str(TEXT), *state, &p, NULL), RC_OK);
    assert_int_equal(p.confinement_talk_us, 30 * 60 * CLOCK_US_PER_S);
    assert_int_equal(p.overrides_count, 3);
    const struct fact_override *o = p.overrides;
    assert_int_equal(o[0].sites_count, 3);
    assert_true(slice_is_equal(o[0].sites[0], slice_str("s1")));
    assert_true(slice_is_equal(o[0].sites[1], slice_str("s3")));
    assert_true(slice_is_equal(o[0].sites[2], slice_str("大阪")));
    assert_int_equal(o[0].channels, 1 << 2 | 1 << 7);
    assert_int_equal(o[0].policy.confinement_talk_us, 45 * 60 * CLOCK_US_PER_S);
    assert_int_equal(o[0].policy.escalation_severity, 5);
    assert_int_equal(o[0].policy.matter_window_us, 2 * CLOCK_US_PER_DAY);
    assert_int_equal(o[0].policy.repetition_window_us, facts_policy_standard.repetition_window_us);
    assert_ptr_equal(o[0].policy.severities, p.severities);
    assert_int_equal(o[0].policy.overrides_count, 0);
    assert_int_equal(o[1].channels, UINT32_MAX);
    assert_int_equal(o[1].policy.severities_count, 1);
    assert_true(slice_is_equal(o[1].policy.severities[0].category, slice_str("a:b:d")));
    assert_int_equal(o[1].policy.confinement_talk_us, 30 * 60 * CLOCK_US_PER_S);
    assert_int_equal(o[2].sites_count, 0);
    assert_int_equal(o[2].channels, 1 << FACT_CHANNEL_VISIT);
    assert_int_equal(o[2].policy.cross_site_sites, 9);
}

static void bad_overrides_name_their_place(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } CASES[] = {
        {"overrides:\n  - {rules: {matter_window: 1d}}\n",
         "p:2:5: overrides: want sites or channels"},
        {"overrides:\n  - {sites: [s1]}\n", "p:2:5: overrides: want rules or severity"},
        {"overrides:\n  - {sites: [s1], rules: {}}\n", "p:2:5: overrides: want rules or severity"},
        {"overrides:\n  - sites: []\n", "p:2:13: sites: has too few items"},
        {"overrides:\n  - sites: ['']\n",
         "p:2:13: sites: want the name of a site, 1 to 64 bytes of UTF-8"},
        {"overrides:\n  - channels: [fax]\n",
         "p:2:16: channels: want face_to_face, phone, visit, mail, chat, sns or other"},
        {"overrides:\n  - sites: [s1]\n    rules: {talk: 1m}\n", "p:3:13: talk: unknown key"},
        {"overrides:\n  - sites: [s1]\n    rules: {matter_window: -1d}\n",
         "p:3:28: matter_window: -1d is not between 1 and 316224000000000 microseconds"},
        {"overrides:\n  - sites: [s1]\n    regions: [kanto]\n", "p:3:5: regions: unknown key"},
        {"overrides:\n  - {sites: [s1, s2], rules: {matter_window: 1d}}\n"
         "  - {sites: [s2], channels: [chat], rules: {matter_window: 1d}}\n",
         "p:3:5: overrides: never holds: those before it hold wherever it would"},
        {"overrides:\n  - {sites: [s1], rules: {matter_window: 1d}}\n"
         "  - {channels: [chat], rules: {matter_window: 1d}}\n"
         "  - {channels: [mail], rules: {matter_window: 1d}}\n"
         "  - {sites: [s2, s1], channels: [mail, chat], rules: {matter_window: 1d}}\n",
         "p:5:5: overrides: never holds: those before it hold wherever it would"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fact_policy policy;
        struct err err;
        enum rc rc = history_policy_parse("p", slice_str(CASES[i].text), *state, &policy, &err);
        assert_int_equal(rc, RC_REJECT);
        assert_string_equal(err.text, CASES[i].error);
    }
}

static void all_of_linking_is_read(void **state)
{
    static const char TEXT[] =
        "kinds: [phone, name]\nexpiry: {phone: 10d}\nsubject_nodes: 4\ngap: 0s\ngap_attempt: 1m\n"
        "overlap: 2s\npairs: 5\ncap: 6\ncaps:\n  - {kind: phone, neighbour: member, cap: 7}\n"
        "shared:\n  - phone:4294967295:00112233445566778899AABBCCDDEEFF\n";
    struct fact_linking l;
    assert_int_equal(history_linking_parse("l", slice_str(TEXT), *state, &l, NULL), RC_OK);
    for (uint32_t kind = 0; kind < FACT_KINDS; kind++) {
        int is_named = kind == FACT_KIND_PHONE || kind == FACT_KIND_NAME;
        assert_int_equal(l.is_linking[kind], is_named);
        if (kind != FACT_KIND_PHONE)
            assert_int_equal(l.expiry_us[kind], facts_linking_standard.expiry_us[kind]);
    }
    assert_int_equal(l.expiry_us[FACT_KIND_PHONE], 10 * CLOCK_US_PER_DAY);
    assert_int_equal(l.subject_nodes_max, 4);
    assert_int_equal(l.gap_us, 0);
    assert_int_equal(l.gap_attempt_us, 60 * CLOCK_US_PER_S);
    assert_int_equal(l.overlap_us, 2 * CLOCK_US_PER_S);
    assert_int_equal(l.pairs, 5);
    assert_int_equal(l.cap, 6);
    assert_int_equal(l.caps_count, 1);
    assert_int_equal(l.caps[0].kind, FACT_KIND_PHONE);
    assert_int_equal(l.caps[0].neighbour_kind, FACT_KIND_MEMBER);
    assert_int_equal(l.caps[0].cap, 7);
    assert_int_equal(l.shared_count, 1);
    assert_int_equal(l.shared[0].key_id, UINT32_MAX);
    assert_int_equal(l.shared[0].mac[15], 0xff);
}

static void bad_rules_name_their_place(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } CASES[] = {
        {"", "p:1:1: the file is empty"},
        {"kinds: [phone]\n", "p:1:1: kinds: unknown key"},
        {"rules:\n  repetition: 3d\n", "p:2:3: repetition: unknown key"},
        {"rules:\n  repetition_window: -30d\n",
         "p:2:22: repetition_window: -30d is not between 1 and 316224000000000 microseconds"},
        {"rules:\n  repetition_window: 30\n",
         "p:2:22: repetition_window: want a duration such as 250ms, 10s, 5m, 72h or 30d"},
        {"rules: {cross_site_sites: 0}\n", "p:1:27: cross_site_sites: 0 is not between 1 and 1000"},
        {"severity:\n  mhlw9:2022:abuse: 6\n", "p:2:21: severity: 6 is not between 1 and 5"},
        {"severity:\n  mhlw9:2022:abuse: 0\n", "p:2:21: severity: 0 is not between 1 and 5"},
        {"severity: {}\n", "p:1:12: severity: has too few items"},
        {"severity:\n  a:b:c: 1\n  a:b:c: 2\n", "p:3:3: a:b:c: given twice"},
        {"severity:\n  abuse: 3\n",
         "p:2:3: severity: want scheme:version:code, each of 1 to 64 bytes without spaces"},
        {"severity:\n  a::c: 3\n",
         "p:2:3: severity: want scheme:version:code, each of 1 to 64 bytes without spaces"},
        {"severity:\n  a:b:c:d: 3\n",
         "p:2:3: severity: want scheme:version:code, each of 1 to 64 bytes without spaces"},
        {"severity:\n  a:b:c d: 3\n",
         "p:2:3: severity: want scheme:version:code, each of 1 to 64 bytes without spaces"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fact_policy policy;
        struct err err;
        enum rc rc = history_policy_parse("p", slice_str(CASES[i].text), *state, &policy, &err);
        assert_int_equal(rc, RC_REJECT);
        assert_string_equal(err.text, CASES[i].error);
    }
}

static void bad_linking_names_its_place(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } CASES[] = {
        {"rules: {}\n", "l:1:1: rules: unknown key"},
        {"kinds: []\n", "l:1:9: kinds: has too few items"},
        {"kinds: [phone, worker]\n", "l:1:16: kinds: want handle, member, account, phone, mail, "
                                     "vehicle, sns or name"},
        {"expiry: {phone: -1d}\n",
         "l:1:17: phone: -1d is not between 3600000000 and 3162240000000000 microseconds"},
        {"caps:\n  - {kind: phone, neighbour: member, cap: -1}\n",
         "l:2:43: cap: -1 is not between 0 and 1000"},
        {"caps:\n  - {kind: phone, cap: 1}\n", "l:2:5: neighbour: is required"},
        {"shared:\n  - 09012345678\n",
         "l:2:5: shared: want kind:key_id:mac with 32 hexadecimal digits"},
        {"subject_nodes: 1\n", "l:1:16: subject_nodes: 1 is not between 2 and 1024"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fact_linking linking;
        struct err err;
        enum rc rc = history_linking_parse("l", slice_str(CASES[i].text), *state, &linking, &err);
        assert_int_equal(rc, RC_REJECT);
        assert_string_equal(err.text, CASES[i].error);
    }
}

static void only_whole_tokens_are_tokens(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        "phone",
        "phone:1",
        "phone:1:",
        "phone:1:0011",
        "fax:1:00112233445566778899aabbccddeeff",
        "phone::00112233445566778899aabbccddeeff",
        "phone:-1:00112233445566778899aabbccddeeff",
        "phone:4294967296:00112233445566778899aabbccddeeff",
        "phone:1:00112233445566778899aabbccddeeff0",
    };
    struct fact_token token;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_int_equal(history_token_parse(BAD[i], &token, NULL), RC_REJECT);
    assert_int_equal(history_token_parse("mail:7:00112233445566778899aabbccddeeff", &token, NULL),
                     RC_OK);
    assert_int_equal(token.kind, FACT_KIND_MAIL);
    assert_int_equal(token.key_id, 7);
    assert_int_equal(token.mac[1], 0x11);
}

static void too_small_an_arena_is_full(void **state)
{
    (void)state;
    struct arena *tiny = arena_new(16);
    struct fact_policy policy;
    struct fact_linking linking;
    assert_non_null(tiny);
    assert_int_equal(
        history_policy_parse("p", slice_str("severity: {a:b:c: 1}"), tiny, &policy, NULL), RC_FULL);
    assert_int_equal(history_linking_parse("l", slice_str("{}"), tiny, &linking, NULL), RC_FULL);
    arena_free(tiny);
}

static enum rc parse_linking(struct arena *arena, struct err *err)
{
    static const char TEXT[] = "kinds: [phone]\ncaps: [{kind: phone, neighbour: mail, cap: 1}]\n";
    struct fact_linking linking;
    return history_linking_parse("l", slice_str(TEXT), arena, &linking, err);
}

static enum rc parse_policy(struct arena *arena, struct err *err)
{
    static const char TEXT[] = "severity: {a:b:c: 1}\noverrides:\n"
                               "  - {sites: [s2, s1], channels: [chat], severity: {a:b:d: 1}}\n";
    struct fact_policy policy;
    return history_policy_parse("p", slice_str(TEXT), arena, &policy, err);
}

static void fail_every_allocation(enum rc (*parse)(struct arena *arena, struct err *err))
{
    for (long n = 1;; n++) {
        struct err err;
        struct arena *arena = arena_new(ARENA_BYTES);
        mem_fail_nth(n);
        enum rc rc = parse(arena, &err);
        int is_through = mem_fail_pending();
        mem_fail_nth(0);
        arena_free(arena);
        if (is_through) {
            assert_int_equal(rc, RC_OK);
            return;
        }
        assert_int_not_equal(rc, RC_OK);
    }
}

static void the_nth_allocation_fails(void **state)
{
    (void)state;
    fail_every_allocation(parse_linking);
    fail_every_allocation(parse_policy);
}

static void every_name_finds_its_number(void **state)
{
    (void)state;
    uint32_t kind = 99;
    enum fact_decision_kind decision = FACT_DECISION_VERDICT;
    enum fact_verdict verdict = FACT_VERDICT_COMPLAINT;
    for (uint32_t i = FACT_KIND_HANDLE; i <= FACT_KIND_NAME; i++) {
        assert_true(history_kind_find(slice_str(history_kind_name(i)), &kind));
        assert_int_equal(kind, i);
    }
    for (int i = FACT_DECISION_VERDICT; i <= FACT_DECISION_REVOKE; i++) {
        const char *name = history_decision_name((enum fact_decision_kind)i);
        assert_true(history_decision_find(slice_str(name), &decision));
        assert_int_equal(decision, i);
    }
    for (int i = FACT_VERDICT_COMPLAINT; i <= FACT_VERDICT_REJECTED; i++) {
        const char *name = history_verdict_name((enum fact_verdict)i);
        assert_true(history_verdict_find(slice_str(name), &verdict));
        assert_int_equal(verdict, i);
    }
    for (uint32_t i = FACT_CHANNEL_FACE_TO_FACE; i <= 7; i++) {
        assert_true(history_channel_find(slice_str(history_channel_name(i)), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(history_channel_find(slice_str("unknown"), &kind));
    assert_string_equal(history_channel_name(0), "unknown");
    assert_string_equal(history_channel_name(8), "unknown");
    assert_string_equal(history_kind_name(0), "unknown");
    assert_string_equal(history_kind_name(9), "unknown");
    assert_false(history_kind_find(slice_str("unknown"), &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_file_is_the_built_in_policy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_file_is_the_built_in_linking_policy, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_rule_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_override_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_overrides_name_their_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_of_linking_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_rules_name_their_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_linking_names_its_place, set_up, tear_down),
        cmocka_unit_test(only_whole_tokens_are_tokens),
        cmocka_unit_test(too_small_an_arena_is_full),
        cmocka_unit_test(the_nth_allocation_fails),
        cmocka_unit_test(every_name_finds_its_number),
    };
    return UNIT_MAIN(tests);
}
