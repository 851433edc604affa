/* R3: the n-th change of the disk fails, once or until the service tries again, with an I/O error
   or for want of room; the n-th allocation fails, ours or SQLite's. For every n: no crash, no leak
   (the sanitizers look), nothing promised lost, nothing refused delivered, and the spool recovers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include <sqlite3.h>

#include "services/common/base/mem.h"
#include "tests/component/spool/scenario.h"

static struct world world;

/* --- SQLite's allocations --- */

static sqlite3_mem_methods real_memory;
static long sqlite_fail_at; /* 0: never */
static long sqlite_allocations;

static int is_failing(void)
{
    return ++sqlite_allocations == sqlite_fail_at;
}

static void *failing_malloc(int size)
{
    return is_failing() ? NULL : real_memory.xMalloc(size);
}

static void *failing_realloc(void *old, int size)
{
    return is_failing() ? NULL : real_memory.xRealloc(old, size);
}

static void take_over_memory(void)
{
    static sqlite3_mem_methods failing;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    failing = real_memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK)
        abort();
}

/* --- the disk --- */

static void fail_everywhere(enum crash_how how)
{
    const struct crash_plan none = {.how = CRASH_NEVER};
    long count = scenario_crash(&world, &none, LOSS_NONE, 0);
    for (long at = 1; at <= count; at++) {
        const struct crash_plan plan = {.how = how, .at = at};
        scenario_crash(&world, &plan, LOSS_UNSYNCED, (uint32_t)at);
        assert_true(crash_disk_has_struck());
    }
    print_message("%ld failures\n", count);
}

static void io_error_once(void **state)
{
    (void)state;
    fail_everywhere(FAIL_EIO);
}

static void io_error_until_healed(void **state)
{
    (void)state;
    fail_everywhere(FAIL_ON_EIO);
}

static void no_room_once(void **state)
{
    (void)state;
    fail_everywhere(FAIL_NOSPC);
}

static void no_room_until_healed(void **state)
{
    (void)state;
    fail_everywhere(FAIL_ON_NOSPC);
}

/* Full for long: what is delivered meanwhile frees room, although nothing new can be written. */
static void a_full_disk_drains(void **state)
{
    (void)state;
    const struct crash_plan none = {.how = CRASH_NEVER};
    world_reset(&world);
    snprintf(world.label, sizeof(world.label), "full disk");
    crash_disk_start(world.folder, &none);
    world.config.vfs = CRASH_DISK_VFS;
    assert_int_equal(world_open(&world, NULL), RC_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(world_append(&world, 40), RC_OK);
    crash_disk_fail_from_now(FAIL_ON_NOSPC);
    struct spool_stats stats;
    for (int i = 0; i < 5; i++)
        assert_int_equal(world_append(&world, 40), RC_FULL);
    spool_stats(world.spool, &stats);
    assert_true(stats.is_refusing);
    assert_int_equal(stats.segments_failed, 0);
    assert_int_equal(world_read(&world, 0), 160);
    int64_t bytes = stats.bytes;
    world_deliver(&world, 160);
    world.now_us += 11 * CLOCK_US_PER_HOUR;
    assert_int_equal(world_append(&world, 40), RC_FULL);
    (void)world_tick(&world);
    spool_stats(world.spool, &stats);
    assert_true(stats.bytes < bytes / 2);
    crash_disk_heal();
    assert_int_equal(world_append(&world, 40), RC_OK);
    spool_stats(world.spool, &stats);
    assert_false(stats.is_refusing);
    world_close(&world);
    crash_disk_stop(LOSS_UNSYNCED, 1);
    world_verify(&world);
}

/* The segment that failed is drained while a newer one is written. */
static void a_failed_segment_drains(void **state)
{
    (void)state;
    const struct crash_plan none = {.how = CRASH_NEVER};
    struct spool_stats stats;
    world_reset(&world);
    snprintf(world.label, sizeof(world.label), "failed segment");
    crash_disk_start(world.folder, &none);
    world.config.vfs = CRASH_DISK_VFS;
    assert_int_equal(world_open(&world, NULL), RC_OK);
    assert_int_equal(world_append(&world, 10), RC_OK);
    crash_disk_fail_next_sync();
    assert_int_equal(world_append(&world, 10), RC_RETRY);
    assert_int_equal(world_read(&world, 0), 10);
    assert_int_equal(world_append(&world, 10), RC_OK);
    spool_stats(world.spool, &stats);
    assert_int_equal(stats.segments_failed, 1);
    assert_int_equal(stats.sequence_last, 20);
    assert_int_equal(world_read(&world, 0), 20);
    world_deliver(&world, 10);
    spool_stats(world.spool, &stats);
    assert_int_equal(stats.segments_failed, 0);
    world_close(&world);
    crash_disk_stop(LOSS_NONE, 1);
    world_verify(&world);
}

/* --- memory --- */

static int (*is_pending)(void);
static void (*arm)(long);

static void arm_sqlite(long n)
{
    sqlite_allocations = 0;
    sqlite_fail_at = n;
}

static int is_sqlite_pending(void)
{
    return sqlite_fail_at > sqlite_allocations;
}

/* A short life; whatever fails is tried once more, when the n-th allocation is behind. */
static void live(void)
{
    if (world_open(&world, NULL) != RC_OK)
        assert_int_equal(world_open(&world, NULL), RC_OK);
    for (int i = 0; i < 4; i++)
        if (world_append(&world, 8) != RC_OK)
            assert_int_equal(world_append(&world, 8), RC_OK);
    struct spool_item item;
    size_t count = 0;
    if (spool_read(world.spool, 0, &item, 1, &count, NULL) != RC_OK)
        assert_int_equal(spool_read(world.spool, 0, &item, 1, &count, NULL), RC_OK);
    assert_int_equal(count, 1);
    world_deliver(&world, 20);
    if (world_tick(&world) != RC_OK)
        assert_int_equal(world_tick(&world), RC_OK);
    world_close(&world);
    /* Now on what is there. */
    if (world_open(&world, NULL) != RC_OK)
        assert_int_equal(world_open(&world, NULL), RC_OK);
    if (world_append(&world, 8) != RC_OK)
        assert_int_equal(world_append(&world, 8), RC_OK);
    world_close(&world);
}

static void out_of_memory_everywhere(void)
{
    long n = 0;
    world.config.segment_bytes_max = 16 * 1024; /* so that the short life rolls */
    do {
        n++;
        world_reset(&world);
        snprintf(world.label, sizeof(world.label), "allocation %ld", n);
        arm(n);
        live();
        int was_pending = is_pending();
        arm(0);
        world_verify(&world);
        if (was_pending)
            break;
    } while (n < 100000);
    print_message("%ld allocations\n", n - 1);
    assert_true(n > 5);
}

static void out_of_memory(void **state)
{
    (void)state;
    arm = mem_fail_nth;
    is_pending = mem_fail_pending;
    out_of_memory_everywhere();
}

static void sqlite_out_of_memory(void **state)
{
    (void)state;
    arm = arm_sqlite;
    is_pending = is_sqlite_pending;
    out_of_memory_everywhere();
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

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    take_over_memory();
    const struct CMUnitTest tests[] = {
        test(io_error_once),        test(io_error_until_healed), test(no_room_once),
        test(no_room_until_healed), test(a_full_disk_drains),    test(a_failed_segment_drains),
        test(out_of_memory),        test(sqlite_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
