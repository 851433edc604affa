/* Histories are written "name from-to name from-to …" in small numbers; "-" for no end. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/cli/site_plan.h"
#include "services/common/base/arena.h"
#include "tests/support/unit.h"

enum { NOW = 100, PERIODS_MAX = 8 };

#define END SITE_TO_END
#define NONE SITE_FROM_NOW

static struct arena *arena;
static struct err err;

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

struct row {
    const char *name;
    int64_t from_us;
    int64_t to_us;
};

static size_t fill(struct site_period *out, const char *site, const struct row *rows)
{
    size_t count = 0;
    for (; rows[count].name != NULL; count++) {
        out[count] = (struct site_period){.site = slice_str(site),
                                          .from_us = rows[count].from_us,
                                          .to_us = rows[count].to_us,
                                          .line = (int)count + 2};
        out[count].texts[SITE_TEXT_NAME] = slice_str(rows[count].name);
    }
    return count;
}

static const char *describe(const struct site_period *periods, size_t count)
{
    static char out[512];
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%.*s %" PRId64 "-",
                                 i == 0 ? "" : " ", (int)periods[i].texts[SITE_TEXT_NAME].size,
                                 (const char *)periods[i].texts[SITE_TEXT_NAME].data,
                                 periods[i].from_us);
        if (periods[i].to_us != END)
            used += (size_t)snprintf(out + used, sizeof(out) - used, "%" PRId64, periods[i].to_us);
    }
    return out;
}

/* The new history, "unchanged", or the sentence of a refusal. */
static const char *plan(const struct row *stored, const struct row *rows)
{
    struct site_period old[PERIODS_MAX];
    struct site_period new[PERIODS_MAX];
    struct site_plan made;
    size_t old_count = fill(old, "s1", stored);
    struct site_file file = {.periods = new, .count = fill(new, "s1", rows)};
    arena_reset(arena);
    if (site_plan_make(old, old_count, &file, NOW, arena, &made, &err) != RC_OK)
        return err.text;
    if (made.changed_count == 0) {
        assert_int_equal(made.unchanged_count, 1);
        return "unchanged";
    }
    assert_int_equal(made.new_count, old_count == 0);
    return describe(made.periods, made.count);
}

#define ROWS(...) ((const struct row[]){__VA_ARGS__, {0}})
#define NOTHING ((const struct row[]){{0}})
#define A(from, to)   \
    {                 \
        "A", from, to \
    }
#define B(from, to)   \
    {                 \
        "B", from, to \
    }
#define EXPECT(want, stored, rows) assert_string_equal(plan(stored, rows), want)

static void test_new_sites(void **state)
{
    (void)state;
    EXPECT("A 20-", NOTHING, ROWS(A(20, END)));
    EXPECT("A 100-", NOTHING, ROWS(A(NONE, END)));
    EXPECT("A 20-30 B 30-", NOTHING, ROWS(A(20, 30), B(30, END)));
    EXPECT("A 20-40", NOTHING, ROWS(A(20, 30), A(30, 40))); /* they touch and say the same */
    EXPECT("A 20-30 A 35-40", NOTHING, ROWS(A(20, 30), A(35, 40)));
}

static void test_the_same_again_changes_nothing(void **state)
{
    (void)state;
    EXPECT("unchanged", ROWS(A(20, END)), ROWS(A(20, END)));
    EXPECT("unchanged", ROWS(A(20, END)), ROWS(A(NONE, END)));
    EXPECT("unchanged", ROWS(A(20, END)), ROWS(A(50, END))); /* nothing new from then on either */
    EXPECT("unchanged", ROWS(A(20, 30), B(30, END)), ROWS(A(20, 30), B(30, END)));
    EXPECT("unchanged", ROWS(A(20, 30), B(30, END)), ROWS(B(30, END)));
    EXPECT("unchanged", ROWS(A(20, 90)), ROWS(A(NONE, 90))); /* closed meanwhile */
    EXPECT("unchanged", ROWS(A(20, 150)), ROWS(A(NONE, 150)));
}

static void test_a_change_closes_one_period_and_opens_another(void **state)
{
    (void)state;
    EXPECT("A 20-100 B 100-", ROWS(A(20, END)), ROWS(B(NONE, END)));
    EXPECT("A 20-50 B 50-", ROWS(A(20, END)), ROWS(B(50, END)));
    EXPECT("A 20-150 B 150-", ROWS(A(20, END)), ROWS(B(150, END)));
    EXPECT("B 20-", ROWS(A(20, END)), ROWS(B(20, END))); /* the file corrects the past */
    EXPECT("B 10-", ROWS(A(20, END)), ROWS(B(10, END)));
    EXPECT("A 20-30 B 40-", ROWS(A(20, 30)), ROWS(B(40, END)));
}

