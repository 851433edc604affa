/* Two ways in, one worker. Invariant: a request in work is in exactly one of: the jobs queue, the
   worker's hand, the done queue; each has a slot for all. */
#include "services/agent/imports.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "services/agent/calls.h"
#include "services/agent/follow.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/log/log.h"

enum { JOBS = 8, POLL_MS = 1000, FILE_CHUNK_BYTES = 256 * 1024, SOURCES_MAX = 16 };

struct job {
    struct http_request *request;
    const struct agent_asterisk *source;
    struct buf text;
    struct calls_result result;
    struct err err;
    enum rc rc;
};

struct imports {
    struct imports_config config;
    struct kept *kept;
    struct calls *calls;
    struct follow follows[SOURCES_MAX]; /* of sources with a path */
    struct buf chunk;
    struct queue *jobs, *done;
    struct loop_watch *watch;
    pthread_t thread;
    size_t outstanding;
    int64_t expire_at_us;
};

static void job_free(struct job *job)
{
    buf_done(&job->text);
    mem_free(job);
}

static struct asterisk_source source_of(const struct agent_asterisk *source)
{
    return (struct asterisk_source){.name = source->name, .utc_offset_s = source->utc_offset_s};
}

/* ---- the worker ---- */

static void run_job(struct imports *imports, struct job *job)
{
    const struct asterisk_source source = source_of(job->source);
    job->rc = calls_import(imports->calls, &source, buf_slice(&job->text), &job->result, &job->err);
    enum rc rc = queue_give(imports->done, job);
    CHECK(rc == RC_OK);
}

static void log_rejected(const char *path, const struct calls_result *result)
{
    size_t shown = result->rejected < CALLS_ERRORS_MAX ? result->rejected : CALLS_ERRORS_MAX;
    for (size_t i = 0; i < shown; i++)
        log_warn("%s, rows added last: %s", path, result->errors[i].text);
}

/* One chunk of one followed file. Returns whether there may be more. */
static int run_follow(struct imports *imports, size_t index)
{
    const struct agent_asterisk *config = &imports->config.sources[index];
    struct follow *follow = &imports->follows[index];
    struct calls_result result;
    struct err err;
    enum rc rc = follow_read(follow, &imports->chunk, &err);
    if (rc == RC_OK && imports->chunk.size == 0)
        return 0;
    if (rc == RC_OK) {
        const struct asterisk_source source = source_of(config);
        rc = calls_import(imports->calls, &source, buf_slice(&imports->chunk), &result, &err);
        if (rc == RC_OK)
            log_rejected(config->path, &result);
    } else if (rc == RC_REJECT) {
        log_warn("%s", err.text);
        rc = RC_OK;
    }
    if (rc == RC_OK)
        rc = follow_advance(follow, clock_now_us(imports->config.clock), &err);
    if (rc != RC_OK)
        log_error("could not import call records: %s", err.text);
    return rc == RC_OK;
}

static void expire(struct imports *imports)
{
    struct err err;
    int64_t now_us = clock_mono_us(imports->config.clock);
    if (now_us < imports->expire_at_us)
        return;
    imports->expire_at_us = now_us + CLOCK_US_PER_HOUR;
    if (calls_expire(imports->calls, &err) != RC_OK)
        log_error("could not forget old calls: %s", err.text);
}

static void *run(void *ctx)
{
    struct imports *imports = ctx;
    while (!queue_is_over(imports->jobs)) {
        int has_more = 0;
        for (size_t i = 0; i < imports->config.sources_count; i++)
            if (imports->config.sources[i].path != NULL)
                has_more |= run_follow(imports, i);
        expire(imports);
        struct job *job;
        if (queue_wait(imports->jobs, (void **)&job, 1, has_more ? 0 : POLL_MS) == 1)
            run_job(imports, job);
    }
    return NULL;
}

/* ---- the loop's side ---- */

static void reply_result(struct http_request *request, const struct calls_result *result)
{
    struct buf body;
    size_t shown = result->rejected < CALLS_ERRORS_MAX ? result->rejected : CALLS_ERRORS_MAX;
    buf_init(&body, LIMIT_VALUE_BYTES);
    buf_addf(&body, "{\"rows\":%zu,\"calls\":%zu,\"rejected\":%zu,\"errors\":[", result->rows,
             result->calls, result->rejected);
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            buf_add_char(&body, ',');
        jsonio_write_string(&body, slice_str(result->errors[i].text));
    }
    buf_add_str(&body, "]}\n");
    http_reply(request, 200, "application/json", buf_slice(&body));
    buf_done(&body);
}

