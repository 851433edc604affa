/* The thread around the correlator. Invariant: Kafka away holds up nothing but the outbox, and
   whatever fails is answered by turning again after a pause. */
#include "services/aggregator/deriver.h"

#include <inttypes.h>
#include <string.h>

#include "services/aggregator/aggregator_metrics.h"
#include "services/aggregator/correlator/correlator.h"
#include "services/aggregator/correlator/outbox.h"
#include "services/aggregator/database.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/log/log.h"

enum { IDLE_MS = 200, FLUSH_MS = 1000 };

#define LOOK_EVERY_US (200 * CLOCK_US_PER_MS)
#define LEASE_US (30 * CLOCK_US_PER_S)
#define PUBLISH_EVERY_US CLOCK_US_PER_S
#define BROKER_PAUSE_US (10 * CLOCK_US_PER_S)
#define SWEEP_EVERY_US CLOCK_US_PER_HOUR
#define SLOW_US (10 * CLOCK_US_PER_S)

struct deriver {
    struct deriver_config config;
    struct correlator *correlator;
    struct kafka_producer *producer;
    struct db *db;
    int64_t publish_mono_us, sweep_mono_us;
    struct back_off back_off;
    struct err complaint, broker_complaint;
};

static int64_t mono_us(void)
{
    return clock_mono_us(clock_real());
}

static void complain(struct err *last, const char *what, const struct err *err)
{
    if (strcmp(last->text, err->text) != 0)
        log_warn("%s: %s", what, err->text);
    *last = *err;
}

static void tell(void *ctx, const char *tenant, const struct recompute_report *report)
{
    struct deriver *deriver = ctx;
    struct metrics *metrics = deriver->config.metrics;
    switch (report->outcome) {
    case RECOMPUTE_OUTCOME_DONE:
        metrics_add(metrics, METRIC_CORRELATED, 1);
        metrics_add(metrics, METRIC_CORRELATED_ROWS,
                    (int64_t)(report->rows.written + report->rows.deleted));
        metrics_add(metrics, METRIC_ALERT_CHANGES, (int64_t)report->alert_changes);
        metrics_add(metrics, report->is_step ? METRIC_CORRELATE_NEAR : METRIC_CORRELATE_WHOLE,
                    report->is_step ? report->records : 1);
        metrics_set(metrics, METRIC_CORRELATE_MS, report->duration_us / CLOCK_US_PER_MS);
        if (report->duration_us > SLOW_US)
            log_warn("tenant %s: %s of %" PRId64 " records took %" PRId64 " s", tenant,
                     report->is_step ? "a step" : "computing anew", report->records,
                     report->duration_us / CLOCK_US_PER_S);
        break;
    case RECOMPUTE_OUTCOME_WHOLE:
        log_info("tenant %s is computed anew: %s", tenant, report->why.text);
        break;
    case RECOMPUTE_OUTCOME_FENCED:
        metrics_add(metrics, METRIC_CORRELATE_FENCED, 1);
        log_info("tenant %s: %s", tenant, report->why.text);
        break;
    case RECOMPUTE_OUTCOME_LEFT_ALONE:
        metrics_add(metrics, METRIC_CORRELATE_LEFT_ALONE, 1);
        log_error("tenant %s is not correlated: %s", tenant, report->why.text);
        break;
    }
}

enum rc deriver_new(const struct deriver_config *config, struct deriver **ret_deriver,
                    struct err *err)
{
    struct deriver *deriver = mem_zalloc(sizeof(*deriver));
    if (deriver == NULL)
        return err_set(err, RC_RETRY, "out of memory for the correlator");
    deriver->config = *config;
    const struct correlator_config correlator = {
        .recompute = {config->config->correlate_records_max, config->config->topic_alerts,
                      config->config->topic_watch},
        .every_us = config->config->correlate_every_us,
        .look_every_us = LOOK_EVERY_US,
        .lease_us = LEASE_US,
        .tell = tell,
        .ctx = deriver,
    };
    enum rc rc = correlator_new(&correlator, &deriver->correlator, err);
    if (rc == RC_OK)
        *ret_deriver = deriver;
    else
        deriver_free(deriver);
    return rc;
}

void deriver_free(struct deriver *deriver)
{
    if (deriver == NULL)
        return;
    kafka_producer_free(deriver->producer);
    db_close(deriver->db); /* before the correlator, whose statements it knows */
    correlator_free(deriver->correlator);
    mem_free(deriver);
}

