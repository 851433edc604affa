/* The aggregator as one start-up array; stopping runs it backwards. The main thread owns the loop:
   HTTP, signals and the watchdog. What blocks are workers. Invariant: a worker's end, asked for or
   not, ends the program; nothing here is restarted in place. */
#include "services/aggregator/aggregator.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/aggregator/aggregator_metrics.h"
#include "services/aggregator/deriver.h"
#include "services/aggregator/health.h"
#include "services/aggregator/ingest/batch.h"
#include "services/aggregator/keeper.h"
#include "services/aggregator/lane.h"
#include "services/aggregator/status.h"
#include "services/common/base/buf.h"
#include "services/common/base/file.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/stages.h"
#include "services/common/log/log.h"

enum { WORKERS_MAX = LIMIT_LANES + 3, EXIT_STUCK = 70 };

#define WATCH_EVERY_US CLOCK_US_PER_S
#define SILENT_US_MAX (120 * CLOCK_US_PER_S) /* more than a batch's statements may take */
#define STOP_US (8 * CLOCK_US_PER_S)

static_assert((int)AGGREGATOR_KEY_BYTES == (int)MAC_KEY_BYTES, "the master is a MAC key");

struct aggregator {
    const struct aggregator_config *config;
    uint8_t key[AGGREGATOR_KEY_BYTES];
    struct metrics *metrics;
    struct loop *loop;
    struct loop_watch *sigterm, *sigint, *ended, *watchdog;
    struct queue *ends;
    struct status *status;
    struct health *health;
    struct lane *lanes[LIMIT_LANES];
    struct deriver *deriver;
    struct worker *workers[WORKERS_MAX]; /* keeper, health, lanes, correlator */
    size_t workers_count;
    struct err end; /* why a worker ended; rc OK: none did */
};

static enum rc start_key(void *ctx, struct err *err)
{
    struct aggregator *a = ctx;
    return aggregator_read_key(a->config, a->key, err);
}

static void stop_key(void *ctx)
{
    struct aggregator *a = ctx;
    explicit_bzero(a->key, sizeof(a->key));
}

