/* Damage on the disk: what is lost is counted, what is sound is read, no sequence is used twice. */
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
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void overwrite(const char *name, int64_t at, const void *data, size_t size)
{
    char path[400];
    path_of(name, path);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, size, at), size);
    close(fd);
}

static void change_row(const char *name, const char *sql)
{
    char path[400];
    sqlite3 *db;
    path_of(name, path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "pragma wal_checkpoint(truncate)", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

static size_t count_readable(void)
{
    struct spool_item items[100];
    size_t count, total = 0;
    uint64_t after = 0;
    do {
        assert_int_equal(spool_read(world.spool, after, items, 100, &count, NULL), RC_OK);
        for (size_t i = 0; i < count; i++)
            after = items[i].sequence;
        total += count;
    } while (count > 0);
    return total;
}

static const char first_segment[] = "00000000000000000001.seg";

static void a_changed_value_is_skipped_and_counted_once(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 10), RC_OK);
    world_close(&world);
    change_row(first_segment,
               "update item set value = x'00' || substr(value, 2) where sequence = 4;"
               "update item set delivered = 9 where sequence = 5;"
               "update item set accepted_at = 9 where sequence = 6;"
               "delete from item where sequence = 8");
    open_ok();
    assert_int_equal(count_readable(), 6);
    assert_int_equal(stats_now().corrupt_items, 4);
    assert_int_equal(count_readable(), 6);
    assert_int_equal(stats_now().corrupt_items, 4);
    assert_int_equal(stats_now().sequence_delivered, 0);
}

static void a_broken_page_loses_its_values_only(void **state)
{
    (void)state;
    world.config.bytes_max = 10 * 1024 * 1024;
    world.config.segment_bytes_max = 5 * 1024 * 1024;
    open_ok();
    for (int i = 0; i < 10; i++)
        assert_int_equal(world_append(&world, 100), RC_OK);
    world_close(&world);
    static const uint8_t noise[4096] = {0xff, 0xfe, 0xfd};
    overwrite(first_segment, 50 * 4096, noise, sizeof(noise));
    open_ok();
    size_t found = count_readable();
    assert_true(found < 1000 && found > 970);
    assert_int_equal(stats_now().corrupt_items, 1000 - found);
    assert_int_equal(stats_now().sequence_last, 1000);
}

static void a_broken_newest_segment_reuses_no_sequence(void **state)
{
    (void)state;
    open_ok();
    for (int i = 0; i < 4; i++)
        assert_int_equal(world_append(&world, 40), RC_OK);
    uint64_t epoch = stats_now().epoch;
    world_close(&world);
    char newest[64] = "";
    DIR *stream = opendir(world.folder);
    struct dirent *entry;
    while ((entry = readdir(stream)) != NULL)
        if (strstr(entry->d_name, ".seg") != NULL && strcmp(entry->d_name, newest) > 0)
            snprintf(newest, sizeof(newest), "%.63s", entry->d_name);
    closedir(stream);
    overwrite(newest, 0, "broken", 6);
    open_ok();
    assert_int_equal(stats_now().epoch, epoch);
    assert_true(stats_now().sequence_last >= 160);
    size_t found = count_readable();
    assert_true(found > 0 && found < 160);
    assert_true(stats_now().corrupt_items > 0);
    assert_int_equal(spool_append(world.spool, &(struct slice){(const uint8_t *)"x", 1}, 1,
                                  &(uint64_t){0}, NULL),
                     RC_OK);
    assert_int_equal(count_readable(), found + 1);
}

static void a_lost_mark_is_found_again_in_the_segments(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 10), RC_OK);
    world_deliver(&world, 6);
    assert_int_equal(world_append(&world, 1), RC_OK);
    uint64_t epoch = stats_now().epoch;
    world_close(&world);
    static const uint8_t zeros[8192];
    overwrite("mark", 0, zeros, sizeof(zeros));
    world.now_us += CLOCK_US_PER_S;
    open_ok();
    assert_int_equal(stats_now().epoch, epoch);
    assert_int_equal(stats_now().sequence_delivered, 6);
    assert_int_equal(world_read(&world, 0), 11);
}

static void a_removed_mark_is_made_again(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 10), RC_OK);
    uint64_t epoch = stats_now().epoch;
    world_close(&world);
    char path[400];
    path_of("calls.db", path);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    path_of("mark", path);
    assert_int_equal(unlink(path), 0);
    world.now_us += CLOCK_US_PER_S;
    open_ok();
    assert_int_equal(stats_now().epoch, epoch);
    assert_int_equal(world_read(&world, 0), 10);
}

static void one_torn_slot_of_the_mark_is_no_harm(void **state)
{
    (void)state;
    for (int slot = 0; slot < 2; slot++) {
        world_reset(&world);
        open_ok();
        assert_int_equal(world_append(&world, 10), RC_OK);
        world_deliver(&world, 6);
        assert_int_equal(world_tick(&world), RC_OK);
        uint64_t epoch = stats_now().epoch;
        world_close(&world);
        world.delivered_sure = 0;
        overwrite("mark", slot * 4096 + 20, "\xff\xff\xff", 3);
        world.now_us += CLOCK_US_PER_S;
        open_ok();
        assert_int_equal(stats_now().epoch, epoch);
        assert_int_equal(world_read(&world, 0), 10);
    }
}

static void segments_nobody_can_name_are_put_aside(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 10), RC_OK);
    uint64_t epoch = stats_now().epoch;
    world_close(&world);
    static const uint8_t zeros[8192];
    overwrite("mark", 0, zeros, sizeof(zeros));
    overwrite(first_segment, 0, "broken", 6);
    world.now_us += CLOCK_US_PER_S;
    struct spool *spool;
    assert_int_equal(spool_open(&world.config, &spool, NULL), RC_OK);
    struct spool_stats stats;
    spool_stats(spool, &stats);
    assert_true(stats.epoch > epoch);
    assert_int_equal(stats.sequence_last, 0);
    assert_int_equal(stats.corrupt_items, 1);
    assert_int_equal(count_files(".bad"), 1);
    spool_close(spool);
}

static void a_missing_segment_is_counted(void **state)
{
    (void)state;
    world.config.bytes_max = 1024 * 1024;
    open_ok();
    for (int i = 0; i < 5; i++)
        assert_int_equal(world_append(&world, 60), RC_OK);
    world_close(&world);
    char path[400];
    path_of(first_segment, path);
    uint64_t all = 300;
    assert_int_equal(unlink(path), 0);
    open_ok();
    size_t found = count_readable();
    assert_true(found > 0 && found < all);
    assert_int_equal(stats_now().corrupt_items, all - found);
}

static void litter_of_a_cut_start_is_cleared(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(world_append(&world, 3), RC_OK);
    world_close(&world);
    char path[400];
    path_of("new.seg", path);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    path_of("00000000000000000099.seg-wal", path);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    open_ok();
    assert_int_equal(count_files("-wal"), 0);
    assert_int_equal(world_append(&world, 3), RC_OK);
    assert_int_equal(count_files("new.seg"), 0);
    assert_int_equal(world_read(&world, 0), 6);
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
        test(a_changed_value_is_skipped_and_counted_once),
        test(a_broken_page_loses_its_values_only),
        test(a_broken_newest_segment_reuses_no_sequence),
        test(a_lost_mark_is_found_again_in_the_segments),
        test(a_removed_mark_is_made_again),
        test(one_torn_slot_of_the_mark_is_no_harm),
        test(segments_nobody_can_name_are_put_aside),
        test(a_missing_segment_is_counted),
        test(litter_of_a_cut_start_is_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
