/* A form becomes a record once. Invariant: the receipt is durable before the record is given to the
   keeper, so a second submission finds the record's id and time and makes the same record. */
#include <stdio.h>
#include <string.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/desk_internal.h"
#include "services/agent/receipt.h"
#include "services/common/base/timefmt.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/log/log.h"

enum { CODE_DRAWS = 8, RECEIPT_TRIES = 20 };

/* A submission on its way. */
struct submitted {
    struct form_entry entry;
    struct receipt receipt;
    struct receipt target; /* the report meant; all but REPORT */
    uint32_t masked;
};

static void refuse_unready(struct desk_job *job, enum rc rc)
{
    if (rc == RC_FULL) {
        desk_refuse(job, 507, "storage_full", "there is no room to store; nothing was stored");
        job->retry_after_s = 30;
    } else {
        desk_refuse(job, 503, "cannot_store", "nothing was stored; send it again");
        job->retry_after_s = 2;
    }
}

static void answer_stored(struct desk_job *job, const struct submitted *s, int is_again)
{
    char id[UUID_TEXT_BYTES];
    uuid_format(&s->receipt.record_id, id);
    job->status = is_again ? 200 : 201;
    buf_addf(&job->answer,
             "{\"receipt\":\"%.3s-%.3s\",\"recordId\":\"%s\",\"masked\":%u,\"state\":\"stored\"}\n",
             s->receipt.code, s->receipt.code + 3, id, s->masked);
}

/* -- which report is meant -- */

static int may_correct(const struct desk_job *job, const struct submitted *s)
{
    if (s->target.worker[0] != '\0')
        return strcmp(s->target.worker, job->worker) == 0;
    return uuid_compare(&s->entry.report_id, &s->target.form_id) == 0;
}

/* 0: refused. */
static int find_target(struct desk *desk, struct desk_job *job, struct submitted *s)
{
    char code[RECEIPT_CODE_BYTES] = "";
    int is_found = 0;
    if (!desk_may_try(desk, job, &desk->receipts, job->peer))
        return 0;
    enum rc rc = receipt_read_code(s->entry.receipt, code) == RC_OK
                     ? receipt_find_code(desk->kept, code, &s->target, &is_found, &job->why)
                     : RC_OK;
    if (rc != RC_OK) {
        refuse_unready(job, rc);
        return 0;
    }
    if (!is_found || s->target.sequence == 0) {
        throttle_fail(&desk->receipts, job->peer, RECEIPT_TRIES, clock_mono_us(desk->config.clock));
        desk_refuse(job, 404, "unknown_receipt", "this site has no report of that number");
        return 0;
    }
    if (s->entry.kind != FORM_KIND_SUPPLEMENT && !may_correct(job, s)) {
        desk_refuse(job, 403, "other_worker", "only who reported may correct; add to it instead");
        return 0;
    }
    return 1;
}

/* -- the receipt -- */

static enum rc draw_code(struct desk *desk, char *code, struct err *err)
{
    for (int i = 0; i < CODE_DRAWS; i++) {
        struct receipt other;
        int is_found = 0;
        enum rc rc = receipt_make_code(code, err);
        if (rc == RC_OK)
            rc = receipt_find_code(desk->kept, code, &other, &is_found, err);
        if (rc != RC_OK || !is_found)
            return rc;
    }
    return err_set(err, RC_RETRY, "could not find a free receipt number");
}

static enum rc make_receipt(struct desk *desk, struct desk_job *job, struct submitted *s)
{
    struct receipt *receipt = &s->receipt;
    *receipt = (struct receipt){.form_id = s->entry.form_id,
                                .at_us = clock_now_us(desk->config.clock),
                                .is_report = s->entry.kind == FORM_KIND_REPORT};
    if (!s->entry.is_anonymous)
        memcpy(receipt->worker, job->worker, sizeof(receipt->worker));
    if (!receipt->is_report) {
        memcpy(receipt->code, s->target.code, sizeof(receipt->code));
        receipt->revision = s->target.revision + (s->entry.kind != FORM_KIND_SUPPLEMENT);
    }
    enum rc rc = uuid_make_v7(receipt->at_us, &receipt->record_id, &job->why);
    return rc == RC_OK && receipt->is_report ? draw_code(desk, receipt->code, &job->why) : rc;
}