static void test_closing(void **state)
{
    (void)state;
    EXPECT("A 20-150", ROWS(A(20, END)), ROWS(A(20, 150)));
    EXPECT("A 20-150", ROWS(A(20, END)), ROWS(A(NONE, 150)));
    EXPECT("A 20-90", ROWS(A(20, END)), ROWS(A(NONE, 90)));
    EXPECT("A 20-100 B 100-150", ROWS(A(20, END)), ROWS(B(NONE, 150)));
    EXPECT("A 20-30 A 100-", ROWS(A(20, 30)), ROWS(A(NONE, END))); /* opened again */
    EXPECT("line 2: valid_to: passed already, and the row says more", ROWS(A(20, END)),
           ROWS(B(NONE, 90)));
    EXPECT("line 2: valid_to: passed already, and the row says more", ROWS(A(20, END)),
           ROWS(A(NONE, 15)));
}

static void test_plans_for_later(void **state)
{
    (void)state;
    EXPECT("unchanged", ROWS(A(20, 150), B(150, END)), ROWS(A(NONE, END)));
    EXPECT("unchanged", ROWS(A(20, 150)), ROWS(A(NONE, END)));
    EXPECT("A 20-100 C 100-150 B 150-", ROWS(A(20, 150), B(150, END)),
           ((const struct row[]){{"C", NONE, END}, {0}}));
    EXPECT("A 20-100 B 100-", ROWS(A(20, 150), B(150, END)), ROWS(B(NONE, END)));
    EXPECT("A 100-150 B 150-", ROWS(B(150, END)), ROWS(A(NONE, END)));
    EXPECT("A 20-", ROWS(A(20, 150), B(150, END)), ROWS(A(20, END))); /* dates given: replaced */
}

static void test_several_sites(void **state)
{
    struct site_period stored[3];
    struct site_period rows[3];
    struct site_plan made;
    struct site_file file = {.periods = rows, .count = 3};
    (void)state;
    fill(stored, "a", ROWS(A(1, END)));
    fill(stored + 1, "b", ROWS(A(1, END)));
    fill(stored + 2, "d", ROWS(A(1, END)));
    fill(rows, "b", ROWS(B(50, END)));
    fill(rows + 1, "c", ROWS(A(1, END)));
    fill(rows + 2, "d", ROWS(A(1, END)));
    arena_reset(arena);
    assert_int_equal(site_plan_make(stored, 3, &file, NOW, arena, &made, &err), RC_OK);
    assert_int_equal(made.changed_count, 2);
    assert_int_equal(made.new_count, 1);
    assert_int_equal(made.unchanged_count, 1); /* d; a is not the file's business */
    assert_string_equal(describe(made.periods, made.count), "A 1-50 B 50- A 1-");
    assert_true(slice_is_equal(made.changed[1], slice_str("c")));
}

static void test_mergers_name_a_site_that_is_known(void **state)
{
    struct site_period stored[1];
    struct site_period rows[2];
    struct site_plan made;
    struct site_file file = {.periods = rows, .count = 2};
    (void)state;
    fill(stored, "old", ROWS(A(1, END)));
    fill(rows, "a", ROWS(A(1, 50)));
    fill(rows + 1, "b", ROWS(A(1, END)));
    arena_reset(arena);
    rows[0].texts[SITE_TEXT_MERGED_INTO] = slice_str("b");
    assert_int_equal(site_plan_make(stored, 1, &file, NOW, arena, &made, &err), RC_OK);
    rows[0].texts[SITE_TEXT_MERGED_INTO] = slice_str("old");
    assert_int_equal(site_plan_make(stored, 1, &file, NOW, arena, &made, &err), RC_OK);
    rows[0].texts[SITE_TEXT_MERGED_INTO] = slice_str("zz");
    assert_int_equal(site_plan_make(stored, 1, &file, NOW, arena, &made, &err), RC_REJECT);
    assert_string_equal(err.text, "line 2: merged_into: no such site");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_sites),
        cmocka_unit_test(test_the_same_again_changes_nothing),
        cmocka_unit_test(test_a_change_closes_one_period_and_opens_another),
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_plans_for_later),
        cmocka_unit_test(test_several_sites),
        cmocka_unit_test(test_mergers_name_a_site_that_is_known),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
