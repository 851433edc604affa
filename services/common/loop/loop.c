/* A thin hull around libevent's base, so that services see neither its types nor its process-wide
   state. Invariant: a watch is added to the base from its birth to its free; but one that is woken
   is there only while its call is due. */
#include "services/common/loop/loop.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"

struct loop {
    struct event_base *base;
    int is_stopped;
};

struct loop_watch {
    struct event *event;
    loop_call *call;
    void *ctx;
};

/* libevent reports to stderr by itself; common code does not, except for what ends the process. */
static void on_log(int severity, const char *text)
{
    if (severity >= EVENT_LOG_ERR)
        fprintf(stderr, "libevent: %s\n", text);
}

/* evhttp changes its mind about a connection six times a request; the kernel is told once a turn of
   the loop. (Descriptors must not be dup'ed for this, and ours are not.) */
static struct event_base *base_new(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

enum rc loop_new(struct loop **ret_loop, struct err *err)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    event_set_log_callback(on_log);
    if (sigaction(SIGPIPE, &ignore, NULL) != 0)
        return err_set(err, RC_FATAL, "cannot ignore SIGPIPE: %m");
    struct loop *loop = mem_zalloc(sizeof(*loop));
    if (loop == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    loop->base = base_new();
    if (loop->base == NULL) {
        mem_free(loop);
        return err_set(err, RC_RETRY, "could not make an event loop: %m");
    }
    *ret_loop = loop;
    return RC_OK;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    event_base_free(loop->base);
    mem_free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

enum rc loop_run(struct loop *loop, struct err *err)
{
    while (!loop->is_stopped)
        if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
            return err_set(err, RC_FATAL, "cannot wait for events: %m");
    loop->is_stopped = 0;
    return RC_OK;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = 1;
    event_base_loopbreak(loop->base);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct loop_watch *watch = arg;
    (void)fd;
    (void)what;
    watch->call(watch->ctx);
}

static struct loop_watch *watch_new(struct loop *loop, int fd, short what, loop_call *call,
                                    void *ctx)
{
    struct loop_watch *watch = mem_zalloc(sizeof(*watch));
    if (watch == NULL)
        return NULL;
    *watch = (struct loop_watch){.call = call, .ctx = ctx};
    watch->event = event_new(loop->base, fd, what | EV_PERSIST, on_event, watch);
    if (watch->event == NULL) {
        mem_free(watch);
        return NULL;
    }
    return watch;
}

static struct loop_watch *watch_start(struct loop_watch *watch, const struct timeval *period)
{
    if (watch != NULL && event_add(watch->event, period) != 0) {
        loop_watch_free(watch);
        return NULL;
    }
    return watch;
}

struct loop_watch *loop_every(struct loop *loop, int64_t period_us, loop_call *call, void *ctx)
{
    CHECK(period_us >= CLOCK_US_PER_MS);
    struct timeval period = {.tv_sec = period_us / CLOCK_US_PER_S,
                             .tv_usec = period_us % CLOCK_US_PER_S};
    return watch_start(watch_new(loop, -1, 0, call, ctx), &period);
}

struct loop_watch *loop_readable(struct loop *loop, int fd, loop_call *call, void *ctx)
{
    return watch_start(watch_new(loop, fd, EV_READ, call, ctx), NULL);
}

struct loop_watch *loop_signal(struct loop *loop, int signo, loop_call *call, void *ctx)
{
    return watch_start(watch_new(loop, signo, EV_SIGNAL, call, ctx), NULL);
}

struct loop_watch *loop_woken(struct loop *loop, loop_call *call, void *ctx)
{
    return watch_new(loop, -1, 0, call, ctx);
}

void loop_wake(struct loop_watch *watch)
{
    event_active(watch->event, EV_TIMEOUT, 0);
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    event_free(watch->event);
    mem_free(watch);
}
