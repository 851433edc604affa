/* From a request to its answer. Invariant: a handler runs only for a caller that its row lets in,
   in a transaction that has entered that caller's tenant; and what was answered as done is
   committed. */
#include "services/monitor/serve.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/base/utf8.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/log/log.h"
#include "services/monitor/lookup.h"
#include "services/monitor/metric.h"
#include "services/monitor/problem.h"
#include "services/monitor/repeat.h"

enum { HEADERS_MAX = 8, BUSY_S = 2 };

struct serve_job *serve_job_of(struct batch_item *item)
{
    return (struct serve_job *)((char *)item - offsetof(struct serve_job, item));
}

/* ---- letting in ---- */

static int is_json(const char *type)
{
    static const char JSON[] = "application/json";
    size_t size = sizeof(JSON) - 1;
    if (type == NULL || strncasecmp(type, JSON, size) != 0)
        return 0;
    return type[size] == '\0' || type[size] == ';' || type[size] == ' ';
}

static enum rc check_post(struct serve_job *job)
{
    struct call *call = &job->call;
    if (!is_json(call_header(call, "Content-Type")))
        return call_problem(call, 415, "bad_type", "Content-Type", NULL);
    if (job->way != CALLER_MACHINE && !caller_is_same_origin(call))
        return call_problem(call, 403, "cross_site", NULL,
                            "want \"X-Kasumori: 1\" and an Origin that is this host");
    return RC_OK;
}

static enum rc check_caller(struct serve_job *job)
{
    const struct route *route = job->call.route;
    const struct caller *caller = &job->caller;
    if (route->roles == 0)
        return RC_OK;
    if (job->way == CALLER_NOBODY)
        return call_problem(&job->call, 401, "unauthenticated", NULL, NULL);
    if ((route->roles & caller->role) == 0)
        return call_problem(&job->call, 403, "forbidden", NULL, NULL);
    if (caller->role == ROLE_MACHINE && (route->scopes & caller->scopes) == 0)
        return call_problem(&job->call, 403, "forbidden", NULL,
                            "the key's scope does not cover this");
    return RC_OK;
}

enum rc serve_check(struct serve_job *job)
{
    enum rc rc = check_caller(job);
    return rc == RC_OK && job->call.route->method == HTTP_METHOD_POST ? check_post(job) : rc;
}

static enum rc check_purpose(struct call *call)
{
    const char *purpose = call_query(call, "purpose");
    struct slice text = slice_str(purpose);
    int is_blank = 1;
    if ((call->route->flags & ROUTE_PURPOSE) == 0)
        return RC_OK;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return call_problem(call, 400, "bad_parameter", "purpose", "holds a control character");
        is_blank &= text.data[i] == ' ';
    }
    if (is_blank)
        return call_problem(call, 400, "purpose_missing", "purpose", NULL);
    if (!utf8_is_valid(text) || utf8_length(text) > LIMIT_MONITOR_PURPOSE_CHARS)
        return call_problem(call, 400, "bad_parameter", "purpose", "want up to 256 characters");
    return RC_OK;
}

/* ---- the answer's version ---- */

/* header: one or more quoted tags, perhaps weak, or "*". */
static int is_tag_in(const char *header, struct slice etag)
{
    if (strcmp(header, "*") == 0)
        return 1;
    for (const char *at = strchr(header, '"'); at != NULL; at = strchr(at, '"')) {
        const char *end = strchr(at + 1, '"');
        if (end == NULL)
            return 0;
        if (slice_is_equal(slice_of(at + 1, (size_t)(end - at - 1)), etag))
            return 1;
        at = end + 1;
    }
    return 0;
}

static const char *version_header(const struct call *call)
{
    return call_header(call, call->route->method == HTTP_METHOD_GET ? "If-None-Match" : "If-Match");
}

/* A 304 shows nothing, so it leaves no row that says that something was looked at. */
static enum rc check_version(struct call *call, struct err *err)
{
    const char *header = version_header(call);
    if (call->etag.size == 0 || header == NULL)
        return RC_OK;
    int is_same = is_tag_in(header, call->etag);
    if (call->route->method == HTTP_METHOD_POST)
        return is_same ? RC_OK : call_problem(call, 412, "stale", "If-Match", NULL);
    if (!is_same)
        return RC_OK;
    buf_reset(&call->out);
    call->status = 304;
    return db_exec(call->db, "rollback to savepoint handled", err);
}

