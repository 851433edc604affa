/* One lane: have a connection, have a consumer, hold the partitions it was given, store what is
   full, poll for more. Every turn asks for what is missing, in this order, so a failure anywhere is
   answered by turning again after a pause.
   Invariant: the batch holds, of each READING place, exactly the messages from its stream's
   next_offset up to next_read; whatever is not committed is read again. */
#include "services/aggregator/lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/aggregator/aggregator_metrics.h"
#include "services/aggregator/correlator/pressure.h"
#include "services/aggregator/database.h"
#include "services/aggregator/ingest/batch.h"
#include "services/aggregator/ingest/claim.h"
#include "services/aggregator/places.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/log/log.h"

enum {
    SESSION_MS = 10000,
    QUEUED_KIB = 8192,
    BROKER_WAIT_MS = 3000,
    POLL_MS = 100,
    CLOSE_MS = 2000,
    FENCES_MAX = 3, /* within FENCES_US: there is a twin */
    HOLD_MS = 250,
};

/* A lane that is held polls this often all the same: the group drops who does not. */
#define HOLD_POLL_US (60 * CLOCK_US_PER_S)

/* Between looks at a partition that is not ours to read. */
#define RECLAIM_US (10 * CLOCK_US_PER_S)
#define FENCES_US (60 * CLOCK_US_PER_S)
#define LAG_EVERY_US (5 * CLOCK_US_PER_S)
#define COMPLAINT_US (5 * CLOCK_US_PER_S) /* complaints are logged this often */
#define REPEAT_US (60 * CLOCK_US_PER_S)   /* and the same one this often */

struct lane {
    struct lane_config config;
    char name[LIMIT_NAME_BYTES + 16]; /* <instance_id>-<number> */
    struct worker *worker;
    struct db *db;
    struct kafka_consumer *consumer;
    char cluster_id[64];
    struct batch *batch;
    int64_t batch_until_us; /* when what is collected is stored at the latest */
    int64_t stored_us;      /* how long the last batch took */
    struct places places;
    int is_member;        /* the group has answered */
    int64_t fenced_at_us; /* the first of fences */
    int fences;
    int64_t lag_at_us;
    size_t lag_next;
    struct back_off back_off;
    struct err complaint; /* last one logged */
    int64_t complaint_at_us;
    struct pressure pressure;
    int is_held;
    int64_t polled_mono_us;
    int64_t shown[4]; /* this lane's part of the shared gauges, in the order of GAUGES */
};

static const enum aggregator_metric GAUGES[] = {METRIC_PARTITIONS, METRIC_PARTITIONS_STOPPED,
                                                METRIC_LAG, METRIC_LANES_HELD};

static int64_t mono_us(void)
{
    return clock_mono_us(clock_real());
}

enum rc lane_new(const struct lane_config *config, struct lane **ret_lane, struct err *err)
{
    struct lane *lane = mem_zalloc(sizeof(*lane));
    if (lane == NULL)
        return err_set(err, RC_RETRY, "out of memory for a lane");
    const struct batch_config batch = {
        .mac_master = config->mac_master,
        .conninfo = config->config->database,
        .messages_max = (size_t)config->config->batch_max,
    };
    lane->config = *config;
    if (config->config->correlate)
        lane->pressure.behind_max = config->config->correlate_behind_max;
    snprintf(lane->name, sizeof(lane->name), "%s-%d", config->config->instance_id, config->number);
    lane->batch = batch_new(&batch);
    if (lane->batch == NULL) {
        lane_free(lane);
        return err_set(err, RC_RETRY, "out of memory for a lane");
    }
    *ret_lane = lane;
    return RC_OK;
}

void lane_free(struct lane *lane)
{
    if (lane == NULL)
        return;
    db_close(lane->db);
    kafka_consumer_free(lane->consumer, CLOSE_MS);
    batch_free(lane->batch);
    mem_free(lane);
}

const char *lane_name(const struct lane *lane)
{
    return lane->name;
}

/* ---- what is shown ---- */

