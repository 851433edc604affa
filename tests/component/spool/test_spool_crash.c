/* R2: for every change the spool and SQLite make to the disk, in a whole life of a spool: die
   before it, after it, in the midst of it; with and without a power cut that drops what was not
   synced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include "tests/component/spool/scenario.h"

static struct world world;

static long count_changes(void)
{
    const struct crash_plan plan = {.how = CRASH_NEVER};
    return scenario_crash(&world, &plan, LOSS_NONE, 0);
}

/* The scenario is worth nothing if it does not reach what it is meant to break. */
static void scenario_touches_everything(void **state)
{
    (void)state;
    static const char *const kinds[] = {"write",  "sync",  "create",   "unlink",
                                        "rename", "mkdir", "overwrite"};
    long count = count_changes(), sum = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        print_message("%s: %ld\n", kinds[i], crash_disk_kinds(kinds[i]));
        assert_true(crash_disk_kinds(kinds[i]) > 0);
        sum += crash_disk_kinds(kinds[i]);
    }
    sum += crash_disk_kinds("truncate");
    assert_int_equal(sum, count);
}

static void crash_everywhere(enum crash_how how, enum crash_loss loss)
{
    long count = count_changes();
    for (long at = 1; at <= count; at++) {
        const struct crash_plan plan = {.how = how, .at = at};
        scenario_crash(&world, &plan, loss, (uint32_t)at);
        assert_true(crash_disk_has_struck());
    }
    print_message("%ld crash points\n", count);
}

static void dies_before(void **state)
{
    (void)state;
    crash_everywhere(CRASH_BEFORE, LOSS_NONE);
}

static void dies_after(void **state)
{
    (void)state;
    crash_everywhere(CRASH_AFTER, LOSS_NONE);
}

static void dies_tearing(void **state)
{
    (void)state;
    crash_everywhere(CRASH_TORN, LOSS_NONE);
}

static void power_cut_before(void **state)
{
    (void)state;
    crash_everywhere(CRASH_BEFORE, LOSS_UNSYNCED);
}

static void power_cut_after(void **state)
{
    (void)state;
    crash_everywhere(CRASH_AFTER, LOSS_UNSYNCED);
}

static void power_cut_leaves_parts(void **state)
{
    (void)state;
    crash_everywhere(CRASH_TORN, LOSS_RANDOM);
    crash_everywhere(CRASH_AFTER, LOSS_RANDOM);
}

/* A failed change, answered as such, and a power cut soon after: the doubt must not come back. */
static void fails_then_dies(void **state)
{
    (void)state;
    static const enum crash_loss losses[] = {LOSS_NONE, LOSS_UNSYNCED, LOSS_RANDOM};
    long count = count_changes(), runs = 0;
    for (long at = 1; at <= count; at++) {
        for (long later = 1 + at % 5; later <= 60; later += 12 + at % 17) {
            const struct crash_plan plan = {
                .how = FAIL_EIO, .at = at, .second_how = CRASH_BEFORE, .second_at = at + later};
            scenario_crash(&world, &plan, losses[(at + later) / 2 % 3], (uint32_t)at);
            runs++;
        }
    }
    print_message("%ld runs\n", runs);
}

/* As far as the answer that the second batch failed; then towards the third. Returns the count of
   changes at that answer. */
static long fail_and_go_on(const struct crash_plan *plan)
{
    world_reset(&world);
    snprintf(world.label, sizeof(world.label), "doubt, then crash at %ld", plan->at);
    crash_disk_start(world.folder, plan);
    world.is_dead = crash_disk_is_dead;
    world.config.vfs = CRASH_DISK_VFS;
    must(&world, world_open(&world, NULL) == RC_OK);
    must(&world, world_append(&world, 10) == RC_OK);
    crash_disk_fail_next_sync();
    must(&world, world_append(&world, 10) == RC_RETRY);
    long count = crash_disk_count();
    (void)world_append(&world, 10);
    world_close(&world);
    return count;
}

/* The batch in doubt is on the disk, whole, although its fsync failed. It was refused, so it must
   not be found, whatever the steps to its successor have come to. */
static void doubt_on_disk_stays_void(void **state)
{
    (void)state;
    static const enum crash_loss losses[] = {LOSS_NONE, LOSS_UNSYNCED, LOSS_RANDOM};
    for (long later = 1, is_over = 0; !is_over; later++) {
        for (int i = 0; i < 3; i++) {
            struct crash_plan plan = {.keeps_failed_sync = 1};
            plan.at = fail_and_go_on(&plan) + later;
            plan.how = CRASH_BEFORE;
            crash_disk_stop(LOSS_NONE, 0);
            fail_and_go_on(&plan);
            is_over = !crash_disk_has_struck();
            crash_disk_stop(losses[i], (uint32_t)later);
            world_verify(&world);
        }
    }
}

static int setup(void **state)
{
    (void)state;
    world_init(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_done(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_touches_everything),
        cmocka_unit_test(dies_before),
        cmocka_unit_test(dies_after),
        cmocka_unit_test(dies_tearing),
        cmocka_unit_test(power_cut_before),
        cmocka_unit_test(power_cut_after),
        cmocka_unit_test(power_cut_leaves_parts),
        cmocka_unit_test(doubt_on_disk_stays_void),
        cmocka_unit_test(fails_then_dies),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
