/* What spool.h promises, on the real disk, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/base/limits.h"
#include "tests/component/spool/world.h"

static struct world world;

static void open_ok(void)
{
    struct err err = {.text = ""};
    if (world_open(&world, &err) != RC_OK)
        fail_msg("%s", err.text);
}

static struct spool_stats stats_now(void)
{
    struct spool_stats stats;
    spool_stats(world.spool, &stats);
    return stats;
}

static void path_of(const char *name, char path[400])
{
    snprintf(path, 400, "%s/%s", world.folder, name);
}

/* Files of the folder whose name ends so. */
static int count_files(const char *end)
{
    int count = 0;
    DIR *stream = opendir(world.folder);
    struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        size_t size = strlen(entry->d_name);
        count += size >= strlen(end) && strcmp(entry->d_name + size - strlen(end), end) == 0;
    }
    closedir(stream);
    return count;
}

static void fresh_spool_has_an_epoch_and_nothing_else(void **state)
{
    (void)state;
    open_ok();
    struct spool_stats stats = stats_now();
    assert_int_equal(stats.epoch, world.now_us);
    assert_int_equal(stats.sequence_last, 0);
    assert_int_equal(stats.undelivered, 0);
    assert_int_equal(stats.oldest_undelivered_at_us, 0);
    assert_int_equal(world_read(&world, 0), 0);
    struct stat st;
    assert_int_equal(stat(world.folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void appended_values_are_readable_at_once_and_later(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 5), RC_OK);
    assert_int_equal(world_read(&world, 0), 5);
    assert_int_equal(world_read(&world, 3), 2);
    assert_int_equal(stats_now().oldest_undelivered_at_us, world.now_us);
    world_close(&world);
    world.now_us += CLOCK_US_PER_DAY;
    open_ok();
    assert_int_equal(world_read(&world, 0), 5);
    assert_int_equal(world_append(&world, 1), RC_OK);
    assert_int_equal(world_read(&world, 0), 6);
}

static void empty_value_and_empty_batch(void **state)
{
    (void)state;
    open_ok();
    uint64_t first = 0;
    struct err err;
    struct spool_item item;
    size_t count;
    assert_int_equal(spool_append(world.spool, NULL, 0, &first, &err), RC_OK);
    assert_int_equal(stats_now().sequence_last, 0);
    struct slice value = slice_of(NULL, 0);
    assert_int_equal(spool_append(world.spool, &value, 1, &first, &err), RC_OK);
    assert_int_equal(first, 1);
    assert_int_equal(spool_read(world.spool, 0, &item, 1, &count, &err), RC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(item.value.size, 0);
    assert_int_equal(stats_now().corrupt_items, 0);
}

static void too_large_a_value_is_rejected_with_its_place(void **state)
{
    (void)state;
    open_ok();
    static uint8_t big[LIMIT_VALUE_BYTES + 1];
    struct slice values[2] = {slice_str("fine"), slice_of(big, sizeof(big))};
    uint64_t first = 0;
    struct err err;
    assert_int_equal(spool_append(world.spool, values, 2, &first, &err), RC_REJECT);
    assert_non_null(strstr(err.text, "value 2"));
    values[1].size--;
    assert_int_equal(spool_append(world.spool, values, 2, &first, &err), RC_OK);
    assert_int_equal(first, 1);
}

static void rolls_by_size_and_reads_across(void **state)
{
    (void)state;
    world.config.bytes_max = 1024 * 1024;
    open_ok();
    for (int i = 0; i < 8; i++)
        assert_int_equal(world_append(&world, 40), RC_OK);
    assert_true(stats_now().segments >= 3);
    assert_int_equal(world_read(&world, 0), 320);
    assert_int_equal(world_read(&world, 155), 165);
}

static void rolls_by_age_but_not_when_empty(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 1), RC_OK);
    world.now_us += 2 * CLOCK_US_PER_HOUR;
    assert_int_equal(world_tick(&world), RC_OK);
    assert_int_equal(stats_now().segments, 1);
    assert_int_equal(count_files("-wal"), 0);
    world.now_us += 2 * CLOCK_US_PER_HOUR;
    assert_int_equal(world_tick(&world), RC_OK);
    assert_int_equal(count_files(".seg"), 1);
    assert_int_equal(world_append(&world, 1), RC_OK);
    assert_int_equal(stats_now().segments, 2);
    assert_int_equal(world_read(&world, 0), 2);
}

