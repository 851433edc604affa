/* Receives one topic, in a group or not, at offsets that the caller keeps. Invariant: at most one
   library event is held, the one that the last answer points into. */
#include <stdio.h>

#include <librdkafka/rdkafka.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/kafka/kafka.h"
#include "services/common/kafka/kafka_close.h"
#include "services/common/kafka/kafka_config.h"
#include "services/common/kafka/kafka_error.h"

enum {
    SESSION_MS_MIN = 1000,
    SESSION_MS_MAX = 300000, /* the library's max.poll.interval.ms, which may not be shorter */
    QUEUED_KIB_MIN = 1024,   /* room for one batch of the largest size a broker sends */
    QUEUED_KIB_MAX = 1024 * 1024,
    HEARTBEAT_MS_MAX = 3000,
    MESSAGE_BYTES = 512, /* what a message counts for in prefetching, at least */
    NUDGE_EVERY_MS = 20,
    NUDGE_WAIT_MS = 20,
};

struct kafka_consumer {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event; /* what the last answer borrows from, or NULL */
    char *topic;
    int is_leaving; /* dynamic member: leave the group on close */
    char text[256];
    int32_t partitions[LIMIT_PARTITIONS];      /* of the last ASSIGNED or REVOKED */
    unsigned char is_at_end[LIMIT_PARTITIONS]; /* by partition number */
    size_t assigned;
    size_t at_end;
    rd_kafka_topic_partition_list_t *places; /* assigned, or NULL */
    int64_t nudge_bytes;                     /* 0: this library needs no nudge */
    int64_t taken_bytes;                     /* since the last one */
    int64_t nudged_at_us;
};

static enum rc code_error(rd_kafka_resp_err_t code, const char *what, struct err *err)
{
    return err_set(err, kafka_error_rc(code, KAFKA_ERROR_PLACE_CONSUME), "kafka: could not %s: %s",
                   what, rd_kafka_err2str(code));
}

static void release_event(struct kafka_consumer *c)
{
    if (c->event != NULL)
        rd_kafka_event_destroy(c->event);
    c->event = NULL;
}

/* ---- events ---- */

static void fill_headers(const rd_kafka_message_t *message, struct kafka_event *ret_event)
{
    rd_kafka_headers_t *headers;
    size_t n = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    while (n < KAFKA_HEADERS_MAX) {
        const void *data;
        struct kafka_header *header = &ret_event->headers[n];
        if (rd_kafka_header_get_all(headers, n, &header->name, &data, &header->value.size) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        header->value.data = data;
        n++;
    }
    ret_event->headers_count = n;
}

static void mark_end(struct kafka_consumer *c, int32_t partition, int is_at_end)
{
    if (partition < 0 || partition >= LIMIT_PARTITIONS || c->is_at_end[partition] == is_at_end)
        return;
    c->is_at_end[partition] = is_at_end != 0;
    if (is_at_end)
        c->at_end++;
    else
        c->at_end--;
}

static void fill_message(struct kafka_consumer *c, const rd_kafka_message_t *message,
                         struct kafka_event *ret_event)
{
    rd_kafka_timestamp_type_t type;
    int64_t at_ms = rd_kafka_message_timestamp(message, &type);
    ret_event->type = KAFKA_EVENT_TYPE_MESSAGE;
    ret_event->partition = message->partition;
    ret_event->offset = message->offset;
    /* A producer's own time proves nothing: only the broker's counts. */
    ret_event->appended_at_us =
        type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? at_ms * CLOCK_US_PER_MS : -1;
    ret_event->key = slice_of(message->key, message->key_len);
    ret_event->value = slice_of(message->payload, message->len);
    fill_headers(message, ret_event);
    mark_end(c, message->partition, 0);
    c->taken_bytes += message->len > MESSAGE_BYTES ? (int64_t)message->len : MESSAGE_BYTES;
}

static void fill_partitions(struct kafka_consumer *c, rd_kafka_event_t *event,
                            struct kafka_event *ret_event)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    size_t n = 0;
    for (int i = 0; i < list->cnt && n < LIMIT_PARTITIONS; i++)
        c->partitions[n++] = list->elems[i].partition;
    ret_event->partitions = c->partitions;
    ret_event->partitions_count = n;
}

