/* What a broker rarely does on demand: refused batches, a producer that turns fatal, no broker at
   all. Against librdkafka's mock cluster, which answers with the errors it is told to. */
#include "tests/support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/kafka/kafka.h"

enum { WAIT_MS = 20000, PRODUCE_KEY = 0 };

static rd_kafka_t *holder;
static rd_kafka_mock_cluster_t *cluster;

static int open_cluster(void **state)
{
    (void)state;
    char text[128];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    holder = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    cluster = rd_kafka_mock_cluster_new(holder, 1);
    return cluster == NULL ? -1 : 0;
}

static int close_cluster(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(holder);
    return 0;
}

static struct kafka_producer *open_producer(const char *topic, size_t queue_max)
{
    struct err err;
    struct kafka_producer *producer = NULL;
    const struct kafka_config config = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                        .topics = {topic}};
    assert_int_equal(kafka_producer_new(&config, queue_max, &producer, &err), RC_OK);
    return producer;
}

static enum rc send_tag(struct kafka_producer *producer, const char *topic, uint64_t tag)
{
    struct err err;
    const struct kafka_header header = {"ks-agent", slice_str("s001-a")};
    const struct kafka_outgoing message = {
        .topic = topic,
        .key = slice_str("acme/s001"),
        .value = slice_of(&tag, sizeof(tag)),
        .headers = &header,
        .headers_count = 1,
        .tag = tag,
    };
    return producer->ops->produce(producer, &message, &err);
}

static struct kafka_report send_and_wait(struct kafka_producer *producer, const char *topic)
{
    struct kafka_report report = {.rc = RC_CORRUPT};
    assert_int_equal(send_tag(producer, topic, 7), RC_OK);
    producer->ops->flush(producer, WAIT_MS);
    assert_int_equal(producer->ops->reports(producer, &report, 1), 1);
    assert_int_equal(report.tag, 7);
    return report;
}

static void refuse_next_batches(rd_kafka_resp_err_t code, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors(cluster, PRODUCE_KEY, 1, code);
}

static void sends_again_what_may_pass(void **state)
{
    (void)state;
    struct kafka_producer *producer = open_producer("again", 10);
    refuse_next_batches(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 3);
    struct kafka_report report = send_and_wait(producer, "again");
    assert_int_equal(report.rc, RC_OK);
    assert_int_equal(report.offset, 0);
    kafka_producer_free(producer);
}

