/* Who listens, and what they hear. Invariant: while a poll is under way its feed's question and
   answer belong to the pool's thread, everything else to the loop's; a feed outlives its poll. */
#include "services/monitor/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/http/http.h"
#include "services/common/log/log.h"
#include "services/monitor/pool.h"
#include "services/monitor/sql.h"
#include "services/monitor/state.h"

#define POLL_EVERY_US (25 * CLOCK_US_PER_S / 1000)

enum {
    SLOW_EVERY = 40,       /* polls; agents and what lags */
    BEAT_EVERY = 600,      /* polls: 15 s */
    RING = 512,            /* events a tenant keeps */
    EVENT_BYTES = 4096,    /* one with its frame */
    STATE_BYTES = 1 << 20, /* where the last poll came to */
    BACKLOG_BYTES = 128 * 1024,
    FEEDS_MAX = 64,
    LISTENERS_MAX = 512,
    SITES_BYTES = 4096,
    EVENT_WORDS = 96,
};

/* Then the stream ends and the client comes back with its place, to be let in anew: a sign-out, a
   disabled account or other sites are noticed this late at most. */
#define CHECKED_FOR_US (60 * CLOCK_US_PER_S)

/* "s001,s002": an event's concerned sites, or those that a listener may see; empty: all. */
struct kept {
    char *sites;
    char *text;
    int is_case; /* of a record or an alert: not an administrator's */
};

struct listener {
    struct listener *next;
    struct events *events;
    struct http_stream *stream;
    int64_t expires_at_us;
    char *sites;
    int sees_cases;
};

struct feed {
    char tenant[LIMIT_NAME_BYTES + 1];
    struct listener *listeners;
    struct kept ring[RING];
    uint64_t seq; /* of the newest event */
    struct buf state;
    char behind[EVENT_WORDS]; /* the last such event, for who comes later; empty: none yet */
    struct db_result *answer; /* of the poll that has just ended */
};

struct events {
    struct pool_task task;
    struct monitor_state *state;
    struct loop_watch *timer;
    struct db_params *params;
    struct buf question; /* of the poll under way */
    struct feed *feeds[FEEDS_MAX];
    size_t feeds_count, at;
    size_t listeners_count;
    struct feed *polled; /* NULL: no poll is under way */
    uint64_t boot;
    uint64_t ticks;
    int has_complained, slow_due;
};

/* ---- who may hear ---- */

/* Whether one of the names in a, parted by commas, is in b. */
static int is_shared(const char *a, const char *b)
{
    for (const char *at = a; *at != '\0';) {
        size_t size = strcspn(at, ",");
        for (const char *in = b; *in != '\0';) {
            size_t other = strcspn(in, ",");
            if (other == size && memcmp(at, in, size) == 0)
                return 1;
            in += other + (in[other] == ',');
        }
        at += size + (at[size] == ',');
    }
    return 0;
}

static int may_hear(const struct listener *listener, const struct kept *event)
{
    if (event->is_case &&
        (!listener->sees_cases || (listener->sites[0] != '\0' && event->sites[0] == '\0')))
        return 0;
    return listener->sites[0] == '\0' || event->sites[0] == '\0' ||
           is_shared(listener->sites, event->sites);
}

static void tell(struct listener *listener, const char *text)
{
    if (listener->stream != NULL && text[0] != '\0')
        (void)http_stream_write(listener->stream, slice_str(text));
}

/* ---- feeds ---- */

static struct feed *feed_find(struct events *events, const char *tenant)
{
    for (size_t i = 0; i < events->feeds_count; i++)
        if (strcmp(events->feeds[i]->tenant, tenant) == 0)
            return events->feeds[i];
    if (events->feeds_count == FEEDS_MAX)
        return NULL;
    struct feed *feed = mem_zalloc(sizeof(*feed));
    if (feed == NULL)
        return NULL;
    snprintf(feed->tenant, sizeof(feed->tenant), "%s", tenant);
    buf_init(&feed->state, STATE_BYTES);
    events->feeds[events->feeds_count++] = feed;
    return feed;
}

