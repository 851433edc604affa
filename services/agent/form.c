/* What the form's pages ask, on the loop. Invariant: nothing is read from a body before the request
   was found to come from a page of ours, and every job given to the desk is answered once. */
#include "services/agent/form.h"

#include <stdio.h>
#include <string.h>

#include "services/agent/desk.h"
#include "services/agent/origin.h"
#include "services/agent/session.h"
#include "services/agent/throttle.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/jsonio/jsonio.h"

#define SESSION_MOST_US (12 * CLOCK_US_PER_HOUR)
#define NOBODY_EVERY_US (5 * CLOCK_US_PER_S) /* one report without a sign-in … */

enum { NOBODY_MOST = 60, /* … and so many at once */ CONFIG_BYTES = 64 * 1024, COOKIE_BYTES = 160 };

struct form {
    struct form_config config;
    struct sessions sessions;
    struct desk *desk;
    struct queue *done;
    struct loop_watch *watch;
    size_t outstanding;
    int is_tls;
    int64_t nobody_us; /* what is left of the allowance, as time; full: NOBODY_MOST * EVERY */
    int64_t nobody_at_us;
};

static int64_t now_us(const struct form *form)
{
    return clock_mono_us(form->config.clock);
}

/* -- answers -- */

struct problem {
    int status;
    const char *code;
    const char *why;
    const char *place;
    int retry_after_s;
};

static void reply_problem(struct http_request *request, const struct problem *problem)
{
    char retry_after[16];
    struct buf body;
    buf_init(&body, 4096);
    buf_addf(&body, "{\"type\":\"about:blank\",\"status\":%d,\"title\":\"%s\",\"code\":\"%s\"",
             problem->status, problem->code, problem->code);
    buf_add_str(&body, ",\"detail\":");
    jsonio_write_string(&body, slice_str(problem->why));
    if (problem->place != NULL && problem->place[0] != '\0') {
        buf_add_str(&body, ",\"place\":");
        jsonio_write_string(&body, slice_str(problem->place));
    }
    buf_add_str(&body, "}\n");
    snprintf(retry_after, sizeof(retry_after), "%d", problem->retry_after_s);
    const struct http_header header = {"Retry-After", retry_after};
    const struct http_answer answer = {
        .status = problem->status,
        .type = "application/problem+json",
        .body = buf_slice(&body),
        .headers = &header,
        .headers_count = problem->retry_after_s > 0,
    };
    http_reply_answer(request, &answer);
    buf_done(&body);
}

static void reply_signed_in(struct form *form, const struct desk_job *job)
{
    struct http_request *request = job->ctx;
    char id[SESSION_TEXT_BYTES], cookie[COOKIE_BYTES];
    struct err err;
    if (session_begin(&form->sessions, job->signed_in, now_us(form), id, &err) != RC_OK) {
        reply_problem(request, &(struct problem){503, "busy", err.text, NULL, 1});
        return;
    }
    snprintf(cookie, sizeof(cookie), "%s=%s; Path=/form; HttpOnly; SameSite=Strict%s",
             SESSION_COOKIE, id, form->is_tls ? "; Secure" : "");
    const struct http_header header = {"Set-Cookie", cookie};
    const struct http_answer answer = {.status = 200,
                                       .type = "application/json",
                                       .body = buf_slice(&job->answer),
                                       .headers = &header,
                                       .headers_count = 1};
    http_reply_answer(request, &answer);
    explicit_bzero(id, sizeof(id));
    explicit_bzero(cookie, sizeof(cookie));
}

/* What the desk found, and what headquarters said of it so far. */
static void reply_receipt(struct form *form, struct desk_job *job)
{
    static const char *const STATES[] = {
        [REVIEW_UNKNOWN] = "delivered",   [REVIEW_RECEIVED] = "delivered",
        [REVIEW_IN_REVIEW] = "in_review", [REVIEW_JUDGED] = "judged",
        [REVIEW_WITHDRAWN] = "withdrawn",
    };
    int is_current = 0;
    const char *state = "stored";
    if (job->is_delivered)
        state = STATES[review_of(form->config.review, &job->record_id, &is_current)];
    buf_addf(&job->answer, ",\"state\":\"%s\",\"isCurrent\":%s}\n", state,
             is_current ? "true" : "false");
    http_reply(job->ctx, 200, "application/json", buf_slice(&job->answer));
}

