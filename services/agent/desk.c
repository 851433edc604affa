/* The form's thread, and who signs in. Invariant: a PIN is looked at only after the throttle let
   its code and its peer pass, and a job comes back on the done queue exactly once. */
#include "services/agent/desk.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/desk_internal.h"
#include "services/agent/receipt.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/log/log.h"

enum { POLL_MS = 60000, ANSWER_BYTES = 4096, CODE_TRIES = 5, PEER_TRIES = 20, DEPTH_MAX = 2 };

void desk_job_init(struct desk_job *job, enum desk_kind kind)
{
    *job = (struct desk_job){.kind = kind};
    buf_init(&job->body, DESK_BODY_BYTES);
    buf_init(&job->answer, ANSWER_BYTES);
}

void desk_job_done(struct desk_job *job)
{
    if (job->body.data != NULL)
        explicit_bzero(job->body.data, job->body.capacity);
    buf_done(&job->body);
    buf_done(&job->answer);
}

void desk_refuse(struct desk_job *job, int status, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(job->why.text, sizeof(job->why.text), fmt, args);
    va_end(args);
    job->status = status;
    job->code = code;
}

int desk_may_try(struct desk *desk, struct desk_job *job, const struct throttle *throttle,
                 const char *key)
{
    int64_t wait_us = throttle_wait_us(throttle, key, clock_mono_us(desk->config.clock));
    if (wait_us == 0)
        return 1;
    job->retry_after_s = (int)(wait_us / CLOCK_US_PER_S) + 1;
    desk_refuse(job, 429, "locked", "too many wrong tries");
    return 0;
}

/* -- signing in -- */

static int member_text(const struct jsonio_value *object, const char *key, struct slice *ret_text)
{
    const struct jsonio_value *value = jsonio_find(object, key);
    if (value == NULL || jsonio_type(value) != JSONIO_TYPE_STRING)
        return 0;
    *ret_text = jsonio_string(value);
    return 1;
}

static void check_pin(struct desk *desk, struct desk_job *job, struct slice code, struct slice pin)
{
    char code_key[THROTTLE_KEY_BYTES];
    struct workers workers;
    snprintf(code_key, sizeof(code_key), "%.*s", (int)code.size, (const char *)code.data);
    if (!desk_may_try(desk, job, &desk->codes, code_key) ||
        !desk_may_try(desk, job, &desk->peers, job->peer))
        return;
    if (workers_load(desk->config.workers_file, &workers, &job->why) != RC_OK) {
        log_error("could not let a worker sign in: %s", job->why.text);
        desk_refuse(job, 503, "no_workers", "the list of workers cannot be read");
        return;
    }
    const struct worker *worker = workers_find(&workers, code);
    int is_right = password_is_right(worker == NULL ? desk->nobody.hash : worker->hash, pin);
    int64_t now_us = clock_mono_us(desk->config.clock);
    if (worker != NULL && is_right) {
        throttle_succeed(&desk->codes, code_key);
        memcpy(job->signed_in, worker->code, sizeof(job->signed_in));
        job->status = 200;
        buf_addf(&job->answer, "{\"worker\":\"%s\"}\n", worker->code);
    } else {
        throttle_fail(&desk->codes, code_key, CODE_TRIES, now_us);
        throttle_fail(&desk->peers, job->peer, PEER_TRIES, now_us);
        metrics_add(desk->config.metrics, AGENT_METRIC_SIGN_IN_REFUSED, 1);
        desk_refuse(job, 401, "wrong_pin", "the code or the PIN is wrong");
    }
    workers_done(&workers);
}

static void sign_in(struct desk *desk, struct desk_job *job)
{
    struct jsonio_doc *doc;
    struct slice code, pin;
    if (desk->config.workers_file == NULL) {
        desk_refuse(job, 404, "no_workers", "nobody signs in at this agent");
        return;
    }
    if (jsonio_parse(buf_slice(&job->body), DEPTH_MAX, &doc, &job->why) != RC_OK) {
        desk_refuse(job, 400, "bad_form", "want a JSON object with code and pin");
        return;
    }
    const struct jsonio_value *root = jsonio_root(doc);
    if (jsonio_type(root) != JSONIO_TYPE_OBJECT || !member_text(root, "code", &code) ||
        !member_text(root, "pin", &pin) || !workers_is_code(code) || pin.size == 0 ||
        pin.size > WORKERS_PIN_MAX)
        desk_refuse(job, 400, "bad_form", "want code and pin");
    else
        check_pin(desk, job, code, pin);
    jsonio_doc_free(doc);
}

