/* Which messages a lane takes, and from where it reads again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/aggregator/places.h"

static struct places places;

/* Partitions 3 and 5, claimed at offset 10. */
static int set_up(void **state)
{
    static const int32_t PARTITIONS[] = {3, 5};
    (void)state;
    memset(&places, 0, sizeof(places));
    places_set(&places, PARTITIONS, 2);
    for (int i = 0; i < 2; i++) {
        struct place *due = places_due(&places, 0);
        const struct stream stream = {.partition = due->stream.partition, .next_offset = 10};
        places_claimed(&places, due, &stream);
    }
    places.is_stale = 0;
    return 0;
}

static void all_are_due_once(void **state)
{
    (void)state;
    assert_null(places_due(&places, INT64_MAX));
    assert_int_equal(places_reading(&places), 2);
    assert_null(places_find(&places, 4));
}

static void messages_in_order_are_taken(void **state)
{
    (void)state;
    for (int64_t offset = 10; offset < 13; offset++)
        assert_int_equal(places_judge(&places, 3, offset), PLACE_ORDER_TAKE);
    assert_int_equal(places_judge(&places, 5, 10), PLACE_ORDER_TAKE);
    assert_int_equal(places_find(&places, 3)->next_read, 13);
    assert_int_equal(places_find(&places, 5)->next_read, 11);
}

static void what_was_read_or_is_not_ours_is_ignored(void **state)
{
    (void)state;
    assert_int_equal(places_judge(&places, 3, 10), PLACE_ORDER_TAKE);
    assert_int_equal(places_judge(&places, 3, 10), PLACE_ORDER_IGNORE);
    assert_int_equal(places_judge(&places, 3, 2), PLACE_ORDER_IGNORE);
    assert_int_equal(places_judge(&places, 4, 10), PLACE_ORDER_IGNORE);
    places_release(&places, places_find(&places, 5), 0);
    assert_int_equal(places_judge(&places, 5, 10), PLACE_ORDER_IGNORE);
}

static void a_gap_is_read_again_and_passed_when_it_stays(void **state)
{
    (void)state;
    assert_int_equal(places_judge(&places, 3, 12), PLACE_ORDER_GAP);
    assert_true(places.is_stale);
    assert_int_equal(places_find(&places, 3)->next_read, 10);
    assert_int_equal(places_judge(&places, 3, 12), PLACE_ORDER_SKIP);
    assert_int_equal(places_find(&places, 3)->next_read, 13);
    assert_int_equal(places_judge(&places, 3, 20), PLACE_ORDER_GAP); /* another one is new */
}

static void a_gap_that_was_an_error_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(places_judge(&places, 3, 12), PLACE_ORDER_GAP);
    assert_int_equal(places_judge(&places, 3, 10), PLACE_ORDER_TAKE);
    assert_int_equal(places_judge(&places, 3, 12), PLACE_ORDER_GAP);
}

static void released_places_wait_for_their_time(void **state)
{
    (void)state;
    places_find(&places, 3)->is_stopped = 1;
    places_release(&places, places_find(&places, 3), 500);
    assert_true(places.is_stale);
    assert_int_equal(places_reading(&places), 1);
    assert_int_equal(places_stopped(&places), 1);
    assert_null(places_due(&places, 499));
    assert_ptr_equal(places_due(&places, 500), places_find(&places, 3));
    places_release_all(&places, 900);
    assert_int_equal(places_reading(&places), 0);
    assert_ptr_equal(places_due(&places, 500), places_find(&places, 3)); /* keeps its own time */
    assert_int_equal(places_stopped(&places), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_are_due_once, set_up),
        cmocka_unit_test_setup(messages_in_order_are_taken, set_up),
        cmocka_unit_test_setup(what_was_read_or_is_not_ours_is_ignored, set_up),
        cmocka_unit_test_setup(a_gap_is_read_again_and_passed_when_it_stays, set_up),
        cmocka_unit_test_setup(a_gap_that_was_an_error_is_forgotten, set_up),
        cmocka_unit_test_setup(released_places_wait_for_their_time, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