static void a_refused_batch_is_not_the_messages_fault(void **state)
{
    (void)state;
    struct kafka_producer *producer = open_producer("refused", 10);
    assert_int_equal(send_and_wait(producer, "refused").rc, RC_OK);
    assert_null(kafka_producer_trouble(producer));
    refuse_next_batches(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
    struct kafka_report report = send_and_wait(producer, "refused");
    assert_int_equal(report.rc, RC_RETRY);
    assert_int_equal(report.offset, -1);
    assert_non_null(kafka_producer_trouble(producer));
    assert_int_equal(send_and_wait(producer, "refused").rc, RC_OK);
    assert_null(kafka_producer_trouble(producer));
    kafka_producer_free(producer);
}

static void a_topic_without_rights_is_tried_later(void **state)
{
    (void)state;
    struct kafka_producer *producer = open_producer("rights", 10);
    assert_int_equal(send_and_wait(producer, "rights").rc, RC_OK);
    refuse_next_batches(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
    assert_int_equal(send_and_wait(producer, "rights").rc, RC_RETRY);
    assert_int_equal(send_tag(producer, "rights", 8), RC_RETRY);
    assert_non_null(strstr(kafka_producer_trouble(producer), "authorization"));
    kafka_producer_free(producer);
}

/* Before KIP-467 (library 2.4) a broker's "invalid record" was handed to the whole batch. */
static void rejects_only_a_record_that_was_named(void **state)
{
    (void)state;
    struct kafka_producer *producer = open_producer("named", 10);
    refuse_next_batches(RD_KAFKA_RESP_ERR_INVALID_RECORD, 1);
    enum rc wanted = rd_kafka_version() >= 0x020400ff ? RC_REJECT : RC_RETRY;
    assert_int_equal(send_and_wait(producer, "named").rc, wanted);
    kafka_producer_free(producer);
}

static void says_when_it_is_of_no_more_use(void **state)
{
    (void)state;
    struct err err = {.rc = RC_OK};
    struct kafka_producer *producer = open_producer("fatal", 10);
    assert_int_equal(producer->ops->state(producer, &err), RC_OK);
    assert_int_equal(send_and_wait(producer, "fatal").rc, RC_OK);
    /* The first in flight may not be out of order: the library cannot tell what was written. */
    refuse_next_batches(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, 1);
    assert_int_equal(send_and_wait(producer, "fatal").rc, RC_RETRY);
    assert_int_equal(producer->ops->state(producer, &err), RC_FATAL);
    assert_int_equal(err.rc, RC_FATAL);
    assert_int_equal(send_tag(producer, "fatal", 8), RC_FATAL);
    kafka_producer_free(producer);
    producer = open_producer("fatal", 10);
    assert_int_equal(send_and_wait(producer, "fatal").rc, RC_OK);
    kafka_producer_free(producer);
}

static int is_readable(struct kafka_producer *producer)
{
    struct pollfd pollfd = {.fd = producer->ops->fd(producer), .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

static void hands_reports_out_in_order_and_in_pieces(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct kafka_report reports[7];
    uint64_t next = 1;
    struct kafka_producer *producer = open_producer("pieces", COUNT);
    for (uint64_t tag = 1; tag <= COUNT / 2; tag++)
        assert_int_equal(send_tag(producer, "pieces", tag), RC_OK);
    producer->ops->flush(producer, WAIT_MS);
    assert_true(is_readable(producer));
    assert_int_equal(producer->ops->reports(producer, reports, 1), 1);
    assert_int_equal(reports[0].tag, next++);
    for (uint64_t tag = COUNT / 2 + 1; tag <= COUNT; tag++)
        assert_int_equal(send_tag(producer, "pieces", tag), RC_OK);
    producer->ops->flush(producer, WAIT_MS); /* half an event given out, a second one behind it */
    while (next <= COUNT) {
        assert_true(is_readable(producer));
        size_t n = producer->ops->reports(producer, reports, 7);
        assert_true(n > 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(reports[i].rc, RC_OK);
            assert_int_equal(reports[i].tag, next++);
        }
    }
    (void)producer->ops->reports(producer, reports, 7);
    assert_false(is_readable(producer));
    kafka_producer_free(producer);
}

static void wakes_the_loop_for_a_report(void **state)
{
    (void)state;
    struct kafka_report report;
    struct kafka_producer *producer = open_producer("wakes", 10);
    struct pollfd pollfd = {.fd = producer->ops->fd(producer), .events = POLLIN};
    assert_int_equal(send_tag(producer, "wakes", 1), RC_OK);
    assert_int_equal(poll(&pollfd, 1, WAIT_MS), 1);
    while (producer->ops->reports(producer, &report, 1) == 0)
        assert_int_equal(poll(&pollfd, 1, WAIT_MS), 1);
    assert_int_equal(report.rc, RC_OK);
    kafka_producer_free(producer);
}

static void primed_topics_are_not_waited_for(void **state)
{
    (void)state;
    struct kafka_report report;
    struct kafka_producer *producer = open_producer("primed", 10);
    (void)poll(NULL, 0, 500);
    int64_t start_us = clock_mono_us(clock_real());
    report = send_and_wait(producer, "primed");
    int64_t took_us = clock_mono_us(clock_real()) - start_us;
    assert_int_equal(report.rc, RC_OK);
    printf("mock: the first message took %d ms with its topic primed\n", (int)(took_us / 1000));
    assert_true(took_us < 500 * CLOCK_US_PER_MS);
    kafka_producer_free(producer);
}

static void is_full_and_closes_in_time_without_a_broker(void **state)
{
    (void)state;
    struct err err;
    struct kafka_report report;
    struct kafka_producer *producer;
    const struct kafka_config config = {.brokers = "127.0.0.1:1", .topics = {"away"}};
    assert_int_equal(kafka_producer_new(&config, 3, &producer, &err), RC_OK);
    for (uint64_t tag = 1; tag <= 3; tag++)
        assert_int_equal(send_tag(producer, "away", tag), RC_OK);
    assert_int_equal(send_tag(producer, "away", 4), RC_FULL);
    int64_t start_us = clock_mono_us(clock_real());
    while (kafka_producer_trouble(producer) == NULL &&
           clock_mono_us(clock_real()) - start_us < WAIT_MS * CLOCK_US_PER_MS) {
        struct pollfd pollfd = {.fd = producer->ops->fd(producer), .events = POLLIN};
        (void)poll(&pollfd, 1, 100);
        assert_int_equal(producer->ops->reports(producer, &report, 1), 0);
    }
    assert_non_null(kafka_producer_trouble(producer));
    assert_int_equal(producer->ops->state(producer, &err), RC_OK); /* away is not unusable */
    start_us = clock_mono_us(clock_real());
    producer->ops->flush(producer, 200);
    assert_true(clock_mono_us(clock_real()) - start_us >= 200 * CLOCK_US_PER_MS);
    kafka_producer_free(producer);
    assert_true(clock_mono_us(clock_real()) - start_us < 4000 * CLOCK_US_PER_MS);
}

static void refuses_what_is_too_large(void **state)
{
    (void)state;
    static uint8_t bytes[LIMIT_VALUE_BYTES + 1];
    struct err err;
    struct kafka_header headers[KAFKA_HEADERS_MAX + 1];
    struct kafka_producer *producer = open_producer("large", 10);
    for (size_t i = 0; i <= KAFKA_HEADERS_MAX; i++)
        headers[i] = (struct kafka_header){"h", slice_of(bytes, 100)};
    const struct kafka_outgoing good = {.topic = "large",
                                        .key = slice_str("k"),
                                        .value = slice_of(bytes, LIMIT_VALUE_BYTES),
                                        .headers = headers,
                                        .headers_count = KAFKA_HEADERS_MAX};
    struct kafka_outgoing bad = good;
    assert_int_equal(producer->ops->produce(producer, &good, &err), RC_OK);
    bad.value.size++;
    assert_int_equal(producer->ops->produce(producer, &bad, &err), RC_REJECT);
    bad = good;
    bad.headers_count++;
    assert_int_equal(producer->ops->produce(producer, &bad, &err), RC_REJECT);
    bad = good;
    bad.key = slice_of(NULL, 0);
    assert_int_equal(producer->ops->produce(producer, &bad, &err), RC_REJECT);
    bad = good;
    headers[3].value.size = LIMIT_HEADERS_BYTES;
    assert_int_equal(producer->ops->produce(producer, &bad, &err), RC_REJECT);
    kafka_producer_free(producer);
}

/* Somebody else's message: eleven headers of which eight are kept, a null one among them, and a
   producer's own time, which is not believed. */
static void reads_a_foreign_message(void **state)
{
    (void)state;
    struct err err;
    struct kafka_event event;
    struct kafka_consumer *consumer;
    const struct kafka_place place = {.partition = 0, .offset = 0};
    const struct kafka_consumer_config config = {
        .kafka = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster)},
        .topic = "foreign",
        .queued_kib_max = 1024,
    };
    char text[128];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers",
                                       rd_kafka_mock_cluster_bootstraps(cluster), text,
                                       sizeof(text)),
                     RD_KAFKA_CONF_OK);
    rd_kafka_mock_topic_create(cluster, "foreign", 1, 1);
    rd_kafka_t *raw = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    rd_kafka_headers_t *headers = rd_kafka_headers_new(11);
    for (int i = 0; i < 11; i++) {
        snprintf(text, sizeof(text), "h%d", i);
        rd_kafka_header_add(headers, text, -1, i == 1 ? NULL : text, i == 1 ? 0 : -1);
    }
    assert_int_equal(rd_kafka_producev(raw, RD_KAFKA_V_TOPIC("foreign"), RD_KAFKA_V_PARTITION(0),
                                       RD_KAFKA_V_VALUE("v", 1), RD_KAFKA_V_HEADERS(headers),
                                       RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_flush(raw, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(raw);
    assert_int_equal(kafka_consumer_new(&config, &consumer, &err), RC_OK);
    assert_int_equal(kafka_consumer_assign(consumer, &place, 1, &err), RC_OK);
    do {
        assert_int_equal(kafka_consumer_poll(consumer, WAIT_MS, &event, &err), RC_OK);
    } while (event.type == KAFKA_EVENT_TYPE_ERROR);
    assert_int_equal(event.type, KAFKA_EVENT_TYPE_MESSAGE);
    assert_int_equal(event.headers_count, KAFKA_HEADERS_MAX);
    assert_string_equal(event.headers[7].name, "h7");
    assert_true(slice_is_equal(event.headers[7].value, slice_str("h7")));
    assert_null(event.headers[1].value.data);
    assert_null(event.key.data);
    assert_int_equal(event.appended_at_us, -1);
    kafka_consumer_free(consumer, 2000);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    int is_spared = 0;
    for (long n = 1; !is_spared; n++) {
        struct err err;
        struct kafka_report reports[4];
        struct kafka_producer *producer = NULL;
        const struct kafka_config config = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster)};
        mem_fail_nth(n);
        enum rc rc = kafka_producer_new(&config, 10, &producer, &err);
        assert_true(rc == RC_OK || rc == RC_RETRY);
        if (rc == RC_OK) {
            assert_int_equal(send_tag(producer, "memory", 1), RC_OK);
            producer->ops->flush(producer, WAIT_MS);
            /* Without memory to keep it the report is lost, never invented. */
            size_t reports_count = producer->ops->reports(producer, reports, 4);
            assert_true(reports_count == 1 || !mem_fail_pending());
            is_spared = mem_fail_pending();
        }
        mem_fail_nth(0);
        kafka_producer_free(producer);
        assert_true(n < 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_again_what_may_pass),
        cmocka_unit_test(a_refused_batch_is_not_the_messages_fault),
        cmocka_unit_test(a_topic_without_rights_is_tried_later),
        cmocka_unit_test(rejects_only_a_record_that_was_named),
        cmocka_unit_test(says_when_it_is_of_no_more_use),
        cmocka_unit_test(hands_reports_out_in_order_and_in_pieces),
        cmocka_unit_test(wakes_the_loop_for_a_report),
        cmocka_unit_test(primed_topics_are_not_waited_for),
        cmocka_unit_test(is_full_and_closes_in_time_without_a_broker),
        cmocka_unit_test(refuses_what_is_too_large),
        cmocka_unit_test(reads_a_foreign_message),
        cmocka_unit_test(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, open_cluster, close_cluster);
}