static enum rc start_metrics(void *ctx, struct err *err)
{
    struct aggregator *a = ctx;
    a->metrics = aggregator_metrics_new();
    return a->metrics == NULL ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

static void stop_metrics(void *ctx)
{
    struct aggregator *a = ctx;
    metrics_free(a->metrics);
}

static void on_signal(void *ctx)
{
    struct aggregator *a = ctx;
    log_info("stopping");
    loop_stop(a->loop);
}

static void on_end(void *ctx)
{
    struct aggregator *a = ctx;
    void *item;
    while (queue_take(a->ends, &item, 1) == 1) {
        struct worker *worker = item;
        if (worker_join(worker, clock_mono_us(clock_real()) + CLOCK_US_PER_S, &a->end) != 1)
            err_set(&a->end, RC_FATAL, "%s ended without saying why", worker_name(worker));
        else
            err_prefix(&a->end, "%s", worker_name(worker));
        for (size_t i = 0; i < a->workers_count; i++)
            if (a->workers[i] == worker)
                a->workers[i] = NULL;
        worker_free(worker);
    }
    loop_stop(a->loop);
}

static void on_watchdog(void *ctx)
{
    struct aggregator *a = ctx;
    int64_t ready = 0;
    for (size_t i = 0; i < a->workers_count; i++) {
        const struct worker *worker = a->workers[i];
        if (worker != NULL && worker_silent_us(worker) > SILENT_US_MAX) {
            log_error("%s makes no progress: giving up, a supervisor starts us again",
                      worker_name(worker));
            _exit(EXIT_STUCK);
        }
    }
    for (size_t i = 2; i < a->workers_count && i < 2 + (size_t)a->config->lanes; i++)
        ready += a->workers[i] != NULL && worker_is_ready(a->workers[i]);
    metrics_set(a->metrics, METRIC_LANES_READY, ready);
}

static void stop_loop(void *ctx)
{
    struct aggregator *a = ctx;
    loop_watch_free(a->watchdog);
    loop_watch_free(a->ended);
    loop_watch_free(a->sigint);
    loop_watch_free(a->sigterm);
    loop_free(a->loop);
    queue_free(a->ends);
}

static enum rc start_loop(void *ctx, struct err *err)
{
    struct aggregator *a = ctx;
    a->ends = queue_new(WORKERS_MAX);
    if (a->ends == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = loop_new(&a->loop, err);
    if (rc != RC_OK) {
        queue_free(a->ends);
        return rc;
    }
    a->sigterm = loop_signal(a->loop, SIGTERM, on_signal, a);
    a->sigint = loop_signal(a->loop, SIGINT, on_signal, a);
    a->ended = loop_readable(a->loop, queue_fd(a->ends), on_end, a);
    a->watchdog = loop_every(a->loop, WATCH_EVERY_US, on_watchdog, a);
    if (a->sigterm != NULL && a->sigint != NULL && a->ended != NULL && a->watchdog != NULL)
        return RC_OK;
    stop_loop(a);
    return err_set(err, RC_RETRY, "out of memory");
}

/* ---- workers ---- */

static enum rc start_worker(struct aggregator *a, const char *name, worker_run *run, void *ctx,
                            struct err *err)
{
    enum rc rc = worker_start(name, run, ctx, a->ends, &a->workers[a->workers_count], err);
    if (rc == RC_OK)
        a->workers_count++;
    return rc;
}

/* All at once, then each until the common deadline. A thread that hangs in a library cannot be
   ended: what it had is in the log and the database, so leaving is safe. */
static void stop_workers(void *ctx)
{
    struct aggregator *a = ctx;
    int64_t until_us = clock_mono_us(clock_real()) + STOP_US;
    for (size_t i = 0; i < a->workers_count; i++)
        if (a->workers[i] != NULL)
            worker_ask_stop(a->workers[i]);
    for (size_t i = 0; i < a->workers_count; i++) {
        struct err end;
        if (a->workers[i] == NULL)
            continue;
        if (!worker_join(a->workers[i], until_us, &end)) {
            log_error("%s does not stop: leaving without it", worker_name(a->workers[i]));
            _exit(EXIT_STUCK);
        }
        if (end.rc != RC_OK && a->end.rc == RC_OK) {
            a->end = end;
            err_prefix(&a->end, "%s", worker_name(a->workers[i]));
        }
        worker_free(a->workers[i]);
    }
    a->workers_count = 0;
}

static void free_jobs(struct aggregator *a)
{
    for (size_t i = 0; i < LIMIT_LANES; i++)
        lane_free(a->lanes[i]);
    health_free(a->health);
    deriver_free(a->deriver);
}

static enum rc make_jobs(struct aggregator *a, struct err *err)
{
    const struct health_config health = {a->config, a->key, a->metrics};
    enum rc rc = health_new(&health, &a->health, err);
    for (int i = 0; i < a->config->lanes && rc == RC_OK; i++) {
        const struct lane_config lane = {a->config, a->key, a->metrics, i};
        rc = lane_new(&lane, &a->lanes[i], err);
    }
    const struct deriver_config deriver = {a->config, a->metrics};
    if (rc == RC_OK && a->config->correlate)
        rc = deriver_new(&deriver, &a->deriver, err);
    return rc;
}

static enum rc start_workers(void *ctx, struct err *err)
{
    struct aggregator *a = ctx;
    enum rc rc = make_jobs(a, err);
    if (rc == RC_OK)
        rc = start_worker(a, "keeper", keeper_run, a->config->database, err);
    if (rc == RC_OK)
        rc = start_worker(a, "health", health_run, a->health, err);
    for (int i = 0; i < a->config->lanes && rc == RC_OK; i++)
        rc = start_worker(a, lane_name(a->lanes[i]), lane_run, a->lanes[i], err);
    if (rc == RC_OK && a->deriver != NULL)
        rc = start_worker(a, "correlator", deriver_run, a->deriver, err);
    if (rc != RC_OK) {
        stop_workers(a);
        free_jobs(a);
    }
    return rc;
}

static void end_workers(void *ctx)
{
    stop_workers(ctx);
    free_jobs(ctx);
}

/* Ready to work: each lane has a database and a place in the group. */
static int is_ready(void *ctx)
{
    const struct aggregator *a = ctx;
    return metrics_get(a->metrics, METRIC_LANES_READY) >= a->config->lanes;
}

static enum rc start_status(void *ctx, struct err *err)
{
    struct aggregator *a = ctx;
    const struct status_config status = {
        .loop = a->loop,
        .address = a->config->http.address,
        .port = (int)a->config->http.port,
        .metrics = a->metrics,
        .is_ready = is_ready,
        .ctx = a,
    };
    enum rc rc = status_new(&status, &a->status, err);
    if (rc == RC_OK)
        log_info("listening on %s port %d", a->config->http.address, status_port(a->status));
    return rc;
}

static void stop_status(void *ctx)
{
    struct aggregator *a = ctx;
    status_free(a->status);
}

static const struct stage STAGES[] = {
    {"key", start_key, stop_key},
    {"metrics", start_metrics, stop_metrics},
    {"loop", start_loop, stop_loop},
    {"http", start_status, stop_status},
    {"workers", start_workers, end_workers},
};

enum { STAGES_COUNT = sizeof(STAGES) / sizeof(STAGES[0]) };

enum rc aggregator_read_key(const struct aggregator_config *config,
                            uint8_t ret_key[AGGREGATOR_KEY_BYTES], struct err *err)
{
    struct buf text;
    buf_init(&text, 4 * AGGREGATOR_KEY_BYTES);
    enum rc rc = file_read_secret(config->mac_master_key_file, &text, err);
    if (rc == RC_OK) {
        size_t digits =
            text.size > 0 && text.data[text.size - 1] == '\n' ? text.size - 1 : text.size;
        if (digits == 2 * (size_t)AGGREGATOR_KEY_BYTES)
            text.data[digits] = '\0';
        if (digits != 2 * (size_t)AGGREGATOR_KEY_BYTES ||
            hex_parse((const char *)text.data, ret_key, AGGREGATOR_KEY_BYTES) != RC_OK)
            rc = err_set(err, RC_REJECT, "%s: not a key of %d hex digits",
                         config->mac_master_key_file, 2 * AGGREGATOR_KEY_BYTES);
    }
    if (text.data != NULL)
        explicit_bzero(text.data, text.capacity);
    buf_done(&text);
    return rc;
}

enum rc aggregator_run(const struct aggregator_config *config, struct err *err)
{
    struct aggregator a = {.config = config};
    enum rc rc = stages_start(STAGES, STAGES_COUNT, &a, err);
    if (rc != RC_OK)
        return rc;
    rc = loop_run(a.loop, err);
    stages_stop(STAGES, STAGES_COUNT, &a);
    if (rc == RC_OK && a.end.rc != RC_OK) {
        *err = a.end;
        rc = RC_FATAL;
    }
    if (rc == RC_OK)
        log_info("stopped");
    return rc;
}
