/* From the spool to Kafka, at least once. Records in flight stand in a ring in the order of their
   sequences; the delivered mark moves over the ring's head. Invariant: the mark never passes a
   record without a good delivery report. Whatever goes wrong with a producer has one cure: make a
   new one and read the spool again from the mark; record ids make the repetition harmless. */
#include "services/agent/publisher.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/trace.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/log/log.h"
#include "services/common/record/heartbeat.h"
#include "services/common/record/record.h"

enum { READ_ITEMS = 256, REPORTS = 1024, QUEUE_MARGIN = 1000, NUMBER_BYTES = 24 };

#define TAG_HEARTBEAT UINT64_MAX
#define BACKOFF_FIRST_US (CLOCK_US_PER_S / 2)
#define BACKOFF_MAX_US (30 * CLOCK_US_PER_S)

struct flight {
    uint64_t sequence;
    int is_delivered;
};

struct publisher {
    struct publisher_config config;
    struct kafka_producer *producer;
    char key[2 * LIMIT_NAME_BYTES + 2];
    uint64_t epoch;
    uint64_t handed; /* greatest sequence given to this producer */
    struct flight flights[LIMIT_IN_FLIGHT];
    size_t first, count;
    int64_t rebuild_at_us; /* monotonic; not before */
    int64_t backoff_us;
    int64_t heartbeat_at_us; /* monotonic */
    int64_t started_at_us;   /* wall */
    int is_beat_in_flight;   /* one at a time: an old heartbeat says nothing */
};

/* The headers of one message and the memory they point into. */
struct envelope {
    struct kafka_header headers[6];
    size_t headers_count;
    char epoch[NUMBER_BYTES];
    char sequence[NUMBER_BYTES];
    uint8_t mac[MAC_HEADER_BYTES];
};

/* traceparent: of size 0 when there is none. */
static void envelope_fill(const struct publisher *p, struct slice value, struct slice traceparent,
                          uint64_t sequence, struct envelope *e)
{
    const struct bundle *bundle = p->config.bundle;
    snprintf(e->epoch, sizeof(e->epoch), "%" PRIu64, p->epoch);
    snprintf(e->sequence, sizeof(e->sequence), "%" PRIu64, sequence);
    const struct mac_message message = {value, bundle->agent, p->epoch, sequence};
    mac_make(&bundle->mac_key, &message, e->mac);
    const struct kafka_header headers[] = {
        {"content-type", slice_str("application/x-protobuf")},
        {"ks-agent", slice_str(bundle->agent)},
        {"ks-epoch", slice_str(e->epoch)},
        {"ks-sequence", slice_str(e->sequence)},
        {"ks-mac", slice_of(e->mac, sizeof(e->mac))},
        {"traceparent", traceparent}, /* the last: left out when there is none */
    };
    static_assert(sizeof(headers) == sizeof(e->headers), "all headers have a place");
    memcpy(e->headers, headers, sizeof(headers));
    e->headers_count = sizeof(headers) / sizeof(headers[0]) - (traceparent.size == 0);
}

struct publisher *publisher_new(const struct publisher_config *config)
{
    struct publisher *p = mem_zalloc(sizeof(*p));
    if (p == NULL)
        return NULL;
    struct spool_stats stats;
    spool_stats(config->spool, &stats);
    p->config = *config;
    p->epoch = stats.epoch;
    p->handed = stats.sequence_delivered;
    p->backoff_us = BACKOFF_FIRST_US;
    p->started_at_us = clock_now_us(config->clock);
    snprintf(p->key, sizeof(p->key), "%s/%s", config->bundle->tenant, config->bundle->site);
    return p;
}

void publisher_free(struct publisher *p)
{
    if (p == NULL)
        return;
    kafka_producer_free(p->producer);
    mem_free(p);
}

int publisher_fd(const struct publisher *p)
{
    return p->producer == NULL ? -1 : p->producer->ops->fd(p->producer);
}

