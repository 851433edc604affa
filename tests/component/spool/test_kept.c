/* kept.h: a map that is there after a restart, a power cut and a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/spool/kept.h"
#include "tests/component/spool/crash_disk.h"
#include "tests/component/spool/world.h"

static struct world world;
static char path[400];
static struct kept *kept;
static const char *vfs;

static void open_ok(void)
{
    struct err err = {.text = ""};
    if (kept_open(path, vfs, &kept, &err) != RC_OK)
        fail_msg("%s", err.text);
}

static void close_it(void)
{
    kept_close(kept);
    kept = NULL;
}

static enum rc put(const char *key, const char *value, int64_t at_us)
{
    return kept_put(kept, key, slice_str(value), at_us, NULL);
}

/* NULL when it is not there; until the next call. */
static const char *get(const char *key)
{
    static char text[100];
    struct buf buf;
    int found = -1;
    buf_init(&buf, sizeof(text) - 1);
    assert_int_equal(kept_get(kept, key, &buf, &found, NULL), RC_OK);
    snprintf(text, sizeof(text), "%s", found && buf.data != NULL ? (char *)buf.data : "");
    buf_done(&buf);
    return found ? text : NULL;
}

static void keeps_replaces_and_survives(void **state)
{
    (void)state;
    open_ok();
    assert_null(get("a"));
    assert_int_equal(put("a", "1", 5), RC_OK);
    assert_int_equal(put("b", "", 5), RC_OK);
    assert_string_equal(get("a"), "1");
    assert_int_equal(put("a", "2", 5), RC_OK);
    close_it();
    open_ok();
    assert_string_equal(get("a"), "2");
    assert_string_equal(get("b"), "");
}

static void a_transaction_is_all_or_nothing(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(kept_begin(kept, NULL), RC_OK);
    assert_int_equal(put("a", "1", 5), RC_OK);
    assert_int_equal(put("b", "1", 5), RC_OK);
    kept_rollback(kept);
    assert_null(get("a"));
    assert_int_equal(kept_begin(kept, NULL), RC_OK);
    assert_int_equal(put("a", "1", 5), RC_OK);
    assert_int_equal(put("b", "1", 5), RC_OK);
    assert_int_equal(kept_commit(kept, NULL), RC_OK);
    assert_int_equal(kept_begin(kept, NULL), RC_OK);
    assert_int_equal(put("c", "1", 5), RC_OK);
    close_it();
    open_ok();
    assert_string_equal(get("b"), "1");
    assert_null(get("c"));
    assert_int_equal(kept_commit(kept, NULL), RC_RETRY);
}

static void forgets_by_prefix_and_age(void **state)
{
    (void)state;
    open_ok();
    assert_int_equal(put("call/1", "x", 10), RC_OK);
    assert_int_equal(put("call/2", "x", 20), RC_OK);
    assert_int_equal(put("call_3", "x", 10), RC_OK);
    assert_int_equal(put("file/1", "x", 10), RC_OK);
    assert_int_equal(kept_expire(kept, "call/", 20, NULL), RC_OK);
    assert_null(get("call/1"));
    assert_non_null(get("call/2"));
    assert_non_null(get("call_3"));
    assert_non_null(get("file/1"));
    assert_int_equal(kept_expire(kept, "", 100, NULL), RC_OK);
    assert_null(get("file/1"));
}

static void bounds_are_told(void **state)
{
    (void)state;
    struct buf buf;
    int found;
    open_ok();
    assert_int_equal(put("a", "12345", 1), RC_OK);
    buf_init(&buf, 4);
    assert_int_equal(kept_get(kept, "a", &buf, &found, NULL), RC_REJECT);
    buf_done(&buf);
    static uint8_t big[LIMIT_KEPT_BYTES + 1];
    assert_int_equal(kept_put(kept, "b", slice_of(big, sizeof(big)), 1, NULL), RC_REJECT);
    assert_string_equal(get("a"), "12345");
}

static void a_broken_file_is_told(void **state)
{
    (void)state;
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    static const char noise[5000] = "this is no database at all";
    assert_int_equal(write(fd, noise, sizeof(noise)), sizeof(noise));
    close(fd);
    struct err err;
    assert_int_equal(kept_open(path, NULL, &kept, &err), RC_CORRUPT);
    kept = NULL;
    assert_non_null(strstr(err.text, "kept.db"));
}

/* Values count up; answers are noted; the rest is as in the spool's crash test. */
static int run(int *ret_offered)
{
    int done = 0, offered = 0;
    struct kept *mine = NULL;
    for (int tries = 0; tries < 3 && mine == NULL; tries++)
        if (kept_open(path, vfs, &mine, NULL) != RC_OK)
            mine = NULL;
    for (int i = 1; mine != NULL && i <= 12 && !crash_disk_is_dead(); i++) {
        char text[20];
        snprintf(text, sizeof(text), "%d", i);
        offered = i;
        enum rc rc = RC_RETRY;
        for (int tries = 0; tries < 3 && rc != RC_OK && !crash_disk_is_dead(); tries++)
            rc = kept_put(mine, "n", slice_str(text), i, NULL);
        if (rc == RC_OK && !crash_disk_is_dead())
            done = i;
    }
    kept_close(mine);
    *ret_offered = offered;
    return done;
}

static void remove_files(void)
{
    char journal[sizeof(path) + 8];
    snprintf(journal, sizeof(journal), "%s-journal", path);
    unlink(journal);
    unlink(path);
}

static void crash(enum crash_how how, enum crash_loss loss)
{
    long count = 1;
    for (long at = 1; at <= count; at++) {
        const struct crash_plan plan = {.how = how, .at = at};
        int offered;
        remove_files();
        crash_disk_start(world.folder, &plan);
        vfs = CRASH_DISK_VFS;
        int done = run(&offered);
        if (crash_disk_has_struck())
            count = at + 1;
        crash_disk_stop(loss, (uint32_t)at);
        vfs = NULL;
        open_ok();
        const char *text = get("n");
        int value = text != NULL ? (int)strtol(text, NULL, 10) : 0;
        if (value != done && value != offered)
            fail_msg("how %d at %ld, loss %d: %d there, %d promised, %d offered", how, at, loss,
                     value, done, offered);
        assert_int_equal(put("n", "100", 1), RC_OK);
        assert_string_equal(get("n"), "100");
        close_it();
    }
    print_message("%ld crash points\n", count - 1);
    assert_true(count > 30);
}

static void every_crash_point(void **state)
{
    (void)state;
    crash(CRASH_BEFORE, LOSS_NONE);
    crash(CRASH_AFTER, LOSS_UNSYNCED);
    crash(CRASH_TORN, LOSS_RANDOM);
}

static void every_failure(void **state)
{
    (void)state;
    crash(FAIL_EIO, LOSS_UNSYNCED);
    crash(FAIL_NOSPC, LOSS_UNSYNCED);
}

static void out_of_memory(void **state)
{
    (void)state;
    mem_fail_nth(1);
    assert_int_equal(kept_open(path, NULL, &kept, NULL), RC_RETRY);
    kept = NULL;
    open_ok();
}

static int setup(void **state)
{
    (void)state;
    world_init(&world);
    mkdir(world.folder, 0700);
    snprintf(path, sizeof(path), "%s/kept.db", world.folder);
    vfs = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_it();
    world_done(&world);
    return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(keeps_replaces_and_survives),
        test(a_transaction_is_all_or_nothing),
        test(forgets_by_prefix_and_age),
        test(bounds_are_told),
        test(a_broken_file_is_told),
        test(every_crash_point),
        test(every_failure),
        test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