static enum rc run_route(struct call *call, struct err *err)
{
    CHECK(call->route->run != NULL); /* ROUTE_LOOKUP lets only keys in, and those came elsewhere */
    enum rc rc = RC_OK;
    if (call->route->method == HTTP_METHOD_GET && version_header(call) != NULL)
        rc = db_exec(call->db, "savepoint handled", err);
    if (rc == RC_OK)
        rc = call->route->run(call, err);
    return rc == RC_OK ? check_version(call, err) : rc;
}

/* ---- in the transaction ---- */

static enum rc run_in(struct serve_job *job, struct err *err)
{
    struct call *call = &job->call;
    int is_answered = 0;
    enum rc rc = RC_OK;
    if (call->route->roles != 0)
        rc = caller_enter(call, &job->caller, &job->way, err);
    if (rc == RC_OK)
        rc = serve_check(job);
    if (rc == RC_OK)
        rc = check_purpose(call);
    if (rc == RC_OK && (call->route->flags & ROUTE_REPEATABLE) != 0)
        rc = repeat_find(call, &is_answered, err);
    if (rc != RC_OK || is_answered)
        return rc;
    rc = run_route(call, err);
    if (rc == RC_OK && (call->route->flags & ROUTE_REPEATABLE) != 0)
        rc = repeat_keep(call, err);
    return rc;
}

static enum rc transact(struct serve_job *job, struct err *err)
{
    struct call *call = &job->call;
    enum rc rc = db_exec(call->db, "begin; set local role kasumori_monitor", err);
    if (rc != RC_OK)
        return rc;
    rc = run_in(job, err);
    if (rc == RC_OK && call->out.is_failed)
        rc = err_set(err, RC_FULL, "the answer is larger than may be sent");
    if (rc == RC_OK)
        return db_exec(call->db, "commit", err);
    struct err ignored;
    if (db_exec(call->db, "rollback", &ignored) != RC_OK)
        log_debug("%s: %s", call->route->path, ignored.text); /* a lost connection rolls back */
    return rc;
}

void serve_fail(struct serve_job *job, enum rc rc, const struct err *err)
{
    struct call *call = &job->call;
    enum rc ignored = RC_OK;
    switch (rc) {
    case RC_OK:
        return;
    case RC_REJECT:
        if (call->status < 400) { /* the database refused a value */
            log_warn("%s: %s", call->route->path, err->text);
            ignored = call_problem(call, 400, "bad_parameter", NULL, NULL);
        }
        break;
    case RC_RETRY:
        log_warn("%s: %s", call->route->path, err->text);
        ignored = call_problem(call, 503, "database_away", NULL, NULL);
        call->retry_after_s = BUSY_S;
        break;
    case RC_FULL:
    case RC_CORRUPT:
    case RC_FATAL:
        log_error("%s: %s", call->route->path, err->text);
        metrics_add(call->state->metrics, METRIC_CALLS_FAILED, 1);
        ignored = call_problem(call, 500, "internal", NULL, NULL);
        break;
    }
    (void)ignored;
}

static void drop_take_over(struct call *call)
{
    if (call->take_over != NULL)
        call->take_over(call->take_over_ctx, NULL);
    call->take_over = NULL;
}

static void on_run(struct pool_task *task, struct db *db, const struct err *away)
{
    struct serve_job *job = (struct serve_job *)task;
    struct err err = {.rc = RC_OK};
    job->call.db = db;
    if (db == NULL)
        err = *away;
    enum rc rc = db == NULL ? RC_RETRY : transact(job, &err);
    if (rc != RC_OK)
        drop_take_over(&job->call);
    serve_fail(job, rc, &err);
}

/* ---- replying ---- */

static void add_header(struct http_header *headers, size_t *count, const char *name,
                       const char *value)
{
    headers[(*count)++] = (struct http_header){name, value};
}