/* Returns whether the caller is to be told. */
static int fill_rebalance(struct kafka_consumer *c, rd_kafka_event_t *event,
                          struct kafka_event *ret_event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        ret_event->type = KAFKA_EVENT_TYPE_ASSIGNED;
    } else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        ret_event->type = KAFKA_EVENT_TYPE_REVOKED;
    } else {
        /* A failed rebalance still waits for an answer, or the group stands still. */
        rd_kafka_assign(c->rk, NULL);
        ret_event->type = KAFKA_EVENT_TYPE_ERROR;
        ret_event->rc = RC_RETRY;
        ret_event->text = rd_kafka_err2str(code);
        return 1;
    }
    fill_partitions(c, event, ret_event);
    return 1;
}

static void fill_place(rd_kafka_event_t *event, struct kafka_event *ret_event)
{
    rd_kafka_topic_partition_t *place = rd_kafka_event_topic_partition(event);
    ret_event->partition = -1;
    ret_event->offset = -1;
    if (place == NULL)
        return;
    ret_event->partition = place->partition;
    ret_event->offset = place->offset;
    rd_kafka_topic_partition_destroy(place);
}

static int is_out_of_range(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
           code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
}

static int fill_error(struct kafka_consumer *c, rd_kafka_event_t *event,
                      struct kafka_event *ret_event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    fill_place(event, ret_event);
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        mark_end(c, ret_event->partition, 1);
        return 0;
    }
    snprintf(c->text, sizeof(c->text), "%s", rd_kafka_event_error_string(event));
    ret_event->text = c->text;
    ret_event->type =
        is_out_of_range(code) ? KAFKA_EVENT_TYPE_OUT_OF_RANGE : KAFKA_EVENT_TYPE_ERROR;
    ret_event->rc = rd_kafka_event_error_is_fatal(event)
                        ? RC_FATAL
                        : kafka_error_rc(code, KAFKA_ERROR_PLACE_CONSUME);
    return 1;
}

/* Returns whether the event is one for the caller. */
static int fill_event(struct kafka_consumer *c, rd_kafka_event_t *event,
                      struct kafka_event *ret_event)
{
    const rd_kafka_message_t *message;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        message = rd_kafka_event_message_next(event);
        if (message == NULL)
            return 0;
        fill_message(c, message, ret_event);
        return 1;
    case RD_KAFKA_EVENT_REBALANCE:
        return fill_rebalance(c, event, ret_event);
    case RD_KAFKA_EVENT_ERROR:
        return fill_error(c, event, ret_event);
    }
    return 0;
}

/* Libraries before 2.2 stop fetching when the prefetch limit is reached, and look again only when
   something wakes that broker's thread, or after a second: measured, a lane that could take 80,000
   messages a second got 30,000 out of 8 MiB. Asking each leader for the end of its partitions wakes
   exactly those threads. It is worth asking once half the limit was taken since the last time; an
   idle consumer never gets there. Returns for how long waiting for a message makes sense. */
static int64_t nudge(struct kafka_consumer *c, int64_t now_us)
{
    if (c->nudge_bytes == 0 || c->taken_bytes < c->nudge_bytes || c->places == NULL)
        return INT64_MAX;
    int64_t due_us = c->nudged_at_us + NUDGE_EVERY_MS * CLOCK_US_PER_MS;
    if (now_us < due_us)
        return due_us - now_us;
    for (int i = 0; i < c->places->cnt; i++)
        c->places->elems[i].offset = RD_KAFKA_OFFSET_END;
    /* The answer is of no interest, nor is whether it comes in time. */
    (void)rd_kafka_offsets_for_times(c->rk, c->places, NUDGE_WAIT_MS);
    c->nudged_at_us = clock_mono_us(clock_real());
    c->taken_bytes = 0;
    return INT64_MAX;
}

