/* The look-up on the loop. Invariant: "unknown" is said only when the center said it, whole and in
   time; everything else is "unavailable". No number is in an answer, a log or a metric. */
#include "services/agent/caller.h"

#include <stdio.h>
#include <string.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/caller_text.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/fetch/fetch.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/log/log.h"

enum { QUESTION_BYTES = 4096, ANSWER_ROOM = 256 };

struct caller {
    struct caller_config config;
    struct fetch *fetch; /* NULL: not configured */
    struct queue *done;
    struct loop_watch *watch;
    size_t outstanding;
    enum fetch_outcome logged; /* so that one outage is one line */
    int is_tls;
};

/* A question under way. */
struct asked {
    struct fetch_job job;
    struct http_request *request;
    enum origin origin;
    struct buf body;
};

/* -- answers -- */

static void reply_status(struct caller *caller, struct http_request *request, enum origin origin,
                         int status, struct slice body)
{
    const struct http_header headers[] = {
        {"Vary", "Origin"},
        {"Access-Control-Allow-Origin", caller->config.agent->lookup.allow_origin},
    };
    const struct http_answer answer = {
        .status = status,
        .type = status < 300 ? "application/json" : "application/problem+json",
        .body = body,
        .headers = headers,
        .headers_count = origin == ORIGIN_ALLOWED ? 2 : 1,
    };
    http_reply_answer(request, &answer);
}

static void reply(struct caller *caller, struct http_request *request, enum origin origin,
                  struct slice body)
{
    reply_status(caller, request, origin, 200, body);
}

static void reply_state(struct caller *caller, struct http_request *request, enum origin origin,
                        const char *state, const char *reason)
{
    char text[128];
    int n = snprintf(text, sizeof(text), "{\"state\":\"%s\",\"reason\":\"%s\"}\n", state, reason);
    reply(caller, request, origin, slice_of(text, (size_t)n));
}

static void reply_unavailable(struct caller *caller, struct http_request *request,
                              enum origin origin, const char *reason)
{
    metrics_add(caller->config.metrics, AGENT_METRIC_LOOKUPS_UNAVAILABLE, 1);
    reply_state(caller, request, origin, "unavailable", reason);
}

static void reply_lookup(struct caller *caller, const struct asked *asked, int is_known)
{
    struct buf body;
    struct slice answer = buf_slice(&asked->job.answer);
    buf_init(&body, LIMIT_FETCH_ANSWER_BYTES + ANSWER_ROOM);
    buf_addf(&body, "{\"state\":\"%s\",\"lookup\":", is_known ? "known" : "unknown");
    buf_add(&body, answer.data, answer.size);
    buf_add_str(&body, "}\n");
    if (body.is_failed) {
        reply_unavailable(caller, asked->request, asked->origin, "busy");
    } else {
        metrics_add(caller->config.metrics,
                    is_known ? AGENT_METRIC_LOOKUPS_KNOWN : AGENT_METRIC_LOOKUPS_UNKNOWN, 1);
        reply(caller, asked->request, asked->origin, buf_slice(&body));
    }
    if (body.data != NULL)
        explicit_bzero(body.data, body.capacity);
    buf_done(&body);
}

static const char *reason_of(enum fetch_outcome outcome)
{
    switch (outcome) {
    case FETCH_OUTCOME_TIMED_OUT:
        return "timeout";
    case FETCH_OUTCOME_UNREACHABLE:
        return "unreachable";
    case FETCH_OUTCOME_UNTRUSTED:
        return "untrusted";
    case FETCH_OUTCOME_ANSWERED:
    case FETCH_OUTCOME_OVERSIZED:
    case FETCH_OUTCOME_FAILED:
        break;
    }
    return "bad_answer";
}

static void log_change(struct caller *caller, enum fetch_outcome outcome, int status)
{
    if (outcome == caller->logged)
        return;
    caller->logged = outcome;
    if (outcome != FETCH_OUTCOME_ANSWERED)
        log_warn("headquarters' look-up is unavailable: %s", reason_of(outcome));
    else
        log_info("headquarters' look-up answers, status %d", status);
}

