/* What becomes of alerts when findings change. Records are one byte each, findings and alerts one
   letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/aggregator/correlator/plan.h"

enum { MAX = 8 };

struct scene {
    struct plan plan;
    struct plan_finding findings[MAX];
    struct plan_alert alerts[MAX];
    struct uuid records[2 * MAX][MAX];
    size_t lists;
};

static struct uuid id(char letter)
{
    return (struct uuid){{(uint8_t)letter}};
}

static const struct uuid *records(struct scene *scene, const char *text)
{
    struct uuid *list = scene->records[scene->lists++];
    for (size_t i = 0; text[i] != '\0'; i++)
        list[i] = id(text[i]);
    return list;
}

static void find(struct scene *scene, char name, const char *text)
{
    scene->findings[scene->plan.findings_count++] =
        (struct plan_finding){.id = id(name),
                              .rule = "repetition",
                              .records = records(scene, text),
                              .records_count = strlen(text)};
}

static void know(struct scene *scene, char name, char finding, enum plan_state state,
                 const char *text)
{
    size_t n = scene->plan.alerts_count++;
    scene->alerts[n] = (struct plan_alert){.id = id(name),
                                           .rule = slice_str("repetition"),
                                           .state = state,
                                           .opened_at_us = (int64_t)n,
                                           .records = records(scene, text),
                                           .records_count = strlen(text)};
    if (finding != 0)
        scene->alerts[n].finding = id(finding);
}

static void make(struct scene *scene)
{
    struct arena *arena = arena_new(1 << 20);
    scene->plan.findings = scene->findings;
    scene->plan.alerts = scene->alerts;
    scene->plan.alerts_max = MAX;
    assert_int_equal(plan_make(&scene->plan, arena, NULL), RC_OK);
    arena_free(arena);
}

static const struct plan_alert *alert(const struct scene *scene, size_t n)
{
    assert_true(n < scene->plan.alerts_count);
    return &scene->alerts[n];
}

static void test_opens_and_stays(void **state)
{
    struct scene scene = {0};
    (void)state;
    know(&scene, 'A', 'A', PLAN_STATE_OPEN, "12");
    find(&scene, 'A', "12");
    find(&scene, 'B', "34");
    make(&scene);
    assert_int_equal(alert(&scene, 0)->change, PLAN_CHANGE_NONE);
    assert_int_equal(alert(&scene, 1)->change, PLAN_CHANGE_OPENED);
    assert_int_equal(alert(&scene, 1)->id.bytes[0], 'B');
}

static void test_follows_a_finding_whose_id_changed(void **state)
{
    struct scene scene = {0};
    (void)state;
    know(&scene, 'B', 'B', PLAN_STATE_OPEN, "23");
    find(&scene, 'A', "123");
    make(&scene);
    assert_int_equal(scene.plan.alerts_count, 1);
    assert_int_equal(alert(&scene, 0)->change, PLAN_CHANGE_EXTENDED);
    assert_true(alert(&scene, 0)->is_moved);
}

static void test_the_older_survives_a_merger(void **state)
{
    struct scene scene = {0};
    (void)state;
    know(&scene, 'D', 'D', PLAN_STATE_OPEN, "45"); /* the older, its finding is gone */
    know(&scene, 'A', 'A', PLAN_STATE_OPEN, "12");
    find(&scene, 'A', "12345");
    make(&scene);
    assert_int_equal(alert(&scene, 0)->change, PLAN_CHANGE_EXTENDED);
    assert_int_equal(alert(&scene, 0)->id.bytes[0], 'D');
    assert_int_equal(alert(&scene, 1)->change, PLAN_CHANGE_MERGED);
    assert_int_equal(alert(&scene, 1)->merged_into, 0);
}

static void test_withdrawn_and_reopened(void **state)
{
    struct scene gone = {0}, back = {0};
    (void)state;
    know(&gone, 'A', 'A', PLAN_STATE_OPEN, "12");
    make(&gone);
    assert_int_equal(alert(&gone, 0)->change, PLAN_CHANGE_WITHDRAWN);
    know(&back, 'A', 0, PLAN_STATE_WITHDRAWN, "12");
    find(&back, 'C', "23"); /* another first mention since */
    make(&back);
    assert_int_equal(back.plan.alerts_count, 1);
    assert_int_equal(alert(&back, 0)->change, PLAN_CHANGE_REOPENED);
}

static void test_an_id_in_use_is_not_given_again(void **state)
{
    struct scene scene = {0};
    (void)state;
    know(&scene, 'A', 'B', PLAN_STATE_OPEN, "34"); /* moved on from its first finding */
    find(&scene, 'A', "12");
    find(&scene, 'B', "34");
    make(&scene);
    assert_int_equal(alert(&scene, 0)->change, PLAN_CHANGE_NONE);
    assert_int_equal(alert(&scene, 1)->change, PLAN_CHANGE_OPENED);
    assert_int_not_equal(alert(&scene, 1)->id.bytes[0], 'A');
}

static void test_another_matter_is_another_alert(void **state)
{
    struct scene scene = {0};
    (void)state;
    know(&scene, 'A', 'A', PLAN_STATE_OPEN, "12");
    scene.alerts[0].matter = slice_str("m");
    find(&scene, 'B', "12");
    make(&scene);
    assert_int_equal(alert(&scene, 0)->change, PLAN_CHANGE_WITHDRAWN);
    assert_int_equal(alert(&scene, 1)->change, PLAN_CHANGE_OPENED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_and_stays),
        cmocka_unit_test(test_follows_a_finding_whose_id_changed),
        cmocka_unit_test(test_the_older_survives_a_merger),
        cmocka_unit_test(test_withdrawn_and_reopened),
        cmocka_unit_test(test_an_id_in_use_is_not_given_again),
        cmocka_unit_test(test_another_matter_is_another_alert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