static void on_done(void *ctx)
{
    struct imports *imports = ctx;
    struct job *job;
    while (queue_take(imports->done, (void **)&job, 1) == 1) {
        imports->outstanding--;
        if (job->rc == RC_OK)
            reply_result(job->request, &job->result);
        else if (job->rc == RC_FULL)
            http_reply_problem(job->request, 507, "Storage full", "send the same file again", 30);
        else
            http_reply_problem(job->request, 503, "Cannot store now", "send the same file again",
                               2);
        job_free(job);
    }
}

static const struct agent_asterisk *find_source(const struct imports *imports, const char *name)
{
    for (size_t i = 0; name != NULL && i < imports->config.sources_count; i++)
        if (strcmp(imports->config.sources[i].name, name) == 0)
            return &imports->config.sources[i];
    return NULL;
}

static struct job *job_new(struct http_request *request, const struct agent_asterisk *source)
{
    struct slice body = http_request_body(request);
    struct job *job = mem_zalloc(sizeof(*job));
    if (job == NULL)
        return NULL;
    job->request = request;
    job->source = source;
    buf_init(&job->text, LIMIT_HTTP_BODY_BYTES);
    buf_add(&job->text, body.data, body.size);
    if (!job->text.is_failed)
        return job;
    job_free(job);
    return NULL;
}

void imports_handle(struct imports *imports, struct http_request *request)
{
    const struct agent_asterisk *source =
        find_source(imports, http_request_query(request, "source"));
    if (source == NULL) {
        http_reply_problem(request, 400, "Unknown source",
                           "want ?source= with a name of agent.yaml's asterisk list", 0);
        return;
    }
    struct job *job = imports->outstanding == JOBS ? NULL : job_new(request, source);
    if (job == NULL) {
        http_reply_problem(request, 503, "Busy", "too many imports wait", 1);
        return;
    }
    enum rc rc = queue_give(imports->jobs, job);
    CHECK(rc == RC_OK);
    imports->outstanding++;
}

/* ---- start and stop ---- */

static void imports_free(struct imports *imports)
{
    loop_watch_free(imports->watch);
    queue_free(imports->jobs);
    queue_free(imports->done);
    calls_free(imports->calls);
    kept_close(imports->kept);
    buf_done(&imports->chunk);
    mem_free(imports);
}

static enum rc open_all(struct imports *imports, struct err *err)
{
    const struct imports_config *config = &imports->config;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/calls.db", config->dir);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(err, RC_REJECT, "the spool's path is too long");
    enum rc rc = kept_open(path, NULL, &imports->kept, err);
    for (size_t i = 0; rc == RC_OK && i < config->sources_count; i++)
        if (config->sources[i].path != NULL)
            rc = follow_init(&imports->follows[i], config->sources[i].path, imports->kept, err);
    if (rc != RC_OK)
        return rc;
    const struct calls_config calls = {
        .keeper = config->keeper,
        .bundle = config->bundle,
        .roster = config->roster,
        .kept = imports->kept,
        .metrics = config->metrics,
        .clock = config->clock,
    };
    rc = calls_new(&calls, &imports->calls, err);
    if (rc != RC_OK)
        return rc;
    imports->jobs = queue_new(JOBS);
    imports->done = queue_new(JOBS);
    if (imports->jobs != NULL && imports->done != NULL)
        imports->watch = loop_readable(config->loop, queue_fd(imports->done), on_done, imports);
    return imports->watch == NULL ? err_set(err, RC_RETRY, "out of memory or descriptors") : RC_OK;
}

enum rc imports_start(const struct imports_config *config, struct imports **ret_imports,
                      struct err *err)
{
    CHECK(config->sources_count <= SOURCES_MAX);
    struct imports *imports = mem_zalloc(sizeof(*imports));
    if (imports == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    imports->config = *config;
    buf_init(&imports->chunk, FILE_CHUNK_BYTES);
    enum rc rc = open_all(imports, err);
    if (rc == RC_OK && pthread_create(&imports->thread, NULL, run, imports) != 0)
        rc = err_set(err, RC_RETRY, "could not start the imports' thread: %m");
    if (rc != RC_OK) {
        imports_free(imports);
        return rc;
    }
    *ret_imports = imports;
    return RC_OK;
}

void imports_stop(struct imports *imports)
{
    if (imports == NULL)
        return;
    queue_close(imports->jobs);
    pthread_join(imports->thread, NULL);
    on_done(imports);
    CHECK(imports->outstanding == 0);
    imports_free(imports);
}