/* Gives the producer up; the next one comes after a growing pause. */
static void drop_producer(struct publisher *p, const char *why)
{
    struct spool_stats stats;
    spool_stats(p->config.spool, &stats);
    if (p->producer != NULL) {
        log_warn("Kafka producer given up, %zu records in flight are sent again: %s", p->count,
                 why);
        metrics_add(p->config.metrics, AGENT_METRIC_PRODUCER_REBUILDS, 1);
        metrics_add(p->config.metrics, AGENT_METRIC_REDELIVERED, (int64_t)p->count);
    }
    kafka_producer_free(p->producer);
    p->producer = NULL;
    p->is_beat_in_flight = 0;
    p->first = p->count = 0;
    p->handed = stats.sequence_delivered;
    p->rebuild_at_us = clock_mono_us(p->config.clock) + p->backoff_us;
    p->backoff_us = p->backoff_us * 2 < BACKOFF_MAX_US ? p->backoff_us * 2 : BACKOFF_MAX_US;
}

static int ensure_producer(struct publisher *p)
{
    if (p->producer != NULL)
        return 1;
    if (clock_mono_us(p->config.clock) < p->rebuild_at_us)
        return 0;
    struct err err;
    enum rc rc = p->config.producer_new(&p->config.bundle->kafka, LIMIT_IN_FLIGHT + QUEUE_MARGIN,
                                        &p->producer, &err);
    if (rc != RC_OK) {
        p->producer = NULL;
        log_error("could not make a Kafka producer: %s", err.text);
        drop_producer(p, err.text);
        return 0;
    }
    return 1;
}

static struct flight *flight_at(struct publisher *p, size_t i)
{
    return &p->flights[(p->first + i) % LIMIT_IN_FLIGHT];
}

/* Sequences in the ring ascend, so the place is found by halving. */
static struct flight *flight_find(struct publisher *p, uint64_t sequence)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (flight_at(p, middle)->sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == p->count || flight_at(p, low)->sequence != sequence)
        return NULL;
    return flight_at(p, low);
}

static void advance_mark(struct publisher *p)
{
    uint64_t delivered = 0;
    while (p->count > 0 && flight_at(p, 0)->is_delivered) {
        delivered = flight_at(p, 0)->sequence;
        p->first = (p->first + 1) % LIMIT_IN_FLIGHT;
        p->count--;
    }
    struct err err;
    if (delivered > 0 && spool_delivered(p->config.spool, delivered, &err) != RC_OK)
        log_error("could not note what is delivered: %s", err.text);
}

/* Returns 0 when the producer had to be given up. */
static int collect(struct publisher *p)
{
    struct kafka_report reports[REPORTS];
    struct err err;
    size_t n;
    do {
        n = p->producer->ops->reports(p->producer, reports, REPORTS);
        int64_t delivered = 0;
        enum rc worst = RC_OK;
        for (size_t i = 0; i < n; i++) {
            if (reports[i].tag == TAG_HEARTBEAT) {
                p->is_beat_in_flight = 0;
                continue;
            }
            struct flight *flight = flight_find(p, reports[i].tag);
            CHECK(flight != NULL);
            if (reports[i].rc == RC_OK) {
                flight->is_delivered = 1;
                delivered++;
            } else {
                worst = reports[i].rc;
            }
        }
        if (delivered > 0)
            p->backoff_us = BACKOFF_FIRST_US;
        metrics_add(p->config.metrics, AGENT_METRIC_DELIVERED, delivered);
        advance_mark(p);
        if (worst != RC_OK) {
            if (worst == RC_REJECT)
                metrics_add(p->config.metrics, AGENT_METRIC_PUBLISH_REJECTED, 1);
            drop_producer(p, worst == RC_REJECT ? "the broker refuses a record"
                                                : "a record could not be delivered");
            return 0;
        }
    } while (n == REPORTS);
    if (p->producer->ops->state(p->producer, &err) != RC_OK) {
        drop_producer(p, err.text);
        return 0;
    }
    return 1;
}

static enum rc hand_over(struct publisher *p, const struct spool_item *item, struct err *err)
{
    struct envelope envelope;
    struct slice value, traceparent;
    trace_split(item->value, &value, &traceparent);
    envelope_fill(p, value, traceparent, item->sequence, &envelope);
    const struct kafka_outgoing message = {
        .topic = p->config.bundle->topic_records,
        .key = slice_str(p->key),
        .value = value,
        .headers = envelope.headers,
        .headers_count = envelope.headers_count,
        .tag = item->sequence,
    };
    enum rc rc = p->producer->ops->produce(p->producer, &message, err);
    if (rc != RC_OK)
        return rc;
    *flight_at(p, p->count) = (struct flight){.sequence = item->sequence};
    p->count++;
    p->handed = item->sequence;
    return RC_OK;
}