/* The client and the server say one trouble in many words: a line now and then is enough. */
static void complain(struct lane *lane, const struct err *err)
{
    int is_same = strcmp(lane->complaint.text, err->text) == 0;
    int64_t quiet_us = mono_us() - lane->complaint_at_us;
    if (lane->complaint_at_us != 0 && quiet_us < (is_same ? REPEAT_US : COMPLAINT_US))
        return;
    log_warn("lane %s: %s", lane->name, err->text);
    lane->complaint = *err;
    lane->complaint_at_us = mono_us();
}

static void show(struct lane *lane)
{
    const int64_t now[] = {(int64_t)places_reading(&lane->places),
                           (int64_t)places_stopped(&lane->places), places_lag(&lane->places),
                           lane->is_held};
    for (size_t i = 0; i < sizeof(GAUGES) / sizeof(GAUGES[0]); i++) {
        metrics_add(lane->config.metrics, GAUGES[i], now[i] - lane->shown[i]);
        lane->shown[i] = now[i];
    }
    worker_set_ready(lane->worker, lane->db != NULL && lane->is_member);
}

/* ---- what a lane needs ---- */

static void drop_connection(struct lane *lane)
{
    db_close(lane->db);
    lane->db = NULL;
}

static enum rc need_database(struct lane *lane, struct err *err)
{
    if (lane->db != NULL && db_is_alive(lane->db))
        return RC_OK;
    drop_connection(lane);
    enum rc rc = database_open(lane->config.config->database, lane->name, &lane->db, err);
    if (rc != RC_OK)
        return rc;
    rc = batch_open_session(lane->db, err);
    if (rc != RC_OK) {
        drop_connection(lane);
        return rc;
    }
    /* The server may have forgotten its last commits (synchronous_commit = off, a failover), so
       what we hold is claimed anew and read again from where the database says. */
    batch_drop(lane->batch);
    places_release_all(&lane->places, mono_us());
    metrics_add(lane->config.metrics, METRIC_RECONNECTS, 1);
    /* Reading nothing meanwhile: each question to the broker would wait behind a fetch. */
    return lane->is_member ? places_assign(&lane->places, lane->consumer, err) : RC_OK;
}

static void drop_consumer(struct lane *lane)
{
    batch_drop(lane->batch);
    places_set(&lane->places, NULL, 0);
    lane->is_member = 0;
    kafka_consumer_free(lane->consumer, CLOSE_MS);
    lane->consumer = NULL;
}

static enum rc need_consumer(struct lane *lane, struct err *err)
{
    if (lane->consumer != NULL)
        return RC_OK;
    const struct kafka_consumer_config config = {
        .kafka = aggregator_config_kafka(lane->config.config),
        .topic = lane->config.config->topic_records,
        .group = lane->config.config->group,
        .instance_id = lane->name,
        .session_ms = SESSION_MS,
        .queued_kib_max = QUEUED_KIB,
    };
    enum rc rc = kafka_consumer_new(&config, &lane->consumer, err);
    if (rc == RC_REJECT)
        err->rc = rc = RC_FATAL; /* of the configuration, not of a message */
    return rc;
}

/* ---- partitions ---- */

static void say_stopped(struct lane *lane, struct place *place, const struct err *why)
{
    if (!place->is_stopped)
        log_error("lane %s: stopped reading: %s", lane->name, why->text);
    place->is_stopped = 1;
    places_release(&lane->places, place, mono_us() + RECLAIM_US);
}

static enum rc claim_place(struct lane *lane, struct place *place, struct err *err)
{
    struct stream stream;
    const struct claim claim = {
        .cluster_id = lane->cluster_id,
        .topic = lane->config.config->topic_records,
        .partition = place->stream.partition,
        .wait_ms = BROKER_WAIT_MS,
    };
    enum rc rc = claim_stream(lane->db, lane->consumer, &claim, &stream, err);
    if (rc == RC_REJECT) {
        say_stopped(lane, place, err);
        return RC_OK;
    }
    if (rc != RC_OK)
        return rc;
    log_info("lane %s: partition %d from offset %" PRId64 ", epoch %" PRId64, lane->name,
             stream.partition, stream.next_offset, stream.epoch);
    places_claimed(&lane->places, place, &stream);
    return RC_OK;
}

