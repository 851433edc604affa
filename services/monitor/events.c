/* Who listens, and what they hear. A probe of one small table, often, says whether T1 has stored
   anything; only then, or after a while, is a feed asked for, and what is much comes in pieces,
   each with time to be written before the next.
   Invariant: while a poll is under way its feed's question and answer and what the probe found
   belong to the pool's thread, everything else to the loop's; a source outlives its poll. */
#include "services/monitor/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/http/http.h"
#include "services/common/log/log.h"
#include "services/monitor/feed.h"
#include "services/monitor/monitor.h"
#include "services/monitor/pool.h"
#include "services/monitor/sql.h"
#include "services/monitor/state.h"

#define PROBE_EVERY_US (5 * CLOCK_US_PER_MS)
#define REST_US (100 * CLOCK_US_PER_MS) /* then a feed is asked for unprobed: alerts, decisions */
#define SLOW_US CLOCK_US_PER_S          /* agents and what lags */
#define FORGET_US (60 * CLOCK_US_PER_S) /* without a listener: what came meanwhile is not told */

enum {
    SWEEP_EVERY = 200,     /* probes */
    BEAT_EVERY = 3000,     /* probes: 15 s; a multiple of SWEEP_EVERY */
    PIECE = 256,           /* records of one poll; all of them fit a reader's backlog */
    STATE_BYTES = 1 << 20, /* where the last poll came to */
    SOURCES_MAX = 64,
    LISTENERS_MAX = 512,
    SITES_BYTES = 4096,
};

static_assert(BEAT_EVERY % SWEEP_EVERY == 0, "sweeps send the heartbeats");

/* Then the stream ends and the client comes back with its place, to be let in anew: a sign-out, a
   disabled account or other sites are noticed this late at most. */
#define CHECKED_FOR_US (60 * CLOCK_US_PER_S)

/* Where one tenant's events come from. */
struct source {
    char tenant[LIMIT_NAME_BYTES + 1];
    struct feed *feed;
    struct buf state;    /* how far it was read, as JSON */
    int64_t position;    /* what the probe before its last poll found */
    int64_t asked_at_us; /* monotonic, as the next */
    int64_t slow_at_us;
    int has_more;             /* than its last poll took */
    struct db_result *answer; /* of the poll that has just ended */
};

struct events {
    struct pool_task task;
    struct pool *pool; /* of one thread: one connection, so each statement is planned once */
    struct monitor_state *state;
    struct loop_watch *timer;
    struct db_params *params;
    struct buf question; /* of the poll under way */
    struct source *sources[SOURCES_MAX];
    size_t sources_count, at;
    size_t listeners_count;
    struct source *polled; /* NULL: no poll is under way */
    int is_unprobed;       /* the poll under way asks whatever the probe finds, */
    int is_slow;           /* for slow things too */
    int is_failed;         /* what the poll under way came to */
    int is_late;           /* a tick came while one was under way */
    int64_t position;      /* what the last probe found */
    uint64_t boot;
    uint64_t ticks;
    int is_away; /* the last poll failed, and everybody was told */
};

/* ---- sources ---- */

static void source_free(struct source *source)
{
    feed_free(source->feed);
    buf_done(&source->state);
    db_result_free(source->answer);
    mem_free(source);
}

static struct source *source_find(struct events *events, const char *tenant)
{
    for (size_t i = 0; i < events->sources_count; i++)
        if (strcmp(events->sources[i]->tenant, tenant) == 0)
            return events->sources[i];
    if (events->sources_count == SOURCES_MAX)
        return NULL;
    struct source *source = mem_zalloc(sizeof(*source));
    if (source == NULL)
        return NULL;
    snprintf(source->tenant, sizeof(source->tenant), "%s", tenant);
    buf_init(&source->state, STATE_BYTES);
    source->feed = feed_new(events->boot);
    if (source->feed == NULL) {
        source_free(source);
        return NULL;
    }
    events->sources[events->sources_count++] = source;
    return source;
}

/* A new source begins; so does one where nobody listened for long, as what came meanwhile may be a
   day's. */
static void source_wake(struct source *source, const char *start)
{
    if (feed_is_heard(source->feed))
        return;
    if (source->state.size > 0 && clock_mono_us(clock_real()) - source->asked_at_us < FORGET_US)
        return;
    buf_reset(&source->state);
    buf_add(&source->state, start, strlen(start));
    source->has_more = 0;
    source->slow_at_us = 0;
    feed_break(source->feed);
}

/* ---- polling ---- */