static void reply(struct form *form, struct desk_job *job)
{
    struct http_request *request = job->ctx;
    if (job->status >= 300) {
        if (strcmp(job->code, "signed_out") == 0)
            session_end_worker(&form->sessions, job->worker);
        reply_problem(request, &(struct problem){job->status, job->code, job->why.text, job->place,
                                                 job->retry_after_s});
    } else if (job->kind == DESK_KIND_SIGN_IN) {
        reply_signed_in(form, job);
    } else if (job->kind == DESK_KIND_RECEIPT) {
        reply_receipt(form, job);
    } else {
        http_reply(request, job->status, "application/json", buf_slice(&job->answer));
    }
}

static void on_done(void *ctx)
{
    struct form *form = ctx;
    struct desk_job *job;
    while (queue_take(form->done, (void **)&job, 1) == 1) {
        form->outstanding--;
        reply(form, job);
        desk_job_done(job);
        mem_free(job);
    }
}

/* -- who may ask -- */

/* 0: refused. */
static int is_ours(struct form *form, struct http_request *request)
{
    enum origin origin = origin_of(request, form->is_tls, NULL);
    if (!form->config.agent->form.is_enabled) {
        reply_problem(request, &(struct problem){404, "no_form", "there is no form here", NULL, 0});
    } else if (origin == ORIGIN_FOREIGN) {
        reply_problem(request, &(struct problem){403, "foreign", "another page asked", NULL, 0});
    } else {
        return 1;
    }
    return 0;
}

static int may_post(struct form *form, struct http_request *request)
{
    if (!is_ours(form, request))
        return 0;
    if (http_request_header(request, "X-Kasumori") == NULL) {
        reply_problem(request, &(struct problem){403, "foreign", "want X-Kasumori", NULL, 0});
        return 0;
    }
    if (!origin_sends_json(request)) {
        reply_problem(request,
                      &(struct problem){415, "bad_form", "want application/json", NULL, 0});
        return 0;
    }
    return 1;
}

static const char *worker_of(struct form *form, struct http_request *request)
{
    return session_worker(&form->sessions, http_request_header(request, "Cookie"), now_us(form));
}

/* Whether one more may be stored for somebody who did not sign in. */
static int take_allowance(struct form *form)
{
    int64_t at_us = now_us(form);
    form->nobody_us += at_us - form->nobody_at_us;
    form->nobody_at_us = at_us;
    if (form->nobody_us > NOBODY_MOST * NOBODY_EVERY_US)
        form->nobody_us = NOBODY_MOST * NOBODY_EVERY_US;
    if (form->nobody_us < NOBODY_EVERY_US)
        return 0;
    form->nobody_us -= NOBODY_EVERY_US;
    return 1;
}

/* -- to the desk -- */

static struct desk_job *job_new(struct form *form, struct http_request *request,
                                enum desk_kind kind)
{
    struct slice body = http_request_body(request);
    const char *worker = worker_of(form, request);
    struct desk_job *job = mem_zalloc(sizeof(*job));
    if (job == NULL)
        return NULL;
    desk_job_init(job, kind);
    job->ctx = request;
    buf_add(&job->body, body.data, body.size);
    snprintf(job->worker, sizeof(job->worker), "%s", worker == NULL ? "" : worker);
    http_peer_group(http_request_peer(request), job->peer);
    if (!job->body.is_failed)
        return job;
    desk_job_done(job);
    mem_free(job);
    return NULL;
}

static void give(struct form *form, struct http_request *request, struct desk_job *job)
{
    if (job != NULL && form->outstanding < DESK_JOBS) {
        enum rc rc = desk_give(form->desk, job);
        CHECK(rc == RC_OK);
        form->outstanding++;
        return;
    }
    if (job != NULL)
        desk_job_done(job);
    mem_free(job);
    reply_problem(request, &(struct problem){503, "busy", "too many forms wait", NULL, 1});
}

void form_handle_sign_in(struct form *form, struct http_request *request)
{
    if (may_post(form, request))
        give(form, request, job_new(form, request, DESK_KIND_SIGN_IN));
}

void form_handle_receipt(struct form *form, struct http_request *request)
{
    if (may_post(form, request))
        give(form, request, job_new(form, request, DESK_KIND_RECEIPT));
}

void form_handle_entry(struct form *form, struct http_request *request, enum form_kind kind)
{
    if (!may_post(form, request))
        return;
    struct desk_job *job = job_new(form, request, DESK_KIND_FORM);
    if (job != NULL)
        job->form = kind;
    if (job != NULL && job->worker[0] == '\0' && !take_allowance(form)) {
        desk_job_done(job);
        mem_free(job);
        reply_problem(request,
                      &(struct problem){429, "locked", "too many reports without a sign-in", NULL,
                                        NOBODY_EVERY_US / CLOCK_US_PER_S});
        return;
    }
    give(form, request, job);
}