static enum rc need_places(struct lane *lane, struct err *err)
{
    struct place *place;
    enum rc rc = RC_OK;
    if (lane->places.count > 0 && lane->cluster_id[0] == '\0')
        rc = kafka_consumer_cluster_id(lane->consumer, BROKER_WAIT_MS, lane->cluster_id, err);
    while (rc == RC_OK && (place = places_due(&lane->places, mono_us())) != NULL)
        rc = claim_place(lane, place, err);
    if (rc == RC_OK && lane->is_member && lane->places.is_stale)
        rc = places_assign(&lane->places, lane->consumer, err);
    return rc;
}

static void handle_assigned(struct lane *lane, const struct kafka_event *event)
{
    log_info("lane %s: the group assigns %zu partitions", lane->name, event->partitions_count);
    batch_drop(lane->batch);
    places_set(&lane->places, event->partitions, event->partitions_count);
    lane->is_member = 1;
}

static enum rc handle_revoked(struct lane *lane, struct err *err)
{
    log_info("lane %s: the group takes its partitions back", lane->name);
    batch_drop(lane->batch);
    places_set(&lane->places, NULL, 0);
    lane->places.is_stale = 0;
    return kafka_consumer_unassign(lane->consumer, err);
}

/* Somebody else has claimed what this batch stands on: the group will say who reads now; if it does
   not, the lane claims again after a while. Or the database has gone back to before its last
   commits, which are in the log still: claim again at once. */
static enum rc handle_fence(struct lane *lane, struct err *err)
{
    int is_rewound = batch_is_rewound(lane->batch);
    log_warn("lane %s: %s; batch dropped", lane->name, err->text);
    metrics_add(lane->config.metrics, is_rewound ? METRIC_REWOUND : METRIC_FENCED, 1);
    batch_drop(lane->batch);
    places_release_all(&lane->places, is_rewound ? 0 : mono_us() + RECLAIM_US);
    return places_assign(&lane->places, lane->consumer, err);
}

/* ---- messages ---- */

static void say_gap(struct lane *lane, const struct kafka_event *event, enum place_order order)
{
    metrics_add(lane->config.metrics, METRIC_GAPS, 1);
    if (order == PLACE_ORDER_GAP)
        log_warn("lane %s: partition %d does not go on by one before offset %" PRId64
                 ": reading again",
                 lane->name, event->partition, event->offset);
    else
        log_error("lane %s: partition %d holds nothing before offset %" PRId64 ": going on",
                  lane->name, event->partition, event->offset);
}

/* A batch waits for others as long as the one before took to store: half of the time at most goes
   to storing, however few come, and what comes alone is not kept waiting for nobody. */
static int64_t batch_wait_us(const struct lane *lane)
{
    int64_t most_us = lane->config.config->batch_wait_us;
    return lane->stored_us < most_us ? lane->stored_us : most_us;
}

static enum rc take_message(struct lane *lane, struct place *place, const struct kafka_event *event,
                            struct err *err)
{
    if (batch_count(lane->batch) == 0)
        lane->batch_until_us = mono_us() + batch_wait_us(lane);
    enum rc rc = batch_add(lane->batch, event, &place->stream, err);
    if (rc != RC_OK) { /* the batch was not full when the lane polled: memory is out */
        place->next_read = event->offset;
        lane->places.is_stale = 1;
    }
    return rc;
}

static enum rc handle_message(struct lane *lane, const struct kafka_event *event, struct err *err)
{
    struct place *place = places_find(&lane->places, event->partition);
    if (place != NULL && place->state == PLACE_STATE_READING && event->appended_at_us < 0) {
        err_set(err, RC_REJECT, "%s does not stamp LogAppendTime",
                lane->config.config->topic_records);
        say_stopped(lane, place, err);
        return RC_OK;
    }
    enum place_order order = places_judge(&lane->places, event->partition, event->offset);
    switch (order) {
    case PLACE_ORDER_IGNORE:
        return RC_OK;
    case PLACE_ORDER_GAP:
        say_gap(lane, event, order);
        return RC_OK;
    case PLACE_ORDER_SKIP:
        say_gap(lane, event, order);
        return take_message(lane, place, event, err);
    case PLACE_ORDER_TAKE:
        return take_message(lane, place, event, err);
    }
    return RC_OK;
}

