#ifndef KASUMORI_KAFKA_KAFKA_H
#define KASUMORI_KAFKA_KAFKA_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

enum { KAFKA_TOPICS_PRIMED_MAX = 4 };

/* How to reach the brokers; shared by producer and consumer. NULL strings are absent. */
struct kafka_config {
    const char *brokers; /* host:port[,host:port…] */
    const char *client_id;
    const char *security_protocol; /* plaintext, ssl, sasl_ssl, sasl_plaintext; NULL: plaintext */
    const char *sasl_mechanism;    /* SCRAM-SHA-512, … */
    const char *sasl_username;
    const char *sasl_password_file; /* 0600 */
    const char *ssl_ca_file;
    const char *ssl_certificate_file;
    const char *ssl_key_file;
    /* Producer: topics whose leaders are looked up at once, so that the first message does not wait
       up to a second for that; NULL after the last. */
    const char *topics[KAFKA_TOPICS_PRIMED_MAX];
};

enum { KAFKA_HEADERS_MAX = 8 };

struct kafka_header {
    const char *name;
    struct slice value;
};

/* Everything about sending one message; all borrowed, copied by kafka_produce. */
struct kafka_outgoing {
    const char *topic;
    struct slice key;
    struct slice value; /* data NULL: a tombstone */
    const struct kafka_header *headers;
    size_t headers_count;
    uint64_t tag; /* comes back in the report */
};

struct kafka_report {
    uint64_t tag;
    enum rc rc; /* OK: acked by all in-sync replicas; RETRY: not delivered, send again; REJECT: this
                   message never */
    int64_t offset; /* -1: not delivered, or the broker said only that it has it already */
    int32_t partition;
};

/* The border to the broker, sending side: a real one and a fake one for tests (kafka_fake.h). One
   thread owns a producer; nothing here blocks but flush and free (bounded). */
struct kafka_producer;
struct kafka_producer_ops {
    /* RC_FULL: queue full, collect reports first. RC_REJECT: this message can never be sent (no
       key, value above LIMIT_VALUE_BYTES, key and headers above LIMIT_HEADERS_BYTES, too many
       headers). RC_FATAL: rebuild the producer. RC_RETRY: memory is out. */
    enum rc (*produce)(struct kafka_producer *p, const struct kafka_outgoing *message,
                       struct err *err);
    /* Takes finished deliveries, in order within a partition; returns how many. */
    size_t (*reports)(struct kafka_producer *p, struct kafka_report *reports, size_t reports_max);
    /* RC_FATAL once the producer is unusable: free it, make another, send again what has no report.
     */
    enum rc (*state)(struct kafka_producer *p, struct err *err);
    int (*fd)(struct kafka_producer *p); /* readable when reports may be waiting */
    /* Waits until everything given has a report, then let reports() hand them out. */
    void (*flush)(struct kafka_producer *p, int wait_ms);
    /* Messages without a report are dropped; the owner still has them. */
    void (*free)(struct kafka_producer *p);
    /* What the brokers last complained of (away, refused a password, unknown topic), NULL since a
       message was delivered. Borrowed until the next call. */
    const char *(*trouble)(struct kafka_producer *p);
};
struct kafka_producer {
    const struct kafka_producer_ops *ops;
};

static inline const char *kafka_producer_trouble(struct kafka_producer *p)
{
    return p->ops->trouble == NULL ? NULL : p->ops->trouble(p);
}

/* Idempotent, acks=all, no message time-out; connects in the background and keeps trying.
   queue_max: messages held in memory, 1..LIMIT_PRODUCER_QUEUE, LIMIT_PRODUCER_KIB in all. RC_REJECT
   for a bad setting; RC_RETRY when memory or descriptors are out or the password's file cannot be
   read. */
enum rc kafka_producer_new(const struct kafka_config *config, size_t queue_max,
                           struct kafka_producer **ret_producer, struct err *err) MUST_CHECK;
static inline void kafka_producer_free(struct kafka_producer *p)
{
    if (p != NULL)
        p->ops->free(p);
}

/* ---- receiving ---- */
struct kafka_consumer;