static void listener_free(struct listener *listener)
{
    if (listener == NULL)
        return;
    mem_free(listener->sites);
    mem_free(listener);
}

static void feed_free(struct feed *feed)
{
    while (feed->listeners != NULL) {
        struct listener *next = feed->listeners->next;
        listener_free(feed->listeners);
        feed->listeners = next;
    }
    for (size_t i = 0; i < RING; i++) {
        mem_free(feed->ring[i].sites);
        mem_free(feed->ring[i].text);
    }
    buf_done(&feed->state);
    db_result_free(feed->answer);
    mem_free(feed);
}

static char *copy_text(struct slice text)
{
    char *copy = mem_alloc(text.size + 1);
    if (copy == NULL)
        return NULL;
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

/* Keeps and tells; what cannot be kept is told and later asked for by "reset". */
static void publish(struct events *events, struct feed *feed, struct slice kind, struct slice sites,
                    struct slice data)
{
    char text[EVENT_BYTES];
    struct kept *place = &feed->ring[(feed->seq + 1) % RING];
    int size =
        snprintf(text, sizeof(text), "id: %016" PRIx64 "-%" PRIu64 "\nevent: %.*s\ndata: %.*s\n\n",
                 events->boot, feed->seq + 1, (int)kind.size, (const char *)kind.data,
                 (int)data.size, (const char *)data.data);
    if (size < 0 || (size_t)size >= sizeof(text))
        return;
    char *kept_sites = copy_text(sites), *kept_text = copy_text(slice_str(text));
    if (kept_sites == NULL || kept_text == NULL) {
        mem_free(kept_sites);
        mem_free(kept_text);
        return;
    }
    mem_free(place->sites);
    mem_free(place->text);
    *place = (struct kept){.sites = kept_sites,
                           .text = kept_text,
                           .is_case = slice_is_equal(kind, slice_str("record")) ||
                                      slice_is_equal(kind, slice_str("alert"))};
    feed->seq++;
    for (struct listener *one = feed->listeners; one != NULL; one = one->next)
        if (may_hear(one, place))
            tell(one, place->text);
}

/* ---- polling ---- */

/* In a thread of the pool. */
static enum rc ask(struct events *events, struct feed *feed, struct db *db, struct err *err)
{
    static const char SQL[] = "select set_config('kasumori.tenant', $1, true), $2::jsonb is null";
    db_params_reset(events->params);
    db_put_text(events->params, 0, slice_str(feed->tenant));
    db_put_text(events->params, 1, buf_slice(&events->question));
    enum rc rc = /* planning anew over all months takes longer than a poll may */
        db_exec(db,
                "begin read only; set local role kasumori_monitor; "
                "set local plan_cache_mode = force_generic_plan",
                err);
    if (rc == RC_OK)
        rc = db_run(db, "events_enter", SQL, events->params, NULL, err);
    if (rc == RC_OK)
        rc = db_run(db, "events", sql_events, events->params, &feed->answer, err);
    return rc == RC_OK ? db_exec(db, "commit", err) : rc;
}

static void on_run(struct pool_task *task, struct db *db, const struct err *away)
{
    struct events *events = (struct events *)task;
    struct err err = *away;
    enum rc rc = db == NULL ? RC_RETRY : ask(events, events->polled, db, &err);
    if (rc != RC_OK && !events->has_complained)
        log_warn("could not read what is new, trying again: %s", err.text);
    events->has_complained = rc != RC_OK;
}

static void on_done(struct pool_task *task)
{
    struct events *events = (struct events *)task;
    struct feed *feed = events->polled;
    struct db_result *rows = feed->answer;
    events->polled = NULL;
    feed->answer = NULL;
    if (rows == NULL)
        return;
    for (size_t i = 0; i < db_result_rows(rows); i++) {
        struct slice data = db_result_bytes(rows, i, 3);
        if (db_result_int(rows, i, 0) == 0) {
            buf_reset(&feed->state);
            buf_add(&feed->state, data.data, data.size);
        } else {
            if (slice_is_equal(db_result_bytes(rows, i, 1), slice_str("behind")))
                snprintf(feed->behind, sizeof(feed->behind), "event: behind\ndata: %.*s\n\n",
                         (int)data.size, (const char *)data.data);
            publish(events, feed, db_result_bytes(rows, i, 1), db_result_bytes(rows, i, 2), data);
        }
    }
    db_result_free(rows);
}

/* The state as a question: what stands in it, whether to look at slow things, what silence is. */
static int put_question(struct events *events, const struct feed *feed)
{
    struct buf *text = &events->question;
    int is_first = feed->state.size == 0;
    buf_reset(text);
    if (!is_first)
        buf_add(text, feed->state.data, feed->state.size - 1);
    buf_addf(text, "%s\"slow\":%s,\"silent_us\":%" PRId64 "}", is_first ? "{" : ",",
             is_first || events->slow_due ? "true" : "false",
             events->state->config->silent_after_us);
    events->slow_due = 0;
    return !text->is_failed;
}

static void poll_next(struct events *events)
{
    for (size_t tried = 0; tried < events->feeds_count; tried++) {
        struct feed *feed = events->feeds[events->at++ % events->feeds_count];
        if (feed->listeners == NULL)
            continue;
        if (!put_question(events, feed))
            return;
        events->polled = feed;
        events->task = (struct pool_task){.run = on_run, .done = on_done};
        if (pool_give(events->state->pool, &events->task) != RC_OK)
            events->polled = NULL;
        return;
    }
}

static void sweep(struct events *events)
{
    int64_t now_us = clock_now_us(clock_real());
    for (size_t i = 0; i < events->feeds_count; i++)
        for (struct listener *one = events->feeds[i]->listeners; one != NULL; one = one->next) {
            if (events->ticks % BEAT_EVERY == 0)
                tell(one, ":\n\n");
            if (one->stream != NULL && one->expires_at_us <= now_us) {
                http_stream_end(one->stream);
                one->stream = NULL;
            }
        }
}

static void on_tick(void *ctx)
{
    struct events *events = ctx;
    events->ticks++;
    if (events->ticks % SLOW_EVERY == 0) {
        events->slow_due = 1;
        sweep(events);
    }
    for (size_t i = 0; i < events->feeds_count; i++) {
        struct listener **link = &events->feeds[i]->listeners;
        while (*link != NULL) {
            struct listener *one = *link;
            if (one->stream != NULL) {
                link = &one->next;
                continue;
            }
            *link = one->next;
            listener_free(one);
            events->listeners_count--;
        }
    }
    if (events->polled == NULL)
        poll_next(events);
}

/* ---- listening ---- */

static void on_stream(void *ctx, struct http_stream *stream, enum http_stream_event event)
{
    struct listener *listener = ctx;
    (void)stream;
    if (event == HTTP_STREAM_EVENT_CLOSED)
        listener->stream = NULL; /* the next tick forgets it */
}

struct wish {
    struct listener *listener;
    char tenant[LIMIT_NAME_BYTES + 1];
    char last_id[64];
};

/* What came after Last-Event-ID, or "reset" when nobody can say. */
static void resume(struct events *events, struct feed *feed, const struct wish *wish)
{
    char *end = NULL;
    uint64_t boot = strtoull(wish->last_id, &end, 16);
    uint64_t seq = *end == '-' ? strtoull(end + 1, &end, 10) : UINT64_MAX;
    if (wish->last_id[0] == '\0')
        return;
    if (*end != '\0' || boot != events->boot || seq > feed->seq || feed->seq - seq >= RING) {
        tell(wish->listener, "event: reset\ndata: {}\n\n");
        return;
    }
    for (seq++; seq <= feed->seq; seq++) {
        const struct kept *event = &feed->ring[seq % RING];
        if (may_hear(wish->listener, event))
            tell(wish->listener, event->text);
    }
}

static void wish_free(struct wish *wish)
{
    listener_free(wish->listener);
    mem_free(wish);
}

static void take_over(void *ctx, struct http_request *request)
{
    struct wish *wish = ctx;
    struct events *events = wish->listener->events;
    static const struct http_answer HEAD = {
        .status = 200,
        .type = "text/event-stream",
        .body = {.data = (const uint8_t *)"retry: 1000\n\n", .size = 13}};
    struct feed *feed = request == NULL ? NULL : feed_find(events, wish->tenant);
    if (request != NULL && (feed == NULL || events->listeners_count >= LISTENERS_MAX))
        http_reply_problem(request, 503, "Busy; please try again", "too many streams", 5);
    else if (request != NULL)
        wish->listener->stream =
            http_stream_start(request, &HEAD, BACKLOG_BYTES, on_stream, wish->listener);
    if (wish->listener->stream == NULL) {
        wish_free(wish);
        return;
    }
    wish->listener->next = feed->listeners;
    feed->listeners = wish->listener;
    events->listeners_count++;
    tell(wish->listener, feed->behind);
    resume(events, feed, wish);
    mem_free(wish);
}

static char *join_sites(const struct caller *caller)
{
    struct buf text;
    buf_init(&text, SITES_BYTES * (1 + caller->sites_count));
    for (size_t i = 0; i < caller->sites_count; i++) {
        if (i > 0)
            buf_add_char(&text, ',');
        buf_add(&text, caller->sites[i].data, caller->sites[i].size);
    }
    char *copy = text.is_failed ? NULL : copy_text(buf_slice(&text));
    buf_done(&text);
    return copy;
}

enum rc events_listen(struct call *call, struct err *err)
{
    struct wish *wish = mem_zalloc(sizeof(*wish));
    struct listener *listener = mem_zalloc(sizeof(*listener));
    const char *last_id = call_header(call, "Last-Event-ID");
    if (wish == NULL || listener == NULL) {
        mem_free(wish);
        mem_free(listener);
        return err_set(err, RC_RETRY, "out of memory");
    }
    wish->listener = listener;
    listener->events = call->state->events;
    int64_t most_us = clock_now_us(clock_real()) + CHECKED_FOR_US;
    listener->expires_at_us =
        call->caller->expires_at_us < most_us ? call->caller->expires_at_us : most_us;
    listener->sees_cases = call->caller->role != ROLE_ADMIN;
    listener->sites = join_sites(call->caller);
    if (listener->sites == NULL) {
        wish_free(wish);
        return err_set(err, RC_RETRY, "out of memory");
    }
    snprintf(wish->tenant, sizeof(wish->tenant), "%.*s", (int)call->caller->tenant.size,
             (const char *)call->caller->tenant.data);
    snprintf(wish->last_id, sizeof(wish->last_id), "%s", last_id == NULL ? "" : last_id);
    call->take_over = take_over;
    call->take_over_ctx = wish;
    return RC_OK;
}

/* ---- life ---- */

enum rc events_new(struct monitor_state *state, struct events **ret_events, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_JSONB};
    static const int IS_ARRAY[] = {0, 0};
    struct events *events = mem_zalloc(sizeof(*events));
    if (events == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    events->state = state;
    buf_init(&events->question, STATE_BYTES);
    events->boot = (uint64_t)clock_now_us(clock_real());
    events->params = db_params_new(2, TYPES, IS_ARRAY, STATE_BYTES);
    events->timer = loop_every(state->loop, POLL_EVERY_US, on_tick, events);
    if (events->params == NULL || events->timer == NULL) {
        events_free(events);
        return err_set(err, RC_RETRY, "out of memory");
    }
    *ret_events = events;
    return RC_OK;
}

void events_free(struct events *events)
{
    if (events == NULL)
        return;
    loop_watch_free(events->timer);
    for (size_t i = 0; i < events->feeds_count; i++)
        feed_free(events->feeds[i]);
    db_params_free(events->params);
    buf_done(&events->question);
    mem_free(events);
}
