/* From an HTTP body to durable records and back. Invariant: a 2xx names only records whose
   keeper_job came back RC_OK; every job given comes back through the done queue, which has a slot
   for each.

   Requests that are ready together are given to the keeper together, when the loop has dealt with
   the last of them: one wake and most often one fsync for all of them, and no delay for any. */
#include "services/agent/submit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/intake_json.h"
#include "services/agent/trace.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/jsonio/jsonio.h"

enum { ERROR_BYTES = sizeof(((struct err *)0)->text), GROUP = 64 };

struct submit {
    struct submit_config config;
    struct keeper *keeper;
    struct intake intake;
    struct queue *done;
    struct loop_watch *watch;
    struct loop_watch *flush;
    struct keeper_job *held[GROUP]; /* ready for the keeper */
    size_t held_count;
    size_t outstanding; /* held or given */
    size_t outstanding_bytes;
};

/* What became of one line. */
struct line {
    size_t number;
    int is_good;
    struct uuid record_id;
    char error[ERROR_BYTES];
};

struct submission {
    struct keeper_job job;
    struct submit *submit;
    struct http_request *request;
    int is_batch;
    char trace[TRACE_PARENT_BYTES + 1]; /* empty: none was given */
    struct buf bytes;                   /* values back to back */
    struct slice *values;               /* lines_max */
    struct line *lines;                 /* lines_max */
    size_t lines_count;
    uint32_t masked;
};

static void submission_free(struct submission *s)
{
    if (s == NULL)
        return;
    buf_done(&s->bytes);
    mem_free(s->values);
    mem_free(s->lines);
    mem_free(s);
}

static struct submission *submission_new(struct submit *submit, struct http_request *request,
                                         int is_batch, size_t lines_max)
{
    struct submission *s = mem_zalloc(sizeof(*s));
    if (s == NULL)
        return NULL;
    s->submit = submit;
    s->request = request;
    s->is_batch = is_batch;
    buf_init(&s->bytes, LIMIT_INTAKE_BYTES);
    s->values = mem_zalloc_array(lines_max, sizeof(*s->values));
    s->lines = mem_zalloc_array(lines_max, sizeof(*s->lines));
    if (s->values == NULL || s->lines == NULL) {
        submission_free(s);
        return NULL;
    }
    return s;
}

/* One record of the body. RC_OK or RC_REJECT are the line's own; anything else ends the request. */
static enum rc read_line(struct submission *s, struct slice text, size_t number)
{
    struct submit *submit = s->submit;
    struct submit_config *config = &submit->config;
    struct line *line = &s->lines[s->lines_count++];
    struct draft draft;
    struct intake_result result;
    struct err err;
    line->number = number;
    arena_reset(submit->intake.arena);
    enum rc rc = intake_json_read(text, config->bundle->tenant, config->bundle->site,
                                  submit->intake.arena, &draft, &err);
    if (rc == RC_OK)
        rc = intake_finish(&submit->intake, &draft, clock_now_us(config->clock),
                           (int)metrics_get(config->metrics, AGENT_METRIC_CLOCK_IS_SUSPECT),
                           &result, &err);
    if (rc != RC_OK) {
        memcpy(line->error, err.text, sizeof(line->error));
        metrics_add(config->metrics, AGENT_METRIC_REJECTED, rc == RC_REJECT || rc == RC_FULL);
        return rc == RC_FULL ? RC_REJECT : rc;
    }
    struct buf *value = &submit->intake.value;
    line->is_good = 1;
    line->record_id = result.record_id;
    s->masked += result.masked;
    size_t before = s->trace[0] == '\0' ? 0 : trace_add(&s->bytes, s->trace, value->size);
    /* placed once bytes stand still */
    s->values[s->job.count++] = slice_of(NULL, before + value->size);
    buf_add(&s->bytes, value->data, value->size);
    return s->bytes.is_failed ? RC_RETRY : RC_OK;
}