/* The receipt of this form, made or found. 0: the job is answered. */
static int take_receipt(struct desk *desk, struct desk_job *job, struct submitted *s)
{
    uint8_t digest[MAC_SHA256_BYTES];
    int is_found = 0;
    mac_hmac(slice_of(desk->config.bundle->mac_key.key, MAC_KEY_BYTES), buf_slice(&job->body),
             digest);
    enum rc rc = receipt_find(desk->kept, &s->entry.form_id, &s->receipt, &is_found, &job->why);
    if (rc == RC_OK && is_found && s->receipt.sequence != 0) {
        if (memcmp(digest, s->receipt.digest, sizeof(digest)) == 0)
            answer_stored(job, s, 1);
        else
            desk_refuse(job, 409, "already_sent", "this form was stored with other content");
        return 0;
    }
    if (rc == RC_OK && !is_found)
        rc = make_receipt(desk, job, s);
    if (rc != RC_OK) {
        log_error("could not make a receipt: %s", job->why.text);
        refuse_unready(job, rc);
        return 0;
    }
    memcpy(s->receipt.digest, digest, sizeof(digest));
    return 1;
}

/* -- storing -- */

static enum rc give(struct desk *desk, struct desk_job *job, struct submitted *s)
{
    struct slice value = buf_slice(&desk->intake.value);
    struct keeper_job stored = {.values = &value, .count = 1, .done = desk->stored};
    struct keeper_job *back;
    enum rc rc = receipt_put(desk->kept, &s->receipt, &job->why);
    if (rc == RC_OK)
        rc = keeper_give(desk->config.keeper, &stored);
    if (rc != RC_OK)
        return rc;
    while (queue_wait(desk->stored, (void **)&back, 1, -1) != 1)
        continue;
    if (stored.rc != RC_OK)
        return stored.rc;
    s->receipt.epoch = stored.epoch;
    s->receipt.sequence = stored.sequence;
    return RC_OK;
}

/* The record is durable; what fails from here on costs only what the site remembers of it. */
static void remember(struct desk *desk, struct desk_job *job, struct submitted *s)
{
    enum rc rc = receipt_put(desk->kept, &s->receipt, &job->why);
    if (rc == RC_OK && !s->receipt.is_report && s->receipt.revision > s->target.revision) {
        s->target.revision = s->receipt.revision;
        rc = receipt_put(desk->kept, &s->target, &job->why);
    }
    if (rc != RC_OK)
        log_error("could not keep a receipt: %s", job->why.text);
}

static enum rc make_record(struct desk *desk, struct desk_job *job, struct submitted *s)
{
    struct draft draft;
    struct intake_result result;
    struct metrics *metrics = desk->config.metrics;
    const struct form_frame frame = {
        .worker = job->worker[0] == '\0' ? NULL : job->worker,
        .at_us = s->receipt.at_us,
        .record_id = s->receipt.record_id,
        .target_id = s->target.record_id,
        .revision = s->receipt.revision,
    };
    arena_reset(desk->intake.arena);
    enum rc rc = form_build(&s->entry, &frame, desk->intake.arena, &draft, job->place, &job->why);
    if (rc == RC_OK)
        rc = intake_finish(&desk->intake, &draft, clock_now_us(desk->config.clock),
                           (int)metrics_get(metrics, AGENT_METRIC_CLOCK_IS_SUSPECT), &result,
                           &job->why);
    if (rc == RC_OK)
        s->masked = result.masked;
    return rc;
}

static void refuse_bad(struct desk *desk, struct desk_job *job, enum rc rc)
{
    char why[sizeof(job->why.text)];
    memcpy(why, job->why.text, sizeof(why));
    if (rc == RC_REJECT || rc == RC_FULL) {
        metrics_add(desk->config.metrics, AGENT_METRIC_REJECTED, 1);
        desk_refuse(job, 400, "bad_form", "%s", why);
    } else {
        refuse_unready(job, rc);
    }
}