static int is_read_out(const struct kafka_consumer *c)
{
    return c->assigned > 0 && c->at_end >= c->assigned;
}

/* How long to wait now: not at the end of what a tool reads, not past the next nudge. */
static int step_ms(struct kafka_consumer *c, int64_t end_us)
{
    int64_t now_us = clock_mono_us(clock_real());
    int64_t left_us = is_read_out(c) ? 0 : end_us - now_us;
    int64_t nudge_us = nudge(c, now_us);
    if (nudge_us < left_us)
        left_us = nudge_us;
    return left_us > 0 ? (int)((left_us + CLOCK_US_PER_MS - 1) / CLOCK_US_PER_MS) : 0;
}

enum rc kafka_consumer_poll(struct kafka_consumer *c, int wait_ms, struct kafka_event *ret_event,
                            struct err *err)
{
    struct kafka_event event = {.type = KAFKA_EVENT_TYPE_NONE};
    int64_t end_us = clock_mono_us(clock_real()) + wait_ms * CLOCK_US_PER_MS;
    release_event(c);
    for (;;) {
        c->event = rd_kafka_queue_poll(c->queue, step_ms(c, end_us));
        if (c->event != NULL && fill_event(c, c->event, &event))
            break;
        if (c->event == NULL && (is_read_out(c) || clock_mono_us(clock_real()) >= end_us))
            break;
        release_event(c);
    }
    if (event.type == KAFKA_EVENT_TYPE_ERROR && event.rc == RC_FATAL)
        return err_set(err, RC_FATAL, "kafka: the consumer cannot go on: %s", event.text);
    *ret_event = event;
    return RC_OK;
}

/* ---- assignment ---- */

/* Takes places; NULL for none. */
static void note_assigned(struct kafka_consumer *c, rd_kafka_topic_partition_list_t *places)
{
    if (c->places != NULL)
        rd_kafka_topic_partition_list_destroy(c->places);
    c->places = places;
    memset(c->is_at_end, 0, sizeof(c->is_at_end));
    c->at_end = 0;
    c->assigned = places == NULL ? 0 : (size_t)places->cnt;
    c->taken_bytes = 0;
}

/* The start goes with the assignment: rd_kafka_seek_partitions has a time-out a thousand times too
   short, and a pause around an assignment loses its effect or its messages. */
enum rc kafka_consumer_assign(struct kafka_consumer *c, const struct kafka_place *places,
                              size_t count, struct err *err)
{
    if (count > LIMIT_PARTITIONS)
        return err_set(err, RC_REJECT, "kafka: %zu partitions, at most %d are allowed", count,
                       (int)LIMIT_PARTITIONS);
    for (size_t i = 0; i < count; i++) {
        if (places[i].offset < 0 && places[i].offset != RD_KAFKA_OFFSET_BEGINNING)
            return err_set(err, RC_REJECT, "kafka: cannot start partition %d at offset %lld",
                           (int)places[i].partition, (long long)places[i].offset);
    }
    release_event(c);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, c->topic, places[i].partition)->offset =
            places[i].offset;
    rd_kafka_resp_err_t code = rd_kafka_assign(c->rk, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_topic_partition_list_destroy(list);
        return code_error(code, "assign partitions", err);
    }
    note_assigned(c, list);
    return RC_OK;
}

enum rc kafka_consumer_unassign(struct kafka_consumer *c, struct err *err)
{
    release_event(c);
    rd_kafka_resp_err_t code = rd_kafka_assign(c->rk, NULL);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code_error(code, "let partitions go", err);
    note_assigned(c, NULL);
    return RC_OK;
}

/* ---- questions to the broker ---- */