/* One batch from the spool. Returns whether there may be more. */
static int feed(struct publisher *p)
{
    struct spool_item items[READ_ITEMS];
    struct err err;
    size_t room = LIMIT_IN_FLIGHT - p->count;
    size_t n = 0;
    if (room == 0)
        return 0;
    enum rc rc = spool_read(p->config.spool, p->handed, items,
                            room < READ_ITEMS ? room : READ_ITEMS, &n, &err);
    if (rc != RC_OK) {
        log_error("could not read the spool: %s", err.text);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        rc = hand_over(p, &items[i], &err);
        if (rc == RC_FULL)
            return 0;
        if (rc != RC_OK) {
            if (rc == RC_REJECT)
                metrics_add(p->config.metrics, AGENT_METRIC_PUBLISH_REJECTED, 1);
            drop_producer(p, err.text);
            return 0;
        }
    }
    return n > 0;
}

int publisher_run(struct publisher *p)
{
    if (!ensure_producer(p) || !collect(p))
        return 0;
    return feed(p);
}

static void send_heartbeat(struct publisher *p)
{
    const struct bundle *bundle = p->config.bundle;
    struct metrics *metrics = p->config.metrics;
    struct spool_stats stats;
    spool_stats(p->config.spool, &stats);
    Kasumori__V1__Heartbeat beat = KASUMORI__V1__HEARTBEAT__INIT;
    beat.schema_major = RECORD_SCHEMA_MAJOR;
    beat.schema_minor = RECORD_SCHEMA_MINOR;
    beat.tenant = (char *)bundle->tenant;
    beat.site = (char *)bundle->site;
    beat.agent = (char *)bundle->agent;
    beat.version = (char *)KASUMORI_VERSION;
    beat.at_us = clock_now_us(p->config.clock);
    beat.started_at_us = p->started_at_us;
    beat.epoch = stats.epoch;
    beat.sequence_last = stats.sequence_last;
    beat.sequence_delivered = stats.sequence_delivered;
    beat.spool_bytes = (uint64_t)stats.bytes;
    beat.oldest_undelivered_at_us = stats.oldest_undelivered_at_us;
    beat.clock_state = stats.is_clock_suspect ? KASUMORI__V1__CLOCK_STATE__CLOCK_STATE_SUSPECT
                                              : KASUMORI__V1__CLOCK_STATE__CLOCK_STATE_UNSPECIFIED;
    beat.accepted = (uint64_t)metrics_get(metrics, AGENT_METRIC_ACCEPTED);
    beat.rejected = (uint64_t)metrics_get(metrics, AGENT_METRIC_REJECTED);
    beat.is_refusing = stats.is_refusing;

    struct buf value;
    struct err err;
    buf_init(&value, LIMIT_VALUE_BYTES);
    enum rc rc = heartbeat_encode(&beat, &value, &err);
    if (rc == RC_OK) {
        struct envelope envelope;
        envelope_fill(p, buf_slice(&value), slice_of(NULL, 0), 0, &envelope);
        const struct kafka_outgoing message = {
            .topic = bundle->topic_health,
            .key = slice_str(bundle->agent),
            .value = buf_slice(&value),
            .headers = envelope.headers,
            .headers_count = envelope.headers_count,
            .tag = TAG_HEARTBEAT,
        };
        rc = p->producer->ops->produce(p->producer, &message, &err);
    }
    p->is_beat_in_flight = rc == RC_OK;
    if (rc != RC_OK && rc != RC_FULL)
        log_warn("could not send a heartbeat: %s", err.text);
    buf_done(&value);
}

void publisher_tick(struct publisher *p)
{
    int64_t now_us = clock_mono_us(p->config.clock);
    if (p->producer == NULL || p->is_beat_in_flight || now_us < p->heartbeat_at_us)
        return;
    p->heartbeat_at_us = now_us + p->config.heartbeat_every_us;
    send_heartbeat(p);
}