/* -- at once -- */

void form_handle_sign_out(struct form *form, struct http_request *request)
{
    if (!may_post(form, request))
        return;
    session_end(&form->sessions, http_request_header(request, "Cookie"));
    const struct http_header header = {"Set-Cookie", SESSION_COOKIE
                                       "=; Path=/form; HttpOnly; SameSite=Strict; Max-Age=0"};
    const struct http_answer answer = {.status = 204, .headers = &header, .headers_count = 1};
    http_reply_answer(request, &answer);
}

static int may_look_up(const struct form *form, const char *worker)
{
    const struct agent_config *agent = form->config.agent;
    if (agent->form.workers_file != NULL)
        return worker != NULL;
    return agent->http.key_file == NULL; /* what needs no key needs no sign-in */
}

void form_handle_caller(struct form *form, struct http_request *request)
{
    if (!may_post(form, request))
        return;
    if (may_look_up(form, worker_of(form, request)))
        caller_ask(form->config.caller, request, ORIGIN_OWN);
    else
        reply_problem(request, &(struct problem){401, "signed_out", "sign in first", NULL, 0});
}

void form_handle_config(struct form *form, struct http_request *request)
{
    if (!is_ours(form, request))
        return;
    const struct agent_config *agent = form->config.agent;
    const struct agent_spot *spots = agent->form.spots.items;
    const char *worker = worker_of(form, request);
    struct buf body;
    buf_init(&body, CONFIG_BYTES);
    buf_add_str(&body, "{\"site\":");
    jsonio_write_string(&body, slice_str(form->config.bundle->site));
    buf_addf(&body, ",\"worker\":%s%s%s,\"hasWorkers\":%s,\"hasLookup\":%s,\"mayLookUp\":%s",
             worker == NULL ? "" : "\"", worker == NULL ? "null" : worker,
             worker == NULL ? "" : "\"", agent->form.workers_file == NULL ? "false" : "true",
             agent->lookup.url == NULL ? "false" : "true",
             may_look_up(form, worker) ? "true" : "false");
    buf_add_str(&body, ",\"spots\":[");
    for (size_t i = 0; i < agent->form.spots.count; i++) {
        buf_add_str(&body, i == 0 ? "" : ",");
        jsonio_write_string(&body, slice_str(spots[i].name));
    }
    buf_add_str(&body, "],\"categories\":[");
    for (size_t i = 0; form_categories[i] != NULL; i++)
        buf_addf(&body, "%s\"%s\"", i == 0 ? "" : ",", form_categories[i]);
    buf_add_str(&body, "]}\n");
    http_reply(request, 200, "application/json", buf_slice(&body));
    buf_done(&body);
}

/* -- start and stop -- */

static enum rc start_desk(struct form *form, struct err *err)
{
    const struct form_config *config = &form->config;
    const struct desk_config desk = {
        .bundle = config->bundle,
        .roster = config->roster,
        .spots = &config->agent->form.spots,
        .workers_file = config->agent->form.workers_file,
        .dir = config->agent->spool.dir,
        .keeper = config->keeper,
        .metrics = config->metrics,
        .clock = config->clock,
        .done = form->done,
    };
    return desk_start(&desk, &form->desk, err);
}

enum rc form_start(const struct form_config *config, struct form **ret_form, struct err *err)
{
    struct form *form = mem_zalloc(sizeof(*form));
    if (form == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    form->config = *config;
    form->is_tls = config->agent->http.tls_key_file != NULL;
    form->sessions.idle_us = config->agent->form.session_idle_us;
    form->sessions.most_us = SESSION_MOST_US;
    form->nobody_us = NOBODY_MOST * NOBODY_EVERY_US;
    form->nobody_at_us = now_us(form);
    form->done = queue_new(DESK_JOBS);
    if (form->done != NULL)
        form->watch = loop_readable(config->loop, queue_fd(form->done), on_done, form);
    enum rc rc = RC_OK;
    if (form->watch == NULL)
        rc = err_set(err, RC_RETRY, "out of memory or descriptors");
    if (rc == RC_OK && config->agent->form.is_enabled)
        rc = start_desk(form, err);
    if (rc != RC_OK) {
        form_stop(form);
        return rc;
    }
    *ret_form = form;
    return RC_OK;
}

void form_stop(struct form *form)
{
    if (form == NULL)
        return;
    desk_stop(form->desk);
    if (form->done != NULL)
        on_done(form);
    CHECK(form->outstanding == 0);
    loop_watch_free(form->watch);
    queue_free(form->done);
    explicit_bzero(&form->sessions, sizeof(form->sessions));
    mem_free(form);
}