/* Grows with everything T1 stores, whoever's it is. */
static enum rc probe(struct db *db, int64_t *ret_position, struct err *err)
{
    static const char SQL[] =
        "select coalesce(sum(next_offset + epoch), 0)::bigint from kasumori.kafka_offset";
    struct db_result *result;
    enum rc rc = db_run(db, "events_probe", SQL, NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    *ret_position = db_result_int(result, 0, 0);
    db_result_free(result);
    return RC_OK;
}

static enum rc ask(struct events *events, struct source *source, struct db *db, struct err *err)
{
    static const char SQL[] = "select set_config('kasumori.tenant', $1, true), $2::jsonb is null";
    db_params_reset(events->params);
    db_put_text(events->params, 0, slice_str(source->tenant));
    db_put_text(events->params, 1, buf_slice(&events->question));
    /* Planned once, as anew takes longer than a poll may; and by indexes, as the first time may be
       over empty tables. */
    enum rc rc = db_exec(db,
                         "begin read only; set local role kasumori_monitor; "
                         "set local plan_cache_mode = force_generic_plan; "
                         "set local enable_seqscan = off; set local enable_hashjoin = off; "
                         "set local enable_mergejoin = off",
                         err);
    if (rc == RC_OK)
        rc = db_run(db, "events_enter", SQL, events->params, NULL, err);
    if (rc == RC_OK)
        rc = db_run(db, "events", sql_events, events->params, &source->answer, err);
    return rc == RC_OK ? db_exec(db, "commit", err) : rc;
}

/* In a thread of the pool. */
static void on_run(struct pool_task *task, struct db *db, const struct err *away)
{
    struct events *events = (struct events *)task;
    struct source *source = events->polled;
    struct err err = *away;
    enum rc rc = db == NULL ? RC_RETRY : probe(db, &events->position, &err);
    if (rc == RC_OK && (events->is_unprobed || source->position != events->position))
        rc = ask(events, source, db, &err);
    if (rc != RC_OK && !events->is_away)
        log_warn("could not read what is new, trying again: %s", err.text);
    events->is_failed = rc != RC_OK;
}

static void tell_all(struct events *events, const char *text)
{
    for (size_t i = 0; i < events->sources_count; i++)
        feed_tell(events->sources[i]->feed, text);
}

/* Silence would look like peace. Nothing is missed: who comes back is asked from where it was. */
static void note_away(struct events *events)
{
    if (events->is_away == events->is_failed)
        return;
    events->is_away = events->is_failed;
    if (!events->is_away)
        log_info("what is new can be read again");
    tell_all(events, events->is_away ? "event: away\ndata: {}\n\n" : "event: back\ndata: {}\n\n");
}

static void tell_answer(struct source *source, const struct db_result *rows)
{
    for (size_t i = 0; i < db_result_rows(rows); i++) {
        struct slice data = db_result_bytes(rows, i, 3);
        if (db_result_int(rows, i, 0) == 0) {
            buf_reset(&source->state);
            buf_add(&source->state, data.data, data.size);
            source->has_more = db_result_int(rows, i, 4) > 0;
            continue;
        }
        if (slice_is_equal(db_result_bytes(rows, i, 1), slice_str("behind")))
            feed_set_behind(source->feed, data);
        feed_publish(source->feed, db_result_bytes(rows, i, 1), db_result_bytes(rows, i, 2), data);
    }
}

/* The state as a question: what stands in it, whether to look at slow things, what silence is. */
static int put_question(struct events *events, const struct source *source, int64_t now_us)
{
    struct buf *text = &events->question;
    int is_first = source->state.size == 0;
    events->is_slow = is_first || now_us - source->slow_at_us >= SLOW_US;
    buf_reset(text);
    if (!is_first)
        buf_add(text, source->state.data, source->state.size - 1);
    buf_addf(text, "%s\"slow\":%s,\"most\":%d,\"silent_us\":%" PRId64 "}", is_first ? "{" : ",",
             events->is_slow ? "true" : "false", PIECE, events->state->config->silent_after_us);
    return !text->is_failed;
}

static int is_due(const struct events *events, const struct source *source, int64_t now_us)
{
    return feed_is_heard(source->feed) &&
           (source->has_more || source->position != events->position ||
            now_us - source->asked_at_us >= REST_US);
}

/* Who is due comes first, each in turn; else, if may_probe, who would hear if the probe finds
   something. */
static struct source *choose(struct events *events, int may_probe, int64_t now_us)
{
    struct source *listening = NULL;
    for (size_t i = 0; i < events->sources_count; i++) {
        struct source *source = events->sources[(events->at + i) % events->sources_count];
        if (feed_is_heard(source->feed) && listening == NULL)
            listening = source;
        if (!is_due(events, source, now_us))
            continue;
        events->at = (events->at + i + 1) % events->sources_count;
        return source;
    }
    return may_probe ? listening : NULL;
}

static void on_done(struct pool_task *task);

static void poll_next(struct events *events, int may_probe)
{
    int64_t now_us = clock_mono_us(clock_real());
    struct source *source = choose(events, may_probe, now_us);
    if (source == NULL || !put_question(events, source, now_us))
        return;
    events->is_unprobed = is_due(events, source, now_us);
    events->is_late = 0;
    events->polled = source;
    events->task = (struct pool_task){.run = on_run, .done = on_done};
    if (pool_give(events->pool, &events->task) != RC_OK)
        events->polled = NULL;
}

static void on_done(struct pool_task *task)
{
    struct events *events = (struct events *)task;
    struct source *source = events->polled;
    struct db_result *rows = source->answer;
    events->polled = NULL;
    source->answer = NULL;
    note_away(events);
    if (events->is_failed) {
        db_result_free(rows);
        return; /* the next tick tries again */
    }
    if (rows != NULL) {
        source->position = events->position;
        source->asked_at_us = clock_mono_us(clock_real());
        if (events->is_slow)
            source->slow_at_us = source->asked_at_us;
        tell_answer(source, rows);
        db_result_free(rows);
    }
    poll_next(events, events->is_late);
}

static void on_tick(void *ctx)
{
    struct events *events = ctx;
    int64_t now_us = clock_now_us(clock_real());
    events->ticks++;
    for (size_t i = 0; i < events->sources_count; i++) {
        struct feed *feed = events->sources[i]->feed;
        if (events->ticks % SWEEP_EVERY == 0)
            feed_sweep(feed, now_us, events->ticks % BEAT_EVERY == 0);
        events->listeners_count -= feed_forget(feed);
    }
    if (events->polled == NULL)
        poll_next(events, 1);
    else
        events->is_late = 1;
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
    struct events *events;
    struct listener *listener;
    char *start; /* a source's state that begins before the stream does: nothing falls between */
    char tenant[LIMIT_NAME_BYTES + 1];
    char last_id[64];
};

static void wish_free(struct wish *wish)
{
    feed_listener_free(wish->listener);
    mem_free(wish->start);
    mem_free(wish);
}

static void take_over(void *ctx, struct http_request *request)
{
    struct wish *wish = ctx;
    struct events *events = wish->events;
    static const struct http_answer HEAD = {
        .status = 200,
        .type = "text/event-stream",
        .body = {.data = (const uint8_t *)"retry: 1000\n\n", .size = 13}};
    struct source *source = request == NULL ? NULL : source_find(events, wish->tenant);
    if (request != NULL && (source == NULL || events->listeners_count >= LISTENERS_MAX))
        http_reply_problem(request, 503, "Busy; please try again", "too many streams", 5);
    else if (request != NULL)
        wish->listener->stream =
            http_stream_start(request, &HEAD, FEED_BACKLOG_BYTES, on_stream, wish->listener);
    if (wish->listener->stream != NULL) {
        source_wake(source, wish->start);
        feed_join(source->feed, wish->listener, wish->last_id);
        wish->listener = NULL;
        events->listeners_count++;
    }
    wish_free(wish);
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
    buf_add_char(&text, '\0');
    char *copy = text.is_failed ? NULL : mem_strdup((const char *)text.data);
    buf_done(&text);
    return copy;
}

static enum rc read_start(struct call *call, char **ret_start, struct err *err)
{
    static const char SQL[] =
        "select jsonb_build_object('streams', coalesce(jsonb_object_agg(stream_no, next_offset), "
        "'{}'))::text from kasumori.kafka_offset";
    struct db_result *result;
    enum rc rc = db_run(call->db, "events_start", SQL, NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    char *start = mem_strdup((const char *)db_result_bytes(result, 0, 0).data);
    db_result_free(result);
    if (start == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    *ret_start = start;
    return RC_OK;
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
    wish->events = call->state->events;
    int64_t most_us = clock_now_us(clock_real()) + CHECKED_FOR_US;
    listener->expires_at_us =
        call->caller->expires_at_us < most_us ? call->caller->expires_at_us : most_us;
    listener->sees_cases = call->caller->role != ROLE_ADMIN;
    listener->sites = join_sites(call->caller);
    enum rc rc = listener->sites == NULL ? err_set(err, RC_RETRY, "out of memory")
                                         : read_start(call, &wish->start, err);
    if (rc != RC_OK) {
        wish_free(wish);
        return rc;
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
    events->timer = loop_every(state->loop, PROBE_EVERY_US, on_tick, events);
    const struct pool_config config = {.database = state->config->database,
                                       .threads = 1,
                                       .waiting_max = 1,
                                       .schema_least = MONITOR_SCHEMA_LEAST,
                                       .schema_most = MONITOR_SCHEMA_MOST};
    enum rc rc = events->params == NULL || events->timer == NULL
                     ? err_set(err, RC_RETRY, "out of memory")
                     : pool_new(state->loop, &config, &events->pool, err);
    if (rc == RC_OK)
        *ret_events = events;
    else
        events_free(events);
    return rc;
}

void events_free(struct events *events)
{
    if (events == NULL)
        return;
    loop_watch_free(events->timer);
    if (events->pool != NULL)
        pool_free(events->pool);
    for (size_t i = 0; i < events->sources_count; i++)
        source_free(events->sources[i]);
    db_params_free(events->params);
    buf_done(&events->question);
    mem_free(events);
}