enum rc kafka_consumer_watermarks(struct kafka_consumer *c, int32_t partition, int wait_ms,
                                  int64_t *ret_low, int64_t *ret_high, struct err *err)
{
    int64_t low, high;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(c->rk, c->topic, partition, &low, &high, wait_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(err, RC_RETRY, "%s, partition %d: could not ask for its offsets: %s",
                       c->topic, (int)partition, rd_kafka_err2str(code));
    *ret_low = low;
    *ret_high = high;
    return RC_OK;
}

int64_t kafka_consumer_end(struct kafka_consumer *c, int32_t partition)
{
    int64_t low, high;
    if (rd_kafka_get_watermark_offsets(c->rk, c->topic, partition, &low, &high) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    return high < 0 ? -1 : high;
}

enum rc kafka_consumer_cluster_id(struct kafka_consumer *c, int wait_ms, char text[64],
                                  struct err *err)
{
    char *id = rd_kafka_clusterid(c->rk, wait_ms);
    if (id == NULL)
        return err_set(err, RC_RETRY, "kafka: could not ask for the cluster's id");
    enum rc rc = RC_OK;
    if (strlen(id) >= 64)
        rc = err_set(err, RC_REJECT, "kafka: cannot take a cluster id of %zu bytes", strlen(id));
    else
        memcpy(text, id, strlen(id) + 1);
    rd_kafka_mem_free(c->rk, id);
    return rc;
}

enum rc kafka_consumer_partition_count(struct kafka_consumer *c, int wait_ms, size_t *ret_count,
                                       struct err *err)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(c->rk, c->topic, NULL);
    if (topic == NULL)
        return err_set(err, RC_REJECT, "kafka: cannot use topic %s", c->topic);
    rd_kafka_resp_err_t code = rd_kafka_metadata(c->rk, 0, topic, &metadata, wait_ms);
    rd_kafka_topic_destroy(topic);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (metadata->topic_cnt == 1)
            code = metadata->topics[0].err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1)
            *ret_count = (size_t)metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(err, RC_RETRY, "%s: could not ask for its partitions: %s", c->topic,
                       rd_kafka_err2str(code));
    return RC_OK;
}

/* ---- life ---- */

static const struct kafka_config_setting consumer_settings[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    /* A start that is not in the log is for a person to judge, never to be skipped over. */
    {"auto.offset.reset", "error"},
    /* Eager: the library's cooperative assignor has open bugs (4312, 4783, 4059). */
    {"partition.assignment.strategy", "range"},
    {"max.poll.interval.ms", "300000"},
    {NULL, NULL},
};

static enum rc set_group(rd_kafka_conf_t *conf, const struct kafka_consumer_config *config,
                         struct err *err)
{
    int session_ms = config->session_ms;
    if (session_ms < SESSION_MS_MIN || session_ms > SESSION_MS_MAX)
        return err_set(err, RC_REJECT, "kafka: a session of %d to %d ms is allowed",
                       (int)SESSION_MS_MIN, (int)SESSION_MS_MAX);
    const struct kafka_config_setting settings[] = {
        {"group.id", config->group},
        {"group.instance.id", config->instance_id},
        {NULL, NULL},
    };
    int heartbeat_ms = session_ms / 4 < HEARTBEAT_MS_MAX ? session_ms / 4 : HEARTBEAT_MS_MAX;
    enum rc rc = kafka_config_set_all(conf, settings, err);
    if (rc == RC_OK)
        rc = kafka_config_set_int(conf, "session.timeout.ms", session_ms, err);
    if (rc == RC_OK)
        rc = kafka_config_set_int(conf, "heartbeat.interval.ms", heartbeat_ms, err);
    return rc;
}

/* The defaults prefetch 64 MiB and 100,000 messages. At the usual size of a record both of our
   limits are met together. */
static enum rc set_prefetch(rd_kafka_conf_t *conf, int kib_max, struct err *err)
{
    if (kib_max < QUEUED_KIB_MIN || kib_max > QUEUED_KIB_MAX)
        return err_set(err, RC_REJECT, "kafka: a prefetch of %d to %d KiB is allowed",
                       (int)QUEUED_KIB_MIN, (int)QUEUED_KIB_MAX);
    long messages_min = kib_max * (1024L / MESSAGE_BYTES);
    enum rc rc = kafka_config_set_int(conf, "queued.max.messages.kbytes", kib_max, err);
    if (rc == RC_OK)
        rc = kafka_config_set_int(conf, "queued.min.messages", messages_min, err);
    return rc;
}

