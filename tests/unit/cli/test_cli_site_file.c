#include <string.h>

#include "services/cli/site_file.h"
#include "services/common/base/arena.h"
#include "tests/support/unit.h"

#define HEADER "site,name,kind,trade,region,address,landmark,valid_from,valid_to,merged_into\n"

static struct arena *arena;
static struct site_file file;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(1024 * 1024);
    return arena == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static enum rc parse(const char *text)
{
    struct err err;
    arena_reset(arena);
    file = (struct site_file){0};
    return site_file_parse(slice_str(text), "+09:00", arena, &file, &err);
}

static void expect_slice(struct slice got, const char *want)
{
    assert_true(slice_is_equal(got, slice_str(want)));
}

static void test_rows(void **state)
{
    (void)state;
    assert_int_equal(parse("\xef\xbb\xbf" HEADER
                           "s2,港北店,store,小売,神奈川,\"横浜市, 1-1\",駅前,2020-04-01,,\r\n"
                           "s1,A,call_center,,,,,2020-04-01T00:00:00Z,2021-01-01,s2\r\n"),
                     RC_OK);
    assert_int_equal(file.count, 2);
    const struct site_period *first = &file.periods[0]; /* sorted by site */
    expect_slice(first->site, "s1");
    assert_int_equal(first->from_us, INT64_C(1585699200000000));
    assert_int_equal(first->to_us, INT64_C(1609426800000000)); /* midnight in Japan */
    expect_slice(first->texts[SITE_TEXT_MERGED_INTO], "s2");
    expect_slice(first->texts[SITE_TEXT_KIND], "call_center");
    const struct site_period *second = &file.periods[1];
    expect_slice(second->texts[SITE_TEXT_NAME], "港北店");
    expect_slice(second->texts[SITE_TEXT_ADDRESS], "横浜市, 1-1");
    assert_int_equal(second->from_us, INT64_C(1585666800000000));
    assert_int_equal(second->to_us, SITE_TO_END);
    assert_int_equal(second->line, 2);
}

static void test_columns_may_stand_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(
        parse("merged_into,kind,name,valid_to,site,valid_from,landmark,address,region,trade\n"
              ",store,N,,s1,2020-01-01,L,A,R,T\n"),
        RC_OK);
    expect_slice(file.periods[0].site, "s1");
    expect_slice(file.periods[0].texts[SITE_TEXT_NAME], "N");
    expect_slice(file.periods[0].texts[SITE_TEXT_TRADE], "T");
    expect_slice(file.periods[0].texts[SITE_TEXT_LANDMARK], "L");
}

static void test_an_open_end_is_the_next_row(void **state)
{
    (void)state;
    assert_int_equal(parse(HEADER "s1,B,store,,,,,2021-01-01,,\n"
                                  "s1,A,store,,,,,2020-01-01,,\n"),
                     RC_OK);
    expect_slice(file.periods[0].texts[SITE_TEXT_NAME], "A");
    assert_int_equal(file.periods[0].to_us, file.periods[1].from_us);
    assert_int_equal(file.periods[1].to_us, SITE_TO_END);
}

struct bad {
    const char *text;
    const char *want; /* the only complaint */
};

#define ROW(...) HEADER __VA_ARGS__

static const struct bad BAD[] = {
    {"", "line 1: the file is empty: want a header"},
    {"site,name,kind,trade,region,address,landmark,valid_from,valid_to\n",
     "line 1: merged_into: the column is missing"},
    {"site,name,kind,trade,region,address,landmark,valid_from,valid_to,merged_into,extra\n",
     "line 1: column 11: unknown name"},
    {"site,site,name,kind,trade,region,address,landmark,valid_from,valid_to,merged_into\n",
     "line 1: site: the column is there twice"},
    {ROW("s1,N,store\n"), "line 2: 3 fields, but the header has 10"},
    {ROW("s1,N,store,,,,,,\n"), "line 2: 9 fields, but the header has 10"},
    {ROW("s1,,store,,,,,,,\n"), "line 2: name: empty"},
    {ROW("s1,N,shop,,,,,,,\n"), "line 2: kind: want store, call_center or headquarters"},
    {ROW("s 1,N,store,,,,,,,\n"), "line 2: site: want 1 to 64 of A-Z a-z 0-9 . _ -"},
    {ROW("s1,\xff,store,,,,,,,\n"), "line 2: name: not UTF-8"},
    {ROW("s1,N,store,,,,,2020-02-30,,\n"), "line 2: valid_from: no such day: 2020-02-30"},
    {ROW("s1,N,store,,,,,tomorrow,,\n"), "line 2: valid_from: cannot read a date: want YYYY-MM-DD"},
    {ROW("s1,N,store,,,,,,2020-02-01T10:00:00,\n"),
     "line 2: valid_to: a time needs an offset: Z or +09:00"},
    {ROW("s1,N,store,,,,,2020-02-01,2020-02-01,\n"), "line 2: valid_to: not after valid_from"},
    {ROW("s1,N,store,,,,,2020-02-01,,s2\n"), "line 2: merged_into: needs a valid_to"},
    {ROW("s1,N,store,,,,,2020-02-01,2021-01-01,s1\n"), "line 2: merged_into: the site itself"},
    {ROW("s1,N,store,,,,,2020-01-01,2021-01-02,\n\ns1,M,store,,,,,2021-01-01,,\n"),
     "line 4: valid_from: overlaps line 2"},
    {ROW("s1,N,store,,,,,2020-01-01,,\ns1,N,store,,,,,2020-01-01,,\n"),
     "line 3: valid_from: overlaps line 2"},
    {ROW("s1,N,store,,,,,,,\ns1,N,store,,,,,2020-01-01,,\n"),
     "line 2: valid_from: the site has several rows, so each needs one"},
    {ROW("\"s1,N\n"), "line 2: a quote is not closed"},
};

static void test_what_is_wrong_is_told_by_line_and_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(parse(BAD[i].text), RC_REJECT);
        assert_string_equal(file.errors[0].text, BAD[i].want);
        assert_int_equal(file.errors_count, 1);
    }
}

static void test_all_complaints_come_at_once(void **state)
{
    (void)state;
    assert_int_equal(parse(HEADER "s1,,shop,,,,,,,\n"
                                  "s2,N,store\n"
                                  "s3,N,store,,,,,never,,\n"),
                     RC_REJECT);
    assert_int_equal(file.errors_count, 4);
    assert_string_equal(file.errors[3].text,
                        "line 4: valid_from: cannot read a date: want YYYY-MM-DD");
}

static void test_too_many_sites_for_the_arena(void **state)
{
    struct err err;
    struct arena *small = arena_new(256);
    (void)state;
    assert_int_equal(
        site_file_parse(slice_str(HEADER "s1,N,store,,,,,,,\n"), "Z", small, &file, &err), RC_FULL);
    arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_columns_may_stand_in_any_order),
        cmocka_unit_test(test_an_open_end_is_the_next_row),
        cmocka_unit_test(test_what_is_wrong_is_told_by_line_and_column),
        cmocka_unit_test(test_all_complaints_come_at_once),
        cmocka_unit_test(test_too_many_sites_for_the_arena),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
