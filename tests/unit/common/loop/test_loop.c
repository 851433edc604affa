#include "tests/support/unit.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/loop/loop.h"

struct counter {
    struct loop *loop;
    struct loop_watch *watch;
    int fd;
    int count;
    int stop_at;
};

static void count_up(void *ctx)
{
    struct counter *counter = ctx;
    if (++counter->count == counter->stop_at)
        loop_stop(counter->loop);
}

static struct counter counter_new(int stop_at)
{
    struct counter counter = {.fd = -1, .stop_at = stop_at};
    assert_int_equal(loop_new(&counter.loop, NULL), RC_OK);
    return counter;
}

static void run(struct counter *counter)
{
    assert_int_equal(loop_run(counter->loop, NULL), RC_OK);
}

static void a_timer_comes_again(void **state)
{
    (void)state;
    struct counter counter = counter_new(3);
    int64_t began_us = clock_mono_us(clock_real());
    struct loop_watch *watch = loop_every(counter.loop, 2 * CLOCK_US_PER_MS, count_up, &counter);
    run(&counter);
    assert_true(clock_mono_us(clock_real()) - began_us >= 3 * CLOCK_US_PER_MS);
    assert_int_equal(counter.count, 3);
    loop_watch_free(watch);
    loop_free(counter.loop);
}

static void a_readable_descriptor_is_level_triggered(void **state)
{
    (void)state;
    struct counter counter = counter_new(2);
    counter.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    struct loop_watch *watch = loop_readable(counter.loop, counter.fd, count_up, &counter);
    run(&counter); /* never read from, so it comes twice */
    assert_int_equal(counter.count, 2);
    loop_watch_free(watch);
    close(counter.fd);
    loop_free(counter.loop);
}

static void a_signal_is_an_event(void **state)
{
    (void)state;
    struct counter counter = counter_new(1);
    struct loop_watch *watch = loop_signal(counter.loop, SIGTERM, count_up, &counter);
    assert_int_equal(raise(SIGTERM), 0);
    run(&counter);
    assert_int_equal(counter.count, 1);
    loop_watch_free(watch);
    loop_free(counter.loop);
}

static void free_itself(void *ctx)
{
    struct counter *counter = ctx;
    loop_watch_free(counter->watch);
    loop_stop(counter->loop);
}

static void a_watch_may_free_itself(void **state)
{
    (void)state;
    struct counter counter = counter_new(1);
    counter.watch = loop_every(counter.loop, CLOCK_US_PER_MS, free_itself, &counter);
    run(&counter);
    loop_free(counter.loop);
}

struct woken {
    struct loop *loop;
    struct loop_watch *watch;
    int fds[2];
    int handled, calls, handled_at_call;
};

static void wake_it(void *ctx)
{
    struct woken *woken = ctx;
    uint64_t value;
    assert_int_equal(read(woken->fds[woken->handled], &value, sizeof(value)), sizeof(value));
    woken->handled++;
    loop_wake(woken->watch);
    loop_wake(woken->watch);
}

static void be_woken(void *ctx)
{
    struct woken *woken = ctx;
    woken->handled_at_call = woken->handled;
    if (++woken->calls == 1)
        loop_wake(woken->watch); /* from within: once more */
    else
        loop_stop(woken->loop);
}

static void a_wake_comes_after_all_that_was_ready(void **state)
{
    (void)state;
    struct woken woken = {0};
    struct loop_watch *watches[2];
    assert_int_equal(loop_new(&woken.loop, NULL), RC_OK);
    woken.watch = loop_woken(woken.loop, be_woken, &woken);
    assert_non_null(woken.watch);
    for (int i = 0; i < 2; i++) {
        woken.fds[i] = eventfd(1, EFD_NONBLOCK);
        watches[i] = loop_readable(woken.loop, woken.fds[i], wake_it, &woken);
    }
    assert_int_equal(loop_run(woken.loop, NULL), RC_OK);
    assert_int_equal(woken.handled_at_call, 2);
    assert_int_equal(woken.calls, 2);
    for (int i = 0; i < 2; i++) {
        loop_watch_free(watches[i]);
        close(woken.fds[i]);
    }
    loop_wake(woken.watch);
    loop_watch_free(woken.watch); /* while it is due */
    loop_free(woken.loop);
}

static void a_stop_before_the_run_counts(void **state)
{
    (void)state;
    struct counter counter = counter_new(1);
    loop_stop(counter.loop);
    run(&counter);
    struct loop_watch *watch = loop_every(counter.loop, CLOCK_US_PER_MS, count_up, &counter);
    run(&counter); /* and only once */
    assert_int_equal(counter.count, 1);
    loop_watch_free(watch);
    loop_free(counter.loop);
}

static void a_vanished_reader_is_no_signal(void **state)
{
    (void)state;
    struct counter counter = counter_new(1);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    close(ends[1]);
    loop_free(counter.loop);
}

static void no_memory_is_told(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    struct err err;
    mem_fail_nth(1);
    assert_int_equal(loop_new(&loop, &err), RC_RETRY);
    assert_null(loop);
    assert_int_equal(loop_new(&loop, &err), RC_OK);
    mem_fail_nth(1);
    assert_null(loop_every(loop, CLOCK_US_PER_MS, count_up, NULL));
    loop_free(loop);
    loop_free(NULL);
    loop_watch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_comes_again),
        cmocka_unit_test(a_readable_descriptor_is_level_triggered),
        cmocka_unit_test(a_signal_is_an_event),
        cmocka_unit_test(a_watch_may_free_itself),
        cmocka_unit_test(a_wake_comes_after_all_that_was_ready),
        cmocka_unit_test(a_stop_before_the_run_counts),
        cmocka_unit_test(a_vanished_reader_is_no_signal),
        cmocka_unit_test(no_memory_is_told),
    };
    return UNIT_MAIN(tests);
}