enum kafka_event_type {
    KAFKA_EVENT_TYPE_NONE, /* nothing within the wait */
    KAFKA_EVENT_TYPE_MESSAGE,
    KAFKA_EVENT_TYPE_ASSIGNED, /* answer with kafka_consumer_assign */
    KAFKA_EVENT_TYPE_REVOKED,  /* finish or drop work on partitions, then kafka_consumer_unassign */
    KAFKA_EVENT_TYPE_ERROR,    /* transient; the client keeps trying */
    KAFKA_EVENT_TYPE_OUT_OF_RANGE, /* the offset to read next is not in the log (retention passed
                                      it, or the topic was made anew); this partition is read no
                                      more */
};

struct kafka_place {
    int32_t partition;
    int64_t offset; /* for assign: where to start; -2: the log's beginning */
};

/* Borrowed until the next call on the consumer. */
struct kafka_event {
    enum kafka_event_type type;
    enum rc rc;        /* ERROR */
    const char *text;  /* ERROR, OUT_OF_RANGE */
    int32_t partition; /* MESSAGE, OUT_OF_RANGE */
    int64_t offset;
    int64_t appended_at_us; /* broker's LogAppendTime; -1 when the topic does not stamp it */
    struct slice key;
    struct slice value; /* data NULL: null value */
    struct kafka_header headers[KAFKA_HEADERS_MAX];
    size_t headers_count;      /* more than KAFKA_HEADERS_MAX in the message: the rest is dropped */
    const int32_t *partitions; /* ASSIGNED, REVOKED */
    size_t partitions_count;
};

struct kafka_consumer_config {
    struct kafka_config kafka;
    const char *topic;
    const char *group; /* NULL: no group; partitions by kafka_consumer_assign, no events ASSIGNED */
    const char *instance_id; /* static membership; NULL: dynamic */
    int session_ms;          /* group session time-out */
    int queued_kib_max;      /* prefetch limit of this consumer */
    int is_read_to_end; /* for tools: NONE at once when every assigned partition is at its end */
};

/* Offsets are never committed to Kafka; the caller keeps them. Joins the group in the background.
   RC_REJECT for a bad setting; RC_RETRY when memory is out or the password's file cannot be read.
   One thread owns a consumer. */
enum rc kafka_consumer_new(const struct kafka_consumer_config *config,
                           struct kafka_consumer **ret_consumer, struct err *err) MUST_CHECK;
/* Bounded: gives up waiting for the library after wait_ms (its close may hang). A dynamic member
   leaves its group; a static one does not, so that who comes next under its id takes its partitions
   without the others being disturbed. */
void kafka_consumer_free(struct kafka_consumer *consumer, int wait_ms);

/* One event, after at most wait_ms. ASSIGNED and REVOKED come before the messages they concern:
   none of a revoked partition is given after REVOKED. RC_FATAL: free the consumer and make another
   (the library gave up, or somebody else runs under our instance id). Poll at least every 5
   minutes, or the group gives the partitions away (ERROR, then REVOKED). */
enum rc kafka_consumer_poll(struct kafka_consumer *consumer, int wait_ms,
                            struct kafka_event *ret_event, struct err *err) MUST_CHECK;
/* Reading starts at the places, all others are let go. RC_REJECT for a negative offset but -2. */
enum rc kafka_consumer_assign(struct kafka_consumer *consumer, const struct kafka_place *places,
                              size_t count, struct err *err) MUST_CHECK;
enum rc kafka_consumer_unassign(struct kafka_consumer *consumer, struct err *err) MUST_CHECK;

/* low: first offset still in the log; high: next one to be written. Asks the broker, blocks up to
   wait_ms; RC_RETRY. */
enum rc kafka_consumer_watermarks(struct kafka_consumer *consumer, int32_t partition, int wait_ms,
                                  int64_t *ret_low, int64_t *ret_high, struct err *err) MUST_CHECK;
/* The high one as the last answer to a fetch of an assigned partition said; -1: none yet. Asks
   nobody. */
int64_t kafka_consumer_end(struct kafka_consumer *consumer, int32_t partition);
/* The cluster's id, blocks up to wait_ms; text holds 64 bytes. */
enum rc kafka_consumer_cluster_id(struct kafka_consumer *consumer, int wait_ms, char text[64],
                                  struct err *err) MUST_CHECK;
enum rc kafka_consumer_partition_count(struct kafka_consumer *consumer, int wait_ms,
                                       size_t *ret_count, struct err *err) MUST_CHECK;

#endif