static void write_line(struct buf *out, const struct line *line)
{
    char id[UUID_TEXT_BYTES];
    buf_addf(out, "{\"line\":%zu,", line->number);
    if (line->is_good) {
        uuid_format(&line->record_id, id);
        buf_addf(out, "\"recordId\":\"%s\"}", id);
    } else {
        char text[ERROR_BYTES + 32];
        int n = snprintf(text, sizeof(text), "line %zu: %s", line->number, line->error);
        buf_add_str(out, "\"error\":");
        jsonio_write_string(out, slice_of(text, (size_t)n));
        buf_add_char(out, '}');
    }
}

static void reply_batch(struct submission *s)
{
    struct buf body;
    buf_init(&body, LIMIT_HTTP_BODY_BYTES);
    buf_addf(&body, "{\"accepted\":%zu,\"rejected\":%zu,\"masked\":%u,\"results\":[", s->job.count,
             s->lines_count - s->job.count, s->masked);
    for (size_t i = 0; i < s->lines_count; i++) {
        if (i > 0)
            buf_add_char(&body, ',');
        write_line(&body, &s->lines[i]);
    }
    buf_add_str(&body, "]}\n");
    http_reply(s->request, 200, "application/json", buf_slice(&body));
    buf_done(&body);
}

static void reply_one(struct submission *s)
{
    const struct line *line = &s->lines[0];
    if (!line->is_good) {
        http_reply_problem(s->request, 400, "Bad record", line->error, 0);
        return;
    }
    char id[UUID_TEXT_BYTES];
    char body[128];
    uuid_format(&line->record_id, id);
    int n = snprintf(body, sizeof(body), "{\"recordId\":\"%s\",\"masked\":%u}\n", id, s->masked);
    http_reply(s->request, 201, "application/json", slice_of(body, (size_t)n));
}

/* Replies and frees. */
static void finish(struct submission *s, enum rc rc)
{
    switch (rc) {
    case RC_OK:
        if (s->is_batch)
            reply_batch(s);
        else
            reply_one(s);
        break;
    case RC_FULL:
        http_reply_problem(s->request, 507, "Storage full",
                           "the spool has no room; nothing of this request was stored", 30);
        break;
    case RC_RETRY:
    case RC_REJECT:
    case RC_CORRUPT:
    case RC_FATAL:
        http_reply_problem(s->request, 503, "Cannot store now",
                           "nothing of this request was stored; send it again", 2);
        break;
    }
    submission_free(s);
}

static void give(struct submission *s)
{
    struct submit *submit = s->submit;
    uint8_t *at = s->bytes.data;
    for (size_t i = 0; i < s->job.count; i++) {
        s->values[i].data = at;
        at += s->values[i].size;
    }
    s->job.values = s->values;
    s->job.done = submit->done;
    s->job.ctx = s;
    submit->outstanding++;
    submit->outstanding_bytes += s->bytes.size;
    submit->held[submit->held_count++] = &s->job;
    if (submit->held_count == GROUP)
        submit_flush(submit);
    else
        loop_wake(submit->flush);
}

static void settle(struct submit *submit, struct keeper_job *job, enum rc rc)
{
    struct submission *s = job->ctx;
    submit->outstanding--;
    submit->outstanding_bytes -= s->bytes.size;
    finish(s, rc);
}

