/* kill -9 of a real process on the real disk, at random moments: what it had reported before is
   there. The child reports through a pipe the last sequence promised after each answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/base/limits.h"
#include "tests/component/spool/world.h"

enum { ROUNDS = 25 };

static struct world world;

struct report {
    uint64_t sequence_last;
    uint64_t delivered;
};

/* A value says which sequence it must have. */
static size_t value_of(uint64_t sequence, uint8_t out[WORLD_VALUE_MAX])
{
    size_t size = 8 + sequence * 131 % 700;
    memset(out, (int)(sequence % 251), size);
    memcpy(out, &sequence, 8);
    return size;
}

static _Noreturn void live(int pipe_fd, uint32_t seed)
{
    static uint8_t bytes[64][WORLD_VALUE_MAX];
    struct slice values[64];
    struct spool *spool;
    struct spool_stats stats;
    if (spool_open(&world.config, &spool, NULL) != RC_OK)
        _exit(1);
    for (;;) {
        uint64_t first;
        spool_stats(spool, &stats);
        seed = seed * 1664525u + 1013904223u;
        size_t count = 1 + (seed >> 16) % 64;
        for (size_t i = 0; i < count; i++)
            values[i] = slice_of(bytes[i], value_of(stats.sequence_last + 1 + i, bytes[i]));
        enum rc rc = spool_append(spool, values, count, &first, NULL);
        if (rc == RC_RETRY || rc == RC_REJECT)
            _exit(2);
        spool_stats(spool, &stats);
        if ((seed >> 8) % 4 == 0 || rc == RC_FULL) {
            uint64_t keep = rc == RC_FULL ? 20 : 200;
            if (stats.sequence_last > keep &&
                spool_delivered(spool, stats.sequence_last - keep, NULL) != RC_OK)
                _exit(3);
            if (spool_tick(spool, NULL) != RC_OK)
                _exit(4);
            spool_stats(spool, &stats);
        }
        struct report report = {stats.sequence_last, stats.sequence_delivered};
        if (write(pipe_fd, &report, sizeof(report)) != sizeof(report))
            _exit(5);
    }
}

static struct report kill_after_ms(pid_t child, int pipe_fd, int ms)
{
    struct report report = {0, 0}, next;
    struct pollfd until = {.fd = -1};
    (void)poll(&until, 0, ms);
    assert_int_equal(kill(child, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(pipe_fd, &next, sizeof(next)) == sizeof(next))
        report = next;
    return report;
}

static void check(const struct report *report)
{
    struct spool *spool;
    struct spool_stats stats;
    struct spool_item items[100];
    size_t count;
    assert_int_equal(spool_open(&world.config, &spool, NULL), RC_OK);
    spool_stats(spool, &stats);
    assert_true(stats.sequence_last >= report->sequence_last);
    assert_true(stats.sequence_delivered >= report->delivered);
    uint64_t after = stats.sequence_delivered;
    do {
        assert_int_equal(spool_read(spool, after, items, 100, &count, NULL), RC_OK);
        for (size_t i = 0; i < count; i++) {
            uint8_t bytes[WORLD_VALUE_MAX];
            assert_int_equal(items[i].sequence, ++after);
            assert_true(slice_is_equal(items[i].value, slice_of(bytes, value_of(after, bytes))));
        }
    } while (count > 0);
    assert_int_equal(after, stats.sequence_last);
    spool_stats(spool, &stats);
    assert_int_equal(stats.corrupt_items, 0);
    spool_close(spool);
}

static void kill_at_any_moment(void **state)
{
    (void)state;
    world.config.bytes_max = 1024 * 1024;
    uint64_t total = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(fds[0]);
            live(fds[1], round);
        }
        close(fds[1]);
        struct report report = kill_after_ms(child, fds[0], 5 + (int)(round * 37 % 90));
        close(fds[0]);
        check(&report);
        total = report.sequence_last > total ? report.sequence_last : total;
    }
    print_message("%d kills, %llu values\n", ROUNDS, (unsigned long long)total);
    assert_true(total > 1000);
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
        cmocka_unit_test_setup_teardown(kill_at_any_moment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