static enum rc handle_event(struct lane *lane, const struct kafka_event *event, struct err *err)
{
    struct place *place;
    switch (event->type) {
    case KAFKA_EVENT_TYPE_NONE:
        return RC_OK;
    case KAFKA_EVENT_TYPE_MESSAGE:
        return handle_message(lane, event, err);
    case KAFKA_EVENT_TYPE_ASSIGNED:
        handle_assigned(lane, event);
        return RC_OK;
    case KAFKA_EVENT_TYPE_REVOKED:
        return handle_revoked(lane, err);
    case KAFKA_EVENT_TYPE_ERROR:
        err_set(err, event->rc, "%s", event->text);
        complain(lane, err);
        return RC_OK; /* the client goes on trying by itself */
    case KAFKA_EVENT_TYPE_OUT_OF_RANGE:
        place = places_find(&lane->places, event->partition);
        if (place != NULL) /* the claim says what is wrong */
            places_release(&lane->places, place, mono_us());
        return RC_OK;
    }
    return RC_OK;
}

/* ---- turns ---- */

static int is_batch_due(const struct lane *lane)
{
    return batch_is_full(lane->batch) ||
           (batch_count(lane->batch) > 0 && mono_us() >= lane->batch_until_us);
}

static int poll_wait_ms(const struct lane *lane)
{
    if (batch_count(lane->batch) == 0)
        return POLL_MS;
    int64_t left_us = lane->batch_until_us - mono_us();
    int64_t left_ms = left_us <= 0 ? 0 : left_us / CLOCK_US_PER_MS + 1;
    return left_ms < POLL_MS ? (int)left_ms : POLL_MS;
}

/* A fatal consumer is given up and made anew: when the broker comes back after an outage it may
   take our own earlier request for another member of our name (librdkafka 2.0.2). Who is fenced
   again and again has a twin, and ends. */
static enum rc handle_fatal(struct lane *lane, struct err *err)
{
    int64_t now_us = mono_us();
    if (lane->fences == 0 || now_us - lane->fenced_at_us > FENCES_US) {
        lane->fenced_at_us = now_us;
        lane->fences = 0;
    }
    drop_consumer(lane);
    if (++lane->fences >= FENCES_MAX)
        return RC_FATAL;
    err->rc = RC_RETRY;
    return RC_RETRY;
}

/* Until the batch is due, nothing comes, or something other than a message does. */
static enum rc collect(struct lane *lane, struct err *err)
{
    struct kafka_event event;
    enum kafka_event_type type;
    enum rc rc;
    do {
        rc = kafka_consumer_poll(lane->consumer, poll_wait_ms(lane), &event, err);
        if (rc != RC_OK)
            return rc == RC_FATAL ? handle_fatal(lane, err) : rc;
        type = event.type;
        rc = handle_event(lane, &event, err);
    } while (rc == RC_OK && type == KAFKA_EVENT_TYPE_MESSAGE && !lane->places.is_stale &&
             !is_batch_due(lane));
    return rc;
}

static enum rc store(struct lane *lane, struct err *err)
{
    struct batch_counts counts = {0};
    int64_t from_us = mono_us();
    enum rc rc = batch_store(lane->batch, lane->db, &counts, err);
    lane->stored_us = mono_us() - from_us;
    aggregator_metrics_add(lane->config.metrics, &counts);
    return rc == RC_REJECT ? handle_fence(lane, err) : rc;
}

/* Each answer to a fetch says where the log ends, and a question would wait behind the fetch under
   way, the lane with it. A lane that is held fetches nothing, and has time to ask. */
static int64_t log_end(struct lane *lane, int32_t partition)
{
    int64_t low;
    int64_t high;
    if (!lane->is_held)
        return kafka_consumer_end(lane->consumer, partition);
    return kafka_consumer_watermarks(lane->consumer, partition, POLL_MS, &low, &high, NULL) == RC_OK
               ? high
               : -1;
}