static enum rc need_database(struct deriver *deriver, struct err *err)
{
    if (deriver->db != NULL && db_is_alive(deriver->db))
        return RC_OK;
    db_close(deriver->db);
    deriver->db = NULL;
    return database_open(deriver->config.config->database, "correlator", &deriver->db, err);
}

static enum rc need_producer(struct deriver *deriver, struct err *err)
{
    const struct aggregator_config *config = deriver->config.config;
    if (deriver->producer != NULL)
        return RC_OK;
    const struct kafka_config kafka = aggregator_config_kafka(config);
    enum rc rc = kafka_producer_new(&kafka, 2 * LIMIT_OUTBOX_BATCH, &deriver->producer, err);
    if (rc == RC_REJECT)
        err->rc = rc = RC_FATAL; /* of the configuration */
    return rc;
}

/* A broker's trouble is said once and the outbox waits; only the database's is the turn's. */
static enum rc publish(struct deriver *deriver, struct err *err)
{
    struct outbox_counts counts = {0};
    int is_more;
    if (mono_us() < deriver->publish_mono_us)
        return RC_OK;
    deriver->publish_mono_us = mono_us() + PUBLISH_EVERY_US;
    enum rc rc = need_producer(deriver, err);
    if (rc == RC_FATAL)
        return rc;
    if (rc == RC_OK)
        rc = outbox_publish(deriver->db, correlator_lease(deriver->correlator), deriver->producer,
                            FLUSH_MS, &counts, &is_more, err);
    metrics_add(deriver->config.metrics, METRIC_OUTBOX_SENT, (int64_t)counts.sent);
    metrics_add(deriver->config.metrics, METRIC_OUTBOX_REFUSED, (int64_t)counts.refused);
    if (rc == RC_OK) {
        deriver->broker_complaint = (struct err){0};
        if (is_more)
            deriver->publish_mono_us = 0;
        return RC_OK;
    }
    if (!db_is_alive(deriver->db))
        return RC_RETRY;
    complain(&deriver->broker_complaint, "alerts", err);
    kafka_producer_free(deriver->producer); /* drops what has no report; the outbox has it */
    deriver->producer = NULL;
    deriver->publish_mono_us = mono_us() + BROKER_PAUSE_US;
    return RC_OK;
}

static enum rc sweep(struct deriver *deriver, struct err *err)
{
    if (mono_us() < deriver->sweep_mono_us)
        return RC_OK;
    enum rc rc = outbox_sweep(deriver->db, err);
    if (rc == RC_OK)
        deriver->sweep_mono_us = mono_us() + SWEEP_EVERY_US;
    return rc;
}

static enum rc turn(struct deriver *deriver, int *ret_is_idle, struct err *err)
{
    enum rc rc = need_database(deriver, err);
    if (rc == RC_OK)
        rc = correlator_turn(deriver->correlator, deriver->db, ret_is_idle, err);
    if (rc == RC_OK)
        rc = publish(deriver, err);
    if (rc == RC_OK)
        rc = sweep(deriver, err);
    metrics_set(deriver->config.metrics, METRIC_CORRELATE_WAITING,
                (int64_t)correlator_waiting(deriver->correlator));
    return rc;
}

static void let_go(struct deriver *deriver)
{
    struct err err;
    if (deriver->db != NULL && db_is_alive(deriver->db) &&
        correlator_stop(deriver->correlator, deriver->db, &err) != RC_OK)
        log_info("leases run out by themselves: %s", err.text);
}

enum rc deriver_run(void *ctx, struct worker *worker, struct err *err)
{
    struct deriver *deriver = ctx;
    while (!worker_is_stopping(worker)) {
        int is_idle = 1;
        worker_stamp(worker);
        enum rc rc = turn(deriver, &is_idle, err);
        worker_set_ready(worker, rc == RC_OK);
        if (rc == RC_OK) {
            deriver->back_off = (struct back_off){0};
            deriver->complaint = (struct err){0};
            if (is_idle)
                worker_pause(worker, IDLE_MS);
            continue;
        }
        if (rc == RC_CORRUPT || rc == RC_FATAL)
            return rc;
        complain(&deriver->complaint, "correlator", err);
        worker_back_off(&deriver->back_off, worker);
    }
    let_go(deriver);
    return RC_OK;
}