void submit_flush(struct submit *submit)
{
    size_t count = submit->held_count;
    submit->held_count = 0;
    if (count == 0 || keeper_give_all(submit->keeper, submit->held, count) == RC_OK)
        return;
    metrics_add(submit->config.metrics, AGENT_METRIC_REFUSED_QUEUE, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        settle(submit, submit->held[i], RC_RETRY);
}

static void on_flush(void *ctx)
{
    submit_flush(ctx);
}

static void on_done(void *ctx)
{
    struct submit *submit = ctx;
    struct keeper_job *jobs[GROUP];
    for (size_t n; (n = queue_take(submit->done, (void **)jobs, GROUP)) > 0;)
        for (size_t i = 0; i < n; i++)
            settle(submit, jobs[i], jobs[i]->rc);
}

static size_t count_lines(struct slice body)
{
    size_t lines = 1;
    for (size_t i = 0; i < body.size; i++)
        lines += body.data[i] == '\n';
    return lines;
}

static int is_blank(struct slice line)
{
    for (size_t i = 0; i < line.size; i++)
        if (memchr(" \t\r", line.data[i], 3) == NULL)
            return 0;
    return 1;
}

static enum rc read_batch(struct submission *s, struct slice body)
{
    size_t number = 0;
    for (size_t at = 0; at < body.size;) {
        const uint8_t *end = memchr(body.data + at, '\n', body.size - at);
        size_t size = end == NULL ? body.size - at : (size_t)(end - (body.data + at));
        struct slice text = slice_of(body.data + at, size);
        number++;
        at += size + 1;
        if (is_blank(text))
            continue;
        enum rc rc = read_line(s, text, number);
        if (rc != RC_OK && rc != RC_REJECT)
            return rc;
    }
    return RC_OK;
}

/* "application/json; charset=utf-8" is application/json. */
static int is_type(const char *header, const char *type)
{
    size_t size = strlen(type);
    return header != NULL && strncasecmp(header, type, size) == 0 &&
           (header[size] == '\0' || header[size] == ';' || header[size] == ' ');
}

static int is_overloaded(const struct submit *submit)
{
    return submit->outstanding >= LIMIT_INTAKE_QUEUE ||
           submit->outstanding_bytes >= LIMIT_INTAKE_BYTES;
}

void submit_handle(struct submit *submit, struct http_request *request)
{
    const char *type = http_request_header(request, "Content-Type");
    struct slice body = http_request_body(request);
    int is_batch = is_type(type, "application/x-ndjson");
    if (!is_batch && !is_type(type, "application/json")) {
        http_reply_problem(request, 415, "Unsupported media type",
                           "want application/json or application/x-ndjson", 0);
        return;
    }
    size_t lines = is_batch ? count_lines(body) : 1;
    if (lines > LIMIT_BATCH_LINES + 1) {
        http_reply_problem(request, 413, "Batch too long", "want at most 1000 lines", 0);
        return;
    }
    if (is_overloaded(submit)) {
        metrics_add(submit->config.metrics, AGENT_METRIC_REFUSED_QUEUE, 1);
        http_reply_problem(request, 503, "Busy", "too many records wait for the disk", 1);
        return;
    }
    struct submission *s = submission_new(submit, request, is_batch, lines);
    if (s == NULL) {
        http_reply_problem(request, 503, "Busy", "out of memory", 1);
        return;
    }
    const char *trace = http_request_header(request, "traceparent");
    if (trace_is_valid(trace))
        memcpy(s->trace, trace, TRACE_PARENT_BYTES);
    enum rc rc = is_batch ? read_batch(s, body) : read_line(s, body, 1);
    if (rc != RC_OK && rc != RC_REJECT)
        finish(s, RC_RETRY);
    else if (s->job.count == 0)
        finish(s, RC_OK);
    else
        give(s);
}

enum rc submit_new(const struct submit_config *config, struct submit **ret_submit, struct err *err)
{
    struct submit *submit = mem_zalloc(sizeof(*submit));
    if (submit == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    submit->config = *config;
    enum rc rc = intake_init(&submit->intake, config->bundle, config->roster, err);
    if (rc != RC_OK) {
        mem_free(submit);
        return rc;
    }
    rc = seal_start(submit->intake.seal, err);
    if (rc != RC_OK) {
        submit_free(submit);
        return rc;
    }
    submit->done = queue_new(LIMIT_INTAKE_QUEUE);
    if (submit->done != NULL)
        submit->watch = loop_readable(config->loop, queue_fd(submit->done), on_done, submit);
    submit->flush = loop_woken(config->loop, on_flush, submit);
    if (submit->watch == NULL || submit->flush == NULL) {
        submit_free(submit);
        return err_set(err, RC_RETRY, "out of memory or descriptors");
    }
    *ret_submit = submit;
    return RC_OK;
}

void submit_use(struct submit *submit, struct keeper *keeper)
{
    submit->keeper = keeper;
}

void submit_free(struct submit *submit)
{
    if (submit == NULL)
        return;
    if (submit->done != NULL)
        on_done(submit);
    CHECK(submit->outstanding == 0);
    loop_watch_free(submit->watch);
    loop_watch_free(submit->flush);
    queue_free(submit->done);
    intake_done(&submit->intake);
    mem_free(submit);
}
