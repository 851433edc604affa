#include "tests/support/unit.h"

#include <stdio.h>

#include "services/common/base/clock.h"
#include "services/monitor/throttle.h"

enum { FREE = 3 };
#define NOW_US (1000 * CLOCK_US_PER_HOUR)
#define SECONDS(n) ((n)*CLOCK_US_PER_S)

static struct throttle *throttle;

static int setup(void **state)
{
    (void)state;
    throttle = throttle_new();
    return throttle == NULL;
}

static int teardown(void **state)
{
    (void)state;
    throttle_free(throttle);
    return 0;
}

static int wait_s(const char *who, int64_t now_us)
{
    return throttle_wait_s(throttle, slice_str(who), FREE, now_us);
}

static void fail_times(const char *who, int times, int64_t now_us)
{
    for (int i = 0; i < times; i++)
        throttle_fail(throttle, slice_str(who), now_us);
}

static void some_failures_are_free(void **state)
{
    (void)state;
    assert_int_equal(0, wait_s("a", NOW_US));
    fail_times("a", FREE, NOW_US);
    assert_int_equal(0, wait_s("a", NOW_US));
}

static void waits_double_up_to_the_most(void **state)
{
    static const int WANTED_S[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900};
    (void)state;
    fail_times("a", FREE, NOW_US);
    for (size_t i = 0; i < sizeof(WANTED_S) / sizeof(WANTED_S[0]); i++) {
        fail_times("a", 1, NOW_US);
        assert_int_equal(WANTED_S[i], wait_s("a", NOW_US));
    }
    fail_times("a", 100, NOW_US); /* more doublings than a number has bits */
    assert_int_equal(THROTTLE_WAIT_MAX_S, wait_s("a", NOW_US));
}

static void waits_run_down_and_are_rounded_up(void **state)
{
    (void)state;
    fail_times("a", FREE + 3, NOW_US);
    assert_int_equal(4, wait_s("a", NOW_US));
    assert_int_equal(4, wait_s("a", NOW_US + 1));
    assert_int_equal(3, wait_s("a", NOW_US + SECONDS(1)));
    assert_int_equal(1, wait_s("a", NOW_US + SECONDS(4) - 1));
    assert_int_equal(0, wait_s("a", NOW_US + SECONDS(4)));
}

static void asking_does_not_count(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(0, wait_s("a", NOW_US));
    fail_times("a", FREE + 1, NOW_US);
    assert_int_equal(1, wait_s("a", NOW_US));
}

static void each_is_counted_apart_and_forgotten_apart(void **state)
{
    (void)state;
    fail_times("a", FREE + 1, NOW_US);
    fail_times("b", FREE + 2, NOW_US);
    assert_int_equal(0, wait_s("c", NOW_US));
    throttle_forget(throttle, slice_str("a"));
    throttle_forget(throttle, slice_str("c"));
    assert_int_equal(0, wait_s("a", NOW_US));
    assert_int_equal(2, wait_s("b", NOW_US));
    fail_times("a", FREE, NOW_US);
    assert_int_equal(0, wait_s("a", NOW_US)); /* from nothing again */
}

static void an_hour_without_failures_forgets(void **state)
{
    (void)state;
    fail_times("a", FREE + 8, NOW_US);
    assert_int_equal(128, wait_s("a", NOW_US));
    fail_times("a", 1, NOW_US + CLOCK_US_PER_HOUR); /* within it: one more doubling */
    assert_int_equal(256, wait_s("a", NOW_US + CLOCK_US_PER_HOUR));
    fail_times("a", 1, NOW_US + 2 * CLOCK_US_PER_HOUR + 1);
    assert_int_equal(0, wait_s("a", NOW_US + 2 * CLOCK_US_PER_HOUR + 1));
}

/* A crowd of names fills the table; whoever fails on stays in it. */
static void a_crowd_pushes_out_who_failed_longest_ago(void **state)
{
    enum { CROWD = 100 * 1000, ROUND = 100 };
    char name[32];
    int64_t now_us = NOW_US;
    (void)state;
    fail_times("old", FREE + 1, now_us);
    fail_times("busy", FREE + 1, now_us);
    for (int i = 0; i < CROWD; i++) {
        now_us++;
        snprintf(name, sizeof(name), "crowd %d", i);
        fail_times(name, 1, now_us);
        if (i % ROUND == 0)
            fail_times("busy", 1, now_us);
    }
    assert_int_equal(0, wait_s("old", now_us));
    assert_int_equal(THROTTLE_WAIT_MAX_S, wait_s("busy", now_us));
}

static void two_places_are_given(void **state)
{
    (void)state;
    assert_true(throttle_take_place(throttle));
    assert_true(throttle_take_place(throttle));
    assert_false(throttle_take_place(throttle));
    throttle_give_place(throttle);
    assert_true(throttle_take_place(throttle));
    assert_false(throttle_take_place(throttle));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(some_failures_are_free),
        TEST(waits_double_up_to_the_most),
        TEST(waits_run_down_and_are_rounded_up),
        TEST(asking_does_not_count),
        TEST(each_is_counted_apart_and_forgotten_apart),
        TEST(an_hour_without_failures_forgets),
        TEST(a_crowd_pushes_out_who_failed_longest_ago),
        TEST(two_places_are_given),
    };
    return UNIT_MAIN(tests);
}