static void reply(struct serve_job *job)
{
    const struct call *call = &job->call;
    struct http_header headers[HEADERS_MAX];
    size_t count = 0;
    char etag[128];
    char seconds[16];
    snprintf(etag, sizeof(etag), "\"%.*s\"", (int)call->etag.size, (const char *)call->etag.data);
    snprintf(seconds, sizeof(seconds), "%d", call->retry_after_s);
    if (call->etag.size > 0)
        add_header(headers, &count, "ETag", etag);
    if (call->cookie.size > 0)
        add_header(headers, &count, "Set-Cookie", (const char *)call->cookie.data);
    if (call->disposition.size > 0)
        add_header(headers, &count, "Content-Disposition", (const char *)call->disposition.data);
    if (call->retry_after_s > 0)
        add_header(headers, &count, "Retry-After", seconds);
    if (call->status == 401)
        add_header(headers, &count, "WWW-Authenticate", "Bearer");
    const char *type = call->type == NULL ? "application/json" : call->type;
    int is_empty = call->status == 204 || call->status == 304;
    const struct http_answer answer = {.status = call->status,
                                       .type = is_empty ? NULL : type,
                                       .body = buf_slice(&call->out),
                                       .headers = headers,
                                       .headers_count = count};
    http_reply_answer(job->request, &answer);
}

static void job_free(struct serve_job *job)
{
    jsonio_doc_free(job->call.json);
    buf_done(&job->call.out);
    arena_free(job->call.arena);
    mem_free(job);
}

void serve_finish(struct serve_job *job)
{
    struct call *call = &job->call;
    if (call->take_over != NULL)
        call->take_over(call->take_over_ctx, job->request);
    else
        reply(job);
    job_free(job);
}

static void on_done(struct pool_task *task)
{
    serve_finish((struct serve_job *)task);
}

static void reply_busy(struct http_request *request)
{
    const struct problem problem = {.status = 503, .code = "busy"};
    static const struct http_header RETRY[] = {{"Retry-After", "1"}};
    struct buf body;
    buf_init(&body, LIMIT_STRING_BYTES * 2);
    problem_write(&problem, caller_is_japanese(http_request_header(request, "Accept-Language")),
                  &body);
    const struct http_answer answer = {.status = 503,
                                       .type = "application/problem+json",
                                       .body = buf_slice(&body),
                                       .headers = RETRY,
                                       .headers_count = 1};
    http_reply_answer(request, &answer);
    buf_done(&body);
}

static struct serve_job *job_make(struct monitor_state *state, const struct route *route,
                                  struct http_request *request)
{
    struct serve_job *job = mem_zalloc(sizeof(*job));
    struct arena *arena = arena_new(LIMIT_MONITOR_ARENA_BYTES);
    if (job == NULL || arena == NULL) {
        arena_free(arena);
        mem_free(job);
        return NULL;
    }
    job->task = (struct pool_task){.run = on_run, .done = on_done};
    job->request = request;
    job->caller.is_japanese = caller_is_japanese(http_request_header(request, "Accept-Language"));
    job->call = (struct call){.caller = &job->caller,
                              .arena = arena,
                              .body = http_request_body(request),
                              .status = 200,
                              .request = request,
                              .route = route,
                              .state = state};
    buf_init(&job->call.out, LIMIT_MONITOR_ANSWER_BYTES);
    return job;
}

static enum rc give(struct monitor_state *state, struct serve_job *job)
{
    int is_lookup = (job->call.route->flags & ROUTE_LOOKUP) != 0;
    if (is_lookup && call_header(&job->call, "Authorization") != NULL)
        return lookup_give(state->lookups, job);
    return pool_give(state->pool, &job->task);
}

void serve(struct monitor_state *state, const struct route *route, struct http_request *request)
{
    struct serve_job *job = job_make(state, route, request);
    metrics_add(state->metrics, METRIC_CALLS, 1);
    if (job != NULL && give(state, job) == RC_OK)
        return;
    metrics_add(state->metrics, METRIC_CALLS_REFUSED, 1);
    if (job != NULL)
        job_free(job);
    reply_busy(request);
}
