/* Who sent it: each way to lie or to be unreadable has its class. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/aggregator/ingest/verify.h"
#include "tests/unit/aggregator/letter.h"

#define NOW_US INT64_C(1793000000000000)

static const struct letter_from FROM = {
    .tenant = "acme",
    .site = "s001",
    .agent = "s001-a",
    .epoch = 7,
    .sequence = 42,
    .offset = 5,
    .appended_at_us = NOW_US,
};

struct fixture {
    struct registry *registry;
    struct letter letter;
    struct sender sender;
    struct err why;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    const struct registry_agent rows[] = {
        {.tenant = "acme",
         .site = "s002",
         .agent = "s002-a",
         .mac_key_id = 1,
         .valid_from_us = 0,
         .valid_to_us = INT64_MAX},
        {.tenant = "acme",
         .site = "s001",
         .agent = "s001-a",
         .mac_key_id = 1,
         .valid_from_us = NOW_US - 10,
         .valid_to_us = NOW_US + 10},
        {.tenant = "beta",
         .site = "b1",
         .agent = "b",
         .mac_key_id = 2,
         .valid_from_us = 0,
         .valid_to_us = INT64_MAX},
    };
    fixture.registry = registry_new(LETTER_MASTER);
    assert_non_null(fixture.registry);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(registry_put(fixture.registry, &rows[i]), RC_OK);
    registry_settle(fixture.registry);
    letter_write(&fixture.letter, &FROM, "some value", 10);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    letter_done(&f->letter);
    registry_free(f->registry);
    return 0;
}

static enum bad_class verify(struct fixture *f, int64_t least)
{
    struct message message = letter_message(&f->letter);
    return verify_sender(f->registry, &message, least, &f->sender, &f->why);
}

static void a_true_message_is_proven(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(verify(f, 1), BAD_CLASS_NONE);
    assert_non_null(f->sender.proven);
    assert_string_equal(f->sender.proven->site, "s001");
    assert_int_equal(f->sender.epoch, 7);
    assert_int_equal(f->sender.sequence, 42);
}

static void a_null_value_can_be_proven(void **state)
{
    struct fixture *f = *state;
    letter_done(&f->letter);
    letter_write(&f->letter, &FROM, NULL, 0);
    assert_int_equal(verify(f, 1), BAD_CLASS_NONE);
    assert_non_null(f->sender.proven);
}

static void a_changed_value_is_forged(void **state)
{
    struct fixture *f = *state;
    f->letter.value[3] ^= 1;
    assert_int_equal(verify(f, 1), BAD_CLASS_FORGED);
    assert_null(f->sender.proven);
    assert_int_equal(f->sender.agent.size, 6); /* named, not proven */
}

static void each_signed_number_is_covered(void **state)
{
    struct fixture *f = *state;
    f->letter.epoch[0] = '8';
    assert_int_equal(verify(f, 1), BAD_CLASS_FORGED);
    f->letter.epoch[0] = '7';
    f->letter.sequence[0] = '5';
    assert_int_equal(verify(f, 1), BAD_CLASS_FORGED);
    f->letter.sequence[0] = '4';
    assert_int_equal(verify(f, 1), BAD_CLASS_NONE);
}

static void another_agents_name_is_forged(void **state)
{
    struct fixture *f = *state;
    memcpy(f->letter.agent, "s002-a", 6);
    assert_int_equal(verify(f, 1), BAD_CLASS_FORGED);
    memcpy(f->letter.agent, "nobody", 6);
    assert_int_equal(verify(f, 1), BAD_CLASS_FORGED);
    assert_string_equal(f->why.text, "the agent is not registered");
}

static void another_key_id_is_forged(void **state)
{
    struct fixture *f = *state;
    f->letter.mac[3] = 2;
    assert_int_equal(verify(f, 1), BAD_CLASS_FORGED);
    assert_string_equal(f->why.text, "header ks-mac names another key than the agent's");
}