static enum rc consumer_conf(const struct kafka_consumer_config *config, rd_kafka_conf_t **ret_conf,
                             struct err *err)
{
    /* Without a group the library still wants a name to hang an assignment on; nothing is joined
       and nothing committed under it. */
    static const struct kafka_config_setting no_group[] = {{"group.id", "kasumori-no-group"},
                                                           {NULL, NULL}};
    const struct kafka_config_setting end[] = {
        {"enable.partition.eof", config->is_read_to_end ? "true" : "false"}, {NULL, NULL}};
    rd_kafka_conf_t *conf;
    enum rc rc = kafka_config_new(&config->kafka, &conf, err);
    if (rc != RC_OK)
        return rc;
    rc = kafka_config_set_all(conf, consumer_settings, err);
    if (rc == RC_OK)
        rc = kafka_config_set_all(conf, end, err);
    if (rc == RC_OK)
        rc = config->group != NULL ? set_group(conf, config, err)
                                   : kafka_config_set_all(conf, no_group, err);
    if (rc == RC_OK)
        rc = set_prefetch(conf, config->queued_kib_max, err);
    if (rc != RC_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    /* Rebalances as events of our own poll: their callbacks would run in whoever polls, and inside
       close. */
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR |
                                       RD_KAFKA_EVENT_FETCH);
    *ret_conf = conf;
    return RC_OK;
}

static enum rc subscribe(struct kafka_consumer *c, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, c->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? RC_OK : code_error(code, "subscribe", err);
}

static enum rc consumer_open(struct kafka_consumer *c, const struct kafka_consumer_config *config,
                             struct err *err)
{
    char text[192];
    rd_kafka_conf_t *conf;
    enum rc rc = consumer_conf(config, &conf, err);
    if (rc != RC_OK)
        return rc;
    /* By default a full queue is looked at again after a second, which a small one does not last.
     */
    if (!kafka_config_try(conf, "fetch.queue.backoff.ms", "5"))
        c->nudge_bytes = (int64_t)config->queued_kib_max * 1024 / 2;
    c->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (c->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, RC_REJECT, "kafka: cannot make a consumer: %s", text);
    }
    rd_kafka_poll_set_consumer(c->rk);
    c->queue = rd_kafka_queue_get_consumer(c->rk);
    c->is_leaving = config->group != NULL && config->instance_id == NULL;
    return config->group != NULL ? subscribe(c, err) : RC_OK;
}

enum rc kafka_consumer_new(const struct kafka_consumer_config *config,
                           struct kafka_consumer **ret_consumer, struct err *err)
{
    if (config->topic == NULL || config->topic[0] == '\0')
        return err_set(err, RC_REJECT, "kafka: the consumer has no topic");
    struct kafka_consumer *c = mem_zalloc(sizeof(*c));
    if (c == NULL)
        return err_set(err, RC_RETRY, "kafka: out of memory");
    c->topic = mem_strdup(config->topic);
    enum rc rc = c->topic == NULL ? err_set(err, RC_RETRY, "kafka: out of memory")
                                  : consumer_open(c, config, err);
    if (rc != RC_OK) {
        kafka_consumer_free(c, 0);
        return rc;
    }
    *ret_consumer = c;
    return RC_OK;
}

void kafka_consumer_free(struct kafka_consumer *c, int wait_ms)
{
    if (c == NULL)
        return;
    release_event(c);
    note_assigned(c, NULL);
    if (c->queue != NULL)
        rd_kafka_queue_destroy(c->queue);
    if (c->rk != NULL)
        (void)kafka_close_bounded(c->rk, c->is_leaving, wait_ms);
    mem_free(c->topic);
    mem_free(c);
}
