/* The health topic's reader. Heartbeats are no part of the promise, so everything here may be lost
   and read again. Invariant: it never holds more than one batch, and stores what it has each
   second. */
#include "services/aggregator/health.h"

#include "services/aggregator/aggregator_metrics.h"
#include "services/aggregator/database.h"
#include "services/aggregator/ingest/beats.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/log/log.h"

enum { QUEUED_KIB = 1024, BROKER_WAIT_MS = 3000, POLL_MS = 200, CLOSE_MS = 1000, LOG_BEGIN = -2 };

#define STORE_EVERY_US CLOCK_US_PER_S
#define COMPLAINT_US (60 * CLOCK_US_PER_S)
#define LOOK_EVERY_US (60 * CLOCK_US_PER_S) /* for partitions added to the topic */

struct health {
    struct health_config config;
    struct beats *beats;
    struct db *db;
    struct kafka_consumer *consumer;
    size_t partitions; /* assigned */
    int64_t look_at_us;
    int64_t store_at_us;
    struct back_off back_off;
    int64_t complaint_at_us;
};

static int64_t mono_us(void)
{
    return clock_mono_us(clock_real());
}

enum rc health_new(const struct health_config *config, struct health **ret_health, struct err *err)
{
    struct health *health = mem_zalloc(sizeof(*health));
    if (health == NULL)
        return err_set(err, RC_RETRY, "out of memory for heartbeats");
    health->config = *config;
    health->beats = beats_new(config->mac_master);
    if (health->beats == NULL) {
        health_free(health);
        return err_set(err, RC_RETRY, "out of memory for heartbeats");
    }
    *ret_health = health;
    return RC_OK;
}

void health_free(struct health *health)
{
    if (health == NULL)
        return;
    kafka_consumer_free(health->consumer, CLOSE_MS);
    db_close(health->db);
    beats_free(health->beats);
    mem_free(health);
}

static enum rc need_database(struct health *health, struct err *err)
{
    if (health->db != NULL && db_is_alive(health->db))
        return RC_OK;
    db_close(health->db);
    health->db = NULL;
    return database_open(health->config.config->database, "health", &health->db, err);
}

static enum rc need_consumer(struct health *health, struct err *err)
{
    if (health->consumer != NULL)
        return RC_OK;
    const struct kafka_consumer_config config = {
        .kafka = aggregator_config_kafka(health->config.config),
        .topic = health->config.config->topic_health,
        .queued_kib_max = QUEUED_KIB,
    };
    enum rc rc = kafka_consumer_new(&config, &health->consumer, err);
    if (rc == RC_REJECT)
        err->rc = rc = RC_FATAL; /* of the configuration */
    return rc;
}

/* Reading all again when a partition was added is the simplest that is right. */
static enum rc need_partitions(struct health *health, struct err *err)
{
    struct kafka_place places[LIMIT_PARTITIONS];
    size_t count;
    if (mono_us() < health->look_at_us)
        return RC_OK;
    enum rc rc = kafka_consumer_partition_count(health->consumer, BROKER_WAIT_MS, &count, err);
    if (rc != RC_OK)
        return rc;
    health->look_at_us = mono_us() + LOOK_EVERY_US;
    if (count > LIMIT_PARTITIONS)
        return err_set(err, RC_FATAL, "%s has %zu partitions, more than %d",
                       health->config.config->topic_health, count, LIMIT_PARTITIONS);
    if (count == health->partitions)
        return RC_OK;
    for (size_t i = 0; i < count; i++)
        places[i] = (struct kafka_place){.partition = (int32_t)i, .offset = LOG_BEGIN};
    rc = kafka_consumer_assign(health->consumer, places, count, err);
    if (rc == RC_OK)
        health->partitions = count;
    return rc;
}

static enum rc store(struct health *health, struct err *err)
{
    struct beats_counts counts = {0};
    health->store_at_us = mono_us() + STORE_EVERY_US;
    if (beats_count(health->beats) == 0)
        return RC_OK;
    enum rc rc = beats_store(health->beats, health->db, &counts, err);
    metrics_add(health->config.metrics, METRIC_HEARTBEATS, counts.stored);
    metrics_add(health->config.metrics, METRIC_HEARTBEATS_BAD, counts.bad);
    return rc;
}

static enum rc take(struct health *health, const struct kafka_event *event, struct err *err)
{
    if (event->appended_at_us < 0) {
        metrics_add(health->config.metrics, METRIC_HEARTBEATS_BAD, 1);
        return RC_OK;
    }
    return beats_add(health->beats, event, err);
}

static enum rc collect(struct health *health, struct err *err)
{
    struct kafka_event event;
    do {
        if (beats_is_full(health->beats))
            return store(health, err);
        enum rc rc = kafka_consumer_poll(health->consumer, POLL_MS, &event, err);
        if (rc != RC_OK)
            return rc;
        switch (event.type) {
        case KAFKA_EVENT_TYPE_MESSAGE:
            rc = take(health, &event, err);
            break;
        case KAFKA_EVENT_TYPE_ERROR:
        case KAFKA_EVENT_TYPE_OUT_OF_RANGE:
            return err_set(err, RC_RETRY, "%s", event.text);
        case KAFKA_EVENT_TYPE_NONE:
        case KAFKA_EVENT_TYPE_ASSIGNED:
        case KAFKA_EVENT_TYPE_REVOKED:
            break;
        }
        if (rc != RC_OK)
            return rc;
    } while (event.type == KAFKA_EVENT_TYPE_MESSAGE && mono_us() < health->store_at_us);
    return RC_OK;
}

static enum rc turn(struct health *health, struct err *err)
{
    enum rc rc = need_database(health, err);
    if (rc == RC_OK)
        rc = need_consumer(health, err);
    if (rc == RC_OK)
        rc = need_partitions(health, err);
    if (rc == RC_OK)
        rc = collect(health, err);
    if (rc == RC_OK && mono_us() >= health->store_at_us)
        rc = store(health, err);
    return rc;
}

static void complain(struct health *health, const struct err *err)
{
    if (health->complaint_at_us != 0 && mono_us() - health->complaint_at_us < COMPLAINT_US)
        return;
    log_warn("heartbeats: %s", err->text);
    health->complaint_at_us = mono_us();
}

enum rc health_run(void *ctx, struct worker *worker, struct err *err)
{
    struct health *health = ctx;
    while (!worker_is_stopping(worker)) {
        worker_stamp(worker);
        enum rc rc = turn(health, err);
        worker_set_ready(worker, rc == RC_OK);
        if (rc == RC_OK) {
            health->back_off = (struct back_off){0};
            continue;
        }
        if (rc == RC_CORRUPT || rc == RC_FATAL)
            return rc;
        complain(health, err);
        worker_back_off(&health->back_off, worker);
    }
    return RC_OK;
}