static void validity_is_judged_by_the_brokers_time(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t at_us;
        enum bad_class class;
    } CASES[] = {
        {NOW_US - 11, BAD_CLASS_FORGED},
        {NOW_US - 10, BAD_CLASS_NONE},
        {NOW_US + 9, BAD_CLASS_NONE},
        {NOW_US + 10, BAD_CLASS_FORGED},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        f->letter.event.appended_at_us = CASES[i].at_us;
        assert_int_equal(verify(f, 1), CASES[i].class);
    }
}

static void each_missing_header_is_malformed(void **state)
{
    struct fixture *f = *state;
    static const char *const NAMES[] = {"content-type", "ks-agent", "ks-epoch", "ks-sequence",
                                        "ks-mac"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct kafka_header *header = letter_header(&f->letter, NAMES[i]);
        const char *name = header->name;
        header->name = "other";
        assert_int_equal(verify(f, 1), BAD_CLASS_MALFORMED);
        assert_null(f->sender.proven);
        header->name = name;
    }
    assert_int_equal(verify(f, 1), BAD_CLASS_NONE);
}

static void unreadable_numbers_are_malformed(void **state)
{
    struct fixture *f = *state;
    static const char *const BAD[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "01",
                                      "1.0",
                                      "9223372036854775807",
                                      "18446744073709551615",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        letter_header(&f->letter, "ks-sequence")->value = slice_str(BAD[i]);
        assert_int_equal(verify(f, 0), BAD_CLASS_MALFORMED);
        assert_false(f->sender.is_numbered);
    }
}

static void sequence_0_is_for_heartbeats_only(void **state)
{
    struct fixture *f = *state;
    struct letter_from from = FROM;
    from.sequence = 0;
    letter_done(&f->letter);
    letter_write(&f->letter, &from, "beat", 4);
    assert_int_equal(verify(f, 1), BAD_CLASS_MALFORMED);
    assert_int_equal(verify(f, 0), BAD_CLASS_NONE);
}

static void the_greatest_sequence_has_a_successor(void **state)
{
    struct fixture *f = *state;
    struct letter_from from = FROM;
    from.sequence = INT64_MAX - 1;
    letter_done(&f->letter);
    letter_write(&f->letter, &from, "x", 1);
    assert_int_equal(verify(f, 1), BAD_CLASS_NONE);
}

static void names_that_are_no_names_are_malformed(void **state)
{
    struct fixture *f = *state;
    static const char LONG[] = "0123456789012345678901234567890123456789012345678901234567890123x";
    const struct slice bad[] = {slice_str(""), slice_of("\xff\xfe", 2), slice_of("a\0b", 3),
                                slice_str(LONG)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        letter_header(&f->letter, "ks-agent")->value = bad[i];
        assert_int_equal(verify(f, 1), BAD_CLASS_MALFORMED);
        assert_int_equal(f->sender.agent.size, 0);
    }
}

static void many_agents_are_all_found(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (int i = 999; i >= 0; i--) {
        struct registry_agent row = {.tenant = "t", .site = "s", .agent = name, .mac_key_id = 1};
        snprintf(name, sizeof(name), "a%d", i);
        assert_int_equal(registry_put(f->registry, &row), RC_OK);
    }
    registry_settle(f->registry);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "a%d", i);
        assert_non_null(registry_find(f->registry, slice_str(name)));
    }
    assert_null(registry_find(f->registry, slice_str("a1000")));
    assert_null(registry_find(f->registry, slice_str("a")));
    assert_null(registry_find(f->registry, slice_str("")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_true_message_is_proven),
        TEST(a_null_value_can_be_proven),
        TEST(a_changed_value_is_forged),
        TEST(each_signed_number_is_covered),
        TEST(another_agents_name_is_forged),
        TEST(another_key_id_is_forged),
        TEST(validity_is_judged_by_the_brokers_time),
        TEST(each_missing_header_is_malformed),
        TEST(unreadable_numbers_are_malformed),
        TEST(sequence_0_is_for_heartbeats_only),
        TEST(the_greatest_sequence_has_a_successor),
        TEST(names_that_are_no_names_are_malformed),
        TEST(many_agents_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