static void finish(struct caller *caller, struct asked *asked)
{
    const struct fetch_job *job = &asked->job;
    int is_known;
    log_change(caller, job->outcome, job->status);
    if (job->outcome != FETCH_OUTCOME_ANSWERED)
        reply_unavailable(caller, asked->request, asked->origin, reason_of(job->outcome));
    else if (job->status == 401 || job->status == 403)
        reply_unavailable(caller, asked->request, asked->origin, "refused");
    else if (job->status != 200)
        reply_unavailable(caller, asked->request, asked->origin,
                          job->status == 503 || job->status == 429 ? "busy" : "bad_answer");
    else if (caller_text_check_answer(buf_slice(&job->answer), &is_known) != RC_OK)
        reply_unavailable(caller, asked->request, asked->origin, "bad_answer");
    else
        reply_lookup(caller, asked, is_known);
}

static void asked_free(struct asked *asked)
{
    if (asked->job.answer.data != NULL)
        explicit_bzero(asked->job.answer.data, asked->job.answer.capacity);
    buf_done(&asked->job.answer);
    buf_done(&asked->body);
    mem_free(asked);
}

static void on_done(void *ctx)
{
    struct caller *caller = ctx;
    struct fetch_job *job;
    while (queue_take(caller->done, (void **)&job, 1) == 1) {
        struct asked *asked = job->ctx;
        caller->outstanding--;
        finish(caller, asked);
        asked_free(asked);
    }
}

/* -- questions -- */

static const char *why_not_asked(enum caller_verdict verdict)
{
    switch (verdict) {
    case CALLER_VERDICT_ASK:
    case CALLER_VERDICT_NO_NUMBER:
        break;
    case CALLER_VERDICT_WITHHELD:
        return "withheld";
    case CALLER_VERDICT_PUBLIC_PHONE:
        return "public_phone";
    case CALLER_VERDICT_OUT_OF_AREA:
        return "out_of_area";
    case CALLER_VERDICT_IMPERSONAL:
        return "impersonal";
    }
    return "no_number";
}

/* Takes asked. */
static void give(struct caller *caller, struct asked *asked)
{
    asked->job.path = "/v1/lookup";
    asked->job.body = buf_slice(&asked->body);
    asked->job.done = caller->done;
    asked->job.ctx = asked;
    enum rc rc =
        caller->outstanding == LIMIT_FETCH_JOBS ? RC_FULL : fetch_give(caller->fetch, &asked->job);
    if (rc == RC_OK) {
        caller->outstanding++;
        return;
    }
    reply_unavailable(caller, asked->request, asked->origin,
                      rc == RC_FULL ? "busy" : "unreachable");
    asked_free(asked);
}

static void refuse_bad(struct caller *caller, struct http_request *request, enum origin origin,
                       const struct err *err)
{
    struct buf body;
    buf_init(&body, ANSWER_ROOM + 2 * sizeof(err->text));
    buf_add_str(&body,
                "{\"type\":\"about:blank\",\"status\":400,\"title\":\"Bad question\",\"detail\":");
    jsonio_write_string(&body, slice_str(err->text));
    buf_add_str(&body, "}\n");
    reply_status(caller, request, origin, 400, buf_slice(&body));
    buf_done(&body);
}