static void ask_lag(struct lane *lane)
{
    if (lane->places.count == 0 || mono_us() < lane->lag_at_us)
        return;
    struct place *place = &lane->places.items[lane->lag_next++ % lane->places.count];
    lane->lag_at_us = mono_us() + LAG_EVERY_US / (int64_t)lane->places.count;
    if (place->state != PLACE_STATE_READING)
        return;
    int64_t end = log_end(lane, place->stream.partition);
    if (end >= 0)
        place->lag = end > place->stream.next_offset ? end - place->stream.next_offset : 0;
}

/* While T2 is too far behind nothing is polled, so the client's small queue fills and the log
 * waits.
 */
static enum rc hold(struct lane *lane, struct err *err)
{
    enum rc rc = pressure_ask(&lane->pressure, lane->db, err);
    if (rc != RC_OK)
        return rc;
    int is_high = pressure_is_high(&lane->pressure);
    if (is_high != lane->is_held)
        log_info("lane %s: correlating is %" PRId64 " records behind: %s", lane->name,
                 lane->pressure.behind, is_high ? "waiting" : "going on");
    lane->is_held = is_high;
    if (lane->pressure.behind_max > 0)
        metrics_set(lane->config.metrics, METRIC_CORRELATE_BEHIND, lane->pressure.behind);
    return RC_OK;
}

/* A batch that is under way was read before; its time runs. */
static int may_poll(const struct lane *lane)
{
    return !lane->is_held || batch_count(lane->batch) > 0 ||
           mono_us() - lane->polled_mono_us > HOLD_POLL_US;
}

static enum rc collect_unless_held(struct lane *lane, struct err *err)
{
    enum rc rc = lane->is_member ? hold(lane, err) : RC_OK;
    if (rc != RC_OK)
        return rc;
    if (!may_poll(lane)) {
        worker_pause(lane->worker, HOLD_MS);
        return RC_OK;
    }
    lane->polled_mono_us = mono_us();
    return collect(lane, err);
}

static enum rc turn(struct lane *lane, struct err *err)
{
    enum rc rc = need_database(lane, err);
    if (rc == RC_OK)
        rc = need_consumer(lane, err);
    if (rc == RC_OK)
        rc = need_places(lane, err);
    if (rc == RC_OK && is_batch_due(lane))
        rc = store(lane, err);
    if (rc == RC_OK)
        rc = collect_unless_held(lane, err);
    if (rc == RC_OK)
        ask_lag(lane);
    return rc;
}

static enum rc handle_failure(struct lane *lane, enum rc rc, struct err *err)
{
    switch (rc) {
    case RC_OK:
        lane->back_off = (struct back_off){0};
        return RC_OK;
    case RC_RETRY:
    case RC_FULL:
        complain(lane, err);
        metrics_add(lane->config.metrics, METRIC_RETRIES, 1);
        if (lane->db != NULL && !db_is_alive(lane->db))
            drop_connection(lane);
        show(lane);
        worker_back_off(&lane->back_off, lane->worker);
        return RC_OK;
    case RC_REJECT:
    case RC_CORRUPT:
    case RC_FATAL:
        break;
    }
    return rc;
}

static void finish(struct lane *lane)
{
    struct err err;
    if (batch_count(lane->batch) > 0 && lane->db != NULL && db_is_alive(lane->db) &&
        store(lane, &err) != RC_OK)
        log_warn("lane %s: left a batch to be read again: %s", lane->name, err.text);
    drop_consumer(lane);
    drop_connection(lane);
    show(lane);
}

enum rc lane_run(void *ctx, struct worker *worker, struct err *err)
{
    struct lane *lane = ctx;
    enum rc rc = RC_OK;
    lane->worker = worker;
    while (rc == RC_OK && !worker_is_stopping(worker)) {
        worker_stamp(worker);
        rc = handle_failure(lane, turn(lane, err), err);
        show(lane);
    }
    finish(lane);
    return rc;
}