static void delivered_segments_stay_for_the_replay_window(void **state)
{
    (void)state;
    world.config.replay_bytes_max = 1024 * 1024;
    open_ok();
    for (int i = 0; i < 4; i++)
        assert_int_equal(world_append(&world, 40), RC_OK);
    uint64_t before = stats_now().segments;
    assert_true(before >= 2);
    world_deliver(&world, 160);
    assert_int_equal(world_tick(&world), RC_OK);
    assert_int_equal(stats_now().segments, before);
    assert_int_equal(world_read(&world, 0), 160);
    world.now_us += 11 * CLOCK_US_PER_HOUR;
    assert_int_equal(world_tick(&world), RC_OK);
    assert_int_equal(stats_now().segments, 0);
    assert_int_equal(count_files(".seg"), 0);
    assert_int_equal(count_files("-wal"), 0);
    assert_int_equal(stats_now().bytes, 0);
    assert_int_equal(world_append(&world, 1), RC_OK);
    assert_int_equal(stats_now().sequence_last, 161);
}

static void replay_window_lasts_over_a_restart(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 4), RC_OK);
    world_deliver(&world, 4);
    world.now_us += 6 * CLOCK_US_PER_HOUR;
    world_close(&world);
    world.now_us += 3 * CLOCK_US_PER_HOUR;
    open_ok();
    assert_int_equal(stats_now().sequence_delivered, 4);
    assert_int_equal(world_tick(&world), RC_OK);
    assert_int_equal(world_read(&world, 0), 4);
    world.now_us += 2 * CLOCK_US_PER_HOUR;
    assert_int_equal(world_tick(&world), RC_OK);
    assert_int_equal(stats_now().segments, 0);
    world_close(&world);
    open_ok();
    assert_int_equal(stats_now().sequence_last, 4);
}

static void replay_window_is_bounded_in_size(void **state)
{
    (void)state;
    world.config.bytes_max = 1024 * 1024;
    open_ok();
    for (int i = 0; i < 20; i++)
        assert_int_equal(world_append(&world, 40), RC_OK);
    world_deliver(&world, 800);
    assert_int_equal(world_tick(&world), RC_OK);
    assert_true(stats_now().bytes <= world.config.replay_bytes_max + 2 * 48 * 1024);
    assert_true(stats_now().segments > 1);
}

static void undelivered_values_are_never_freed(void **state)
{
    (void)state;
    open_ok();
    for (int i = 0; i < 4; i++)
        assert_int_equal(world_append(&world, 40), RC_OK);
    world_deliver(&world, 1);
    world.now_us += 100 * CLOCK_US_PER_DAY;
    assert_int_equal(world_tick(&world), RC_OK);
    assert_int_equal(world_read(&world, 0), 160);
}

static void refuses_at_its_limit_and_recovers_by_itself(void **state)
{
    (void)state;
    open_ok();
    int appended = 0;
    while (world_append(&world, 40) == RC_OK)
        appended += 40;
    assert_true(appended > 100);
    assert_true(stats_now().is_refusing);
    assert_true(stats_now().bytes <= world.config.bytes_max + 16 * 1024);
    assert_int_equal(world_append(&world, 40), RC_FULL);
    assert_int_equal(world_read(&world, 0), appended);
    /* Delivered, but still wanted for replay: new values come first. */
    world_deliver(&world, (uint64_t)appended);
    assert_int_equal(world_append(&world, 40), RC_OK);
    assert_false(stats_now().is_refusing);
    assert_int_equal(world_read(&world, (uint64_t)appended), 40);
}

static void tick_ends_the_refusal_when_there_is_room(void **state)
{
    (void)state;
    open_ok();
    while (world_append(&world, 40) == RC_OK)
        continue;
    world_deliver(&world, stats_now().sequence_last);
    assert_true(stats_now().is_refusing);
    assert_int_equal(world_tick(&world), RC_OK);
    assert_false(stats_now().is_refusing);
}