void caller_ask(struct caller *caller, struct http_request *request, enum origin origin)
{
    struct asked *asked = mem_zalloc(sizeof(*asked));
    enum caller_verdict verdict = CALLER_VERDICT_NO_NUMBER;
    struct err err;
    if (asked == NULL) {
        reply_unavailable(caller, request, origin, "busy");
        return;
    }
    asked->request = request;
    asked->origin = origin;
    buf_init(&asked->body, QUESTION_BYTES);
    enum rc rc = caller_text_read(http_request_body(request), caller->config.bundle, &asked->body,
                                  &verdict, &err);
    if (rc == RC_OK && verdict == CALLER_VERDICT_ASK && caller->fetch != NULL) {
        give(caller, asked);
        return;
    }
    asked_free(asked);
    if (rc == RC_REJECT) {
        refuse_bad(caller, request, origin, &err);
    } else if (rc != RC_OK) {
        reply_unavailable(caller, request, origin, "busy");
    } else if (verdict == CALLER_VERDICT_ASK) {
        reply_unavailable(caller, request, origin, "not_configured");
    } else {
        metrics_add(caller->config.metrics, AGENT_METRIC_LOOKUPS_NOT_ASKED, 1);
        reply_state(caller, request, origin, "not_asked", why_not_asked(verdict));
    }
}

void caller_handle(struct caller *caller, struct http_request *request)
{
    enum origin origin =
        origin_of(request, caller->is_tls, caller->config.agent->lookup.allow_origin);
    if (origin == ORIGIN_FOREIGN || origin == ORIGIN_OWN)
        http_reply_problem(request, 403, "Forbidden", "this page may not ask here", 0);
    else if (!origin_sends_json(request))
        http_reply_problem(request, 415, "Unsupported media type", "want application/json", 0);
    else
        caller_ask(caller, request, origin);
}

void caller_preflight(struct caller *caller, struct http_request *request)
{
    const char *allowed = caller->config.agent->lookup.allow_origin;
    if (origin_of(request, caller->is_tls, allowed) != ORIGIN_ALLOWED) {
        http_reply_problem(request, 403, "Forbidden", "this page may not ask here", 0);
        return;
    }
    const struct http_header headers[] = {
        {"Vary", "Origin"},
        {"Access-Control-Allow-Origin", allowed},
        {"Access-Control-Allow-Methods", "POST"},
        {"Access-Control-Allow-Headers", "Content-Type, Authorization"},
        {"Access-Control-Max-Age", "600"},
        {"Access-Control-Allow-Private-Network", "true"},
    };
    int is_private = http_request_header(request, "Access-Control-Request-Private-Network") != NULL;
    const struct http_answer answer = {
        .status = 204, .headers = headers, .headers_count = is_private ? 6 : 5};
    http_reply_answer(request, &answer);
}

/* -- start and stop -- */

static enum rc start_fetch(struct caller *caller, struct err *err)
{
    const struct agent_config *agent = caller->config.agent;
    const struct fetch_config fetch = {
        .url = agent->lookup.url,
        .key_file = agent->lookup.key_file,
        .ca_file = agent->lookup.ca_file,
        .probe_path = "/readyz",
        .timeout_us = agent->lookup.timeout_us,
    };
    if (agent->lookup.url == NULL)
        return RC_OK;
    caller->done = queue_new(LIMIT_FETCH_JOBS);
    if (caller->done != NULL)
        caller->watch = loop_readable(caller->config.loop, queue_fd(caller->done), on_done, caller);
    if (caller->watch == NULL)
        return err_set(err, RC_RETRY, "out of memory or descriptors");
    return fetch_start(&fetch, &caller->fetch, err);
}

enum rc caller_start(const struct caller_config *config, struct caller **ret_caller,
                     struct err *err)
{
    struct caller *caller = mem_zalloc(sizeof(*caller));
    if (caller == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    caller->config = *config;
    caller->is_tls = config->agent->http.tls_key_file != NULL;
    enum rc rc = start_fetch(caller, err);
    if (rc != RC_OK) {
        caller_stop(caller);
        return rc;
    }
    *ret_caller = caller;
    return RC_OK;
}

void caller_stop(struct caller *caller)
{
    if (caller == NULL)
        return;
    fetch_stop(caller->fetch);
    if (caller->done != NULL)
        on_done(caller);
    CHECK(caller->outstanding == 0);
    loop_watch_free(caller->watch);
    queue_free(caller->done);
    mem_free(caller);
}