void desk_form(struct desk *desk, struct desk_job *job)
{
    struct submitted s = {0};
    arena_reset(desk->arena);
    enum rc rc = form_read(buf_slice(&job->body), job->form, desk->config.spots, desk->arena,
                           &s.entry, job->place, &job->why);
    if (rc != RC_OK) {
        refuse_bad(desk, job, rc);
        return;
    }
    if (job->form != FORM_KIND_REPORT) {
        if (!find_target(desk, job, &s))
            return;
        /* what is added to a report that names nobody, or takes it back, would tell who made it */
        s.entry.is_anonymous |= s.target.worker[0] == '\0';
    }
    if (!take_receipt(desk, job, &s))
        return;
    rc = make_record(desk, job, &s);
    if (rc != RC_OK) {
        refuse_bad(desk, job, rc);
        return;
    }
    rc = give(desk, job, &s);
    if (rc != RC_OK) {
        refuse_unready(job, rc);
        return;
    }
    remember(desk, job, &s);
    metrics_add(desk->config.metrics, AGENT_METRIC_FORMS, 1);
    metrics_add(desk->config.metrics, AGENT_METRIC_MASKED, s.masked);
    answer_stored(job, &s, 0);
}

/* -- how far it is -- */

static int is_delivered(const struct desk *desk, const struct receipt *receipt)
{
    const struct metrics *metrics = desk->config.metrics;
    int64_t epoch = metrics_get(metrics, AGENT_METRIC_SPOOL_EPOCH);
    int64_t delivered = metrics_get(metrics, AGENT_METRIC_SPOOL_SEQUENCE_DELIVERED);
    return receipt->epoch == (uint64_t)epoch && receipt->sequence <= (uint64_t)delivered;
}

static void take_texts(const struct jsonio_value *root, struct slice *ret_code,
                       struct slice *ret_form)
{
    const struct jsonio_value *code = NULL, *form = NULL;
    if (jsonio_type(root) == JSONIO_TYPE_OBJECT) {
        code = jsonio_find(root, "receipt");
        form = jsonio_find(root, "formId");
    }
    if (code != NULL && jsonio_type(code) == JSONIO_TYPE_STRING)
        *ret_code = jsonio_string(code);
    if (form != NULL && jsonio_type(form) == JSONIO_TYPE_STRING)
        *ret_form = jsonio_string(form);
}

/* Of what was added to the report it says how far that is: an addition may lag behind its report.
 */
static int is_addition_delivered(struct desk *desk, const struct receipt *report, struct slice form)
{
    struct receipt added;
    struct uuid form_id;
    struct err err;
    int is_found = 0;
    if (form.size == 0 || uuid_parse((const char *)form.data, &form_id) != RC_OK)
        return 1;
    if (receipt_find(desk->kept, &form_id, &added, &is_found, &err) != RC_OK || !is_found ||
        strcmp(added.code, report->code) != 0)
        return 1;
    return is_delivered(desk, &added);
}

void desk_receipt(struct desk *desk, struct desk_job *job)
{
    struct submitted s = {0};
    struct slice form = slice_of(NULL, 0);
    struct jsonio_doc *doc;
    if (jsonio_parse(buf_slice(&job->body), 2, &doc, &job->why) != RC_OK) {
        desk_refuse(job, 400, "bad_form", "want a JSON object with receipt");
        return;
    }
    take_texts(jsonio_root(doc), &s.entry.receipt, &form);
    s.entry.kind = FORM_KIND_SUPPLEMENT;
    if (find_target(desk, job, &s)) {
        int is_yours = s.target.worker[0] != '\0' && strcmp(s.target.worker, job->worker) == 0;
        char at[TIMEFMT_TEXT_BYTES];
        timefmt_format_utc(s.target.at_us, at);
        job->status = 200;
        job->record_id = s.target.record_id;
        job->is_delivered =
            is_delivered(desk, &s.target) && is_addition_delivered(desk, &s.target, form);
        buf_addf(&job->answer, "{\"receipt\":\"%.3s-%.3s\",\"at\":\"%s\",\"isYours\":%s",
                 s.target.code, s.target.code + 3, at, is_yours ? "true" : "false");
    }
    jsonio_doc_free(doc);
}