static void clock_does_not_step_back(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 1), RC_OK);
    assert_false(stats_now().is_clock_suspect);
    int64_t then_us = world.now_us;
    world_close(&world);
    world.now_us = 0;
    open_ok();
    assert_true(stats_now().is_clock_suspect);
    assert_int_equal(world_append(&world, 1), RC_OK);
    struct spool_item item;
    struct err err;
    size_t count;
    assert_int_equal(spool_read(world.spool, 1, &item, 1, &count, &err), RC_OK);
    assert_int_equal(item.accepted_at_us, then_us);
    world.now_us = then_us + 1;
    assert_int_equal(world_tick(&world), RC_OK);
    assert_false(stats_now().is_clock_suspect);
}

static void delivered_is_remembered_with_the_next_commit(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 9), RC_OK);
    world_deliver(&world, 5);
    assert_int_equal(world_append(&world, 1), RC_OK);
    /* A copy of the folder is what a kill -9 now would leave. */
    char command[1024];
    snprintf(command, sizeof(command), "%s.copy", world.folder);
    assert_int_equal(mkdir(command, 0700), 0);
    DIR *stream = opendir(world.folder);
    struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        char from[600], to[1400];
        static char bytes[1024 * 1024];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(from, sizeof(from), "%s/%s", world.folder, entry->d_name);
        snprintf(to, sizeof(to), "%s.copy/%s", world.folder, entry->d_name);
        int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0600);
        ssize_t size = read(in, bytes, sizeof(bytes));
        assert_int_equal(write(out, bytes, (size_t)size), size);
        close(in);
        close(out);
    }
    closedir(stream);
    struct spool_config config = world.config;
    config.dir = command;
    struct spool *copy;
    struct spool_stats stats;
    assert_int_equal(spool_open(&config, &copy, NULL), RC_OK);
    spool_stats(copy, &stats);
    assert_int_equal(stats.sequence_delivered, 5);
    assert_int_equal(stats.sequence_last, 10);
    spool_close(copy);
    char remove[1100];
    stream = opendir(command);
    while ((entry = readdir(stream)) != NULL) {
        snprintf(remove, sizeof(remove), "%s/%.64s", command, entry->d_name);
        unlink(remove);
    }
    closedir(stream);
    rmdir(command);
}

static void delivered_beyond_the_end_is_rejected(void **state)
{
    (void)state;
    open_ok();
    struct err err;
    assert_int_equal(world_append(&world, 2), RC_OK);
    assert_int_equal(spool_delivered(world.spool, 3, &err), RC_REJECT);
    assert_int_equal(spool_delivered(world.spool, 2, &err), RC_OK);
    assert_int_equal(spool_delivered(world.spool, 1, &err), RC_OK);
    assert_int_equal(stats_now().sequence_delivered, 2);
    assert_int_equal(stats_now().undelivered, 0);
}

static void folder_has_one_owner(void **state)
{
    (void)state;
    open_ok();
    struct spool *second = NULL;
    struct err err;
    assert_int_equal(spool_open(&world.config, &second, &err), RC_REJECT);
    assert_non_null(strstr(err.text, "another process"));
    assert_null(second);
    assert_int_equal(world_append(&world, 1), RC_OK);
}

static void folder_of_something_else_is_rejected(void **state)
{
    (void)state;
    struct spool *spool;
    struct err err;
    char path[400];
    assert_int_equal(mkdir(world.folder, 0700), 0);
    path_of("thesis.tex", path);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(spool_open(&world.config, &spool, &err), RC_REJECT);
    assert_int_equal(count_files("mark"), 0);
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
    const struct CMUnitTest tests[] = {
        test(fresh_spool_has_an_epoch_and_nothing_else),
        test(appended_values_are_readable_at_once_and_later),
        test(empty_value_and_empty_batch),
        test(too_large_a_value_is_rejected_with_its_place),
        test(rolls_by_size_and_reads_across),
        test(rolls_by_age_but_not_when_empty),
        test(delivered_segments_stay_for_the_replay_window),
        test(replay_window_lasts_over_a_restart),
        test(replay_window_is_bounded_in_size),
        test(undelivered_values_are_never_freed),
        test(refuses_at_its_limit_and_recovers_by_itself),
        test(tick_ends_the_refusal_when_there_is_room),
        test(clock_does_not_step_back),
        test(delivered_is_remembered_with_the_next_commit),
        test(delivered_beyond_the_end_is_rejected),
        test(folder_has_one_owner),
        test(folder_of_something_else_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