/* A worker taken off the list is out at once, whatever the session says. */
static int is_still_worker(struct desk *desk, struct desk_job *job)
{
    struct workers workers;
    if (job->worker[0] == '\0')
        return 1;
    if (workers_load(desk->config.workers_file, &workers, &job->why) != RC_OK) {
        log_error("could not check a worker: %s", job->why.text);
        desk_refuse(job, 503, "no_workers", "the list of workers cannot be read");
        return 0;
    }
    int is_there = workers_find(&workers, slice_str(job->worker)) != NULL;
    workers_done(&workers);
    if (!is_there)
        desk_refuse(job, 401, "signed_out", "the worker is no longer on the list");
    return is_there;
}

/* -- the thread -- */

static void do_job(struct desk *desk, struct desk_job *job)
{
    switch (job->kind) {
    case DESK_KIND_SIGN_IN:
        sign_in(desk, job);
        break;
    case DESK_KIND_FORM:
        if (is_still_worker(desk, job))
            desk_form(desk, job);
        break;
    case DESK_KIND_RECEIPT:
        desk_receipt(desk, job);
        break;
    }
    if (job->answer.is_failed)
        desk_refuse(job, 503, "busy", "out of memory");
    enum rc rc = queue_give(desk->config.done, job);
    CHECK(rc == RC_OK);
}

static void expire(struct desk *desk)
{
    struct err err;
    int64_t now_us = clock_mono_us(desk->config.clock);
    if (now_us < desk->expire_at_us)
        return;
    desk->expire_at_us = now_us + CLOCK_US_PER_HOUR;
    if (receipt_expire(desk->kept, clock_now_us(desk->config.clock), &err) != RC_OK)
        log_error("could not forget old receipts: %s", err.text);
}

static void *run(void *ctx)
{
    struct desk *desk = ctx;
    while (!queue_is_over(desk->jobs)) {
        struct desk_job *job;
        expire(desk);
        if (queue_wait(desk->jobs, (void **)&job, 1, POLL_MS) == 1)
            do_job(desk, job);
    }
    return NULL;
}

static void desk_free(struct desk *desk)
{
    queue_free(desk->jobs);
    queue_free(desk->stored);
    arena_free(desk->arena);
    intake_done(&desk->intake);
    kept_close(desk->kept);
    mem_free(desk);
}

static enum rc open_all(struct desk *desk, struct err *err)
{
    const struct desk_config *config = &desk->config;
    struct workers workers;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/forms.db", config->dir);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(err, RC_REJECT, "the spool's path is too long");
    enum rc rc = kept_open(path, NULL, &desk->kept, err);
    if (rc == RC_OK)
        rc = intake_init(&desk->intake, config->bundle, config->roster, err);
    if (rc == RC_OK && config->workers_file != NULL) {
        rc = workers_load(config->workers_file, &workers, err);
        if (rc == RC_OK) {
            workers_done(&workers);
            rc = password_hash(slice_str("nobody"), desk->nobody.hash, err);
        }
    }
    if (rc != RC_OK)
        return rc;
    desk->jobs = queue_new(DESK_JOBS);
    desk->stored = queue_new(1);
    desk->arena = arena_new(LIMIT_INTAKE_ARENA_BYTES);
    if (desk->jobs == NULL || desk->stored == NULL || desk->arena == NULL)
        return err_set(err, RC_RETRY, "out of memory or descriptors");
    return RC_OK;
}

enum rc desk_start(const struct desk_config *config, struct desk **ret_desk, struct err *err)
{
    struct desk *desk = mem_zalloc(sizeof(*desk));
    if (desk == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    desk->config = *config;
    enum rc rc = open_all(desk, err);
    if (rc == RC_OK && pthread_create(&desk->thread, NULL, run, desk) != 0)
        rc = err_set(err, RC_RETRY, "could not start the form's thread: %m");
    if (rc != RC_OK) {
        desk_free(desk);
        return rc;
    }
    *ret_desk = desk;
    return RC_OK;
}

enum rc desk_give(struct desk *desk, struct desk_job *job)
{
    return queue_give(desk->jobs, job);
}

void desk_stop(struct desk *desk)
{
    if (desk == NULL)
        return;
    queue_close(desk->jobs);
    pthread_join(desk->thread, NULL);
    desk_free(desk);
}
