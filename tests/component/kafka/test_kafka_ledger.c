/* Nothing lost and nothing doubled on a real broker that is killed in mid-stream, and the finer
   points of messages: null and empty values, ends of the log, offsets that are not in it. */
#include "tests/support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "tests/component/kafka/broker.h"
#include "tests/component/kafka/traffic.h"

enum { MESSAGES = 20000, PARTITIONS = 6, WAIT_MS = 60000 };
enum { BULK_MESSAGES = 10000, BULK_BYTES = 1024 };

static void loses_nothing_when_the_broker_is_killed(void **state)
{
    (void)state;
    struct ledger ledger;
    struct sender sender;
    broker_do("create ledger %d", (int)PARTITIONS);
    ledger_init(&ledger, MESSAGES);
    sender_init(&sender, broker_address(), "ledger", &ledger);
    sender_send(&sender, 7000);
    broker_do("kill9");
    sender_fill(&sender); /* the queue of a producer without a broker */
    broker_do("start");
    sender_send(&sender, 14000);
    broker_do("kill9");
    broker_do("start");
    sender_send(&sender, MESSAGES);
    sender_finish(&sender, WAIT_MS);
    assert_int_equal(ledger.acked_count, MESSAGES);

    struct kafka_consumer *consumer =
        consumer_open(broker_address(), "ledger", "ledger-group", "c1", 6000);
    int64_t end_us = clock_mono_us(clock_real()) + WAIT_MS * CLOCK_US_PER_MS;
    while (ledger.seen_count < MESSAGES && clock_mono_us(clock_real()) < end_us)
        (void)consumer_await(consumer, KAFKA_EVENT_TYPE_MESSAGE, &ledger, 1000);
    /* Whatever was written twice comes now. */
    (void)consumer_await(consumer, KAFKA_EVENT_TYPE_OUT_OF_RANGE, &ledger, 1500);
    printf("ledger: acked %zu, stored %zu, doubled %zu, wrong %zu, producers rebuilt %zu\n",
           ledger.acked_count, ledger.seen_count, ledger.doubled, ledger.wrong, ledger.rebuilds);
    assert_int_equal(ledger.seen_count, MESSAGES);
    assert_int_equal(ledger.wrong, 0);
    /* A rebuilt producer sends again what had no report: record ids make that harmless. */
    if (ledger.rebuilds == 0)
        assert_int_equal(ledger.doubled, 0);
    kafka_consumer_free(consumer, 2000);
    sender_done(&sender);
    ledger_done(&ledger);
}

static void produce_one(const char *topic, struct slice value)
{
    struct err err;
    struct kafka_report report;
    struct kafka_producer *producer;
    const struct kafka_config config = {.brokers = broker_address(), .topics = {topic}};
    const struct kafka_outgoing message = {
        .topic = topic, .key = slice_str("k"), .value = value, .tag = UINT64_MAX};
    assert_int_equal(kafka_producer_new(&config, 10, &producer, &err), RC_OK);
    assert_int_equal(producer->ops->produce(producer, &message, &err), RC_OK);
    producer->ops->flush(producer, WAIT_MS);
    assert_int_equal(producer->ops->reports(producer, &report, 1), 1);
    assert_int_equal(report.rc, RC_OK);
    assert_true(report.tag == UINT64_MAX);
    kafka_producer_free(producer);
}

static void tells_null_from_empty(void **state)
{
    (void)state;
    struct err err;
    struct kafka_event event;
    const struct kafka_place place = {.partition = 0, .offset = 0};
    broker_do("create null 1");
    produce_one("null", slice_of(NULL, 0));
    produce_one("null", slice_str(""));
    struct kafka_consumer *consumer = consumer_open(broker_address(), "null", NULL, NULL, 0);
    assert_int_equal(kafka_consumer_assign(consumer, &place, 1, &err), RC_OK);
    event = consumer_await(consumer, KAFKA_EVENT_TYPE_MESSAGE, NULL, WAIT_MS);
    assert_int_equal(event.type, KAFKA_EVENT_TYPE_MESSAGE);
    assert_null(event.value.data);
    assert_true(slice_is_equal(event.key, slice_str("k")));
    assert_int_equal(event.headers_count, 0);
    event = consumer_await(consumer, KAFKA_EVENT_TYPE_MESSAGE, NULL, WAIT_MS);
    assert_int_equal(event.offset, 1);
    assert_non_null(event.value.data);
    assert_int_equal(event.value.size, 0);
    kafka_consumer_free(consumer, 2000);
}

/* Bytes that no codec shrinks: what the prefetch holds is then what the broker sends. */
static void produce_bulk(const char *topic)
{
    struct err err;
    struct kafka_report report;
    struct kafka_producer *producer;
    uint64_t random = 88172645463325252, value[BULK_BYTES / sizeof(uint64_t)];
    const struct kafka_config config = {.brokers = broker_address(), .topics = {topic}};
    const struct kafka_outgoing message = {
        .topic = topic, .key = slice_str("k"), .value = slice_of(value, sizeof(value))};
    assert_int_equal(kafka_producer_new(&config, BULK_MESSAGES, &producer, &err), RC_OK);
    for (int n = 0; n < BULK_MESSAGES; n++) {
        for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
            random ^= random << 13;
            random ^= random >> 7;
            value[i] = random ^= random << 17;
        }
        assert_int_equal(producer->ops->produce(producer, &message, &err), RC_OK);
    }
    producer->ops->flush(producer, WAIT_MS);
    for (int n = 0; n < BULK_MESSAGES; n++) {
        assert_int_equal(producer->ops->reports(producer, &report, 1), 1);
        assert_int_equal(report.rc, RC_OK);
    }
    kafka_producer_free(producer);
}

/* A prefetch of 1 MiB is full again and again while ten are read at leisure; a library that then
   rests up to a second each time would need seven. */
static void a_small_prefetch_does_not_starve(void **state)
{
    (void)state;
    struct err err;
    struct kafka_event event;
    struct kafka_consumer *consumer;
    const struct kafka_place place = {.partition = 0, .offset = 0};
    const struct kafka_consumer_config config = {
        .kafka = {.brokers = broker_address()}, .topic = "bulk", .queued_kib_max = 1024};
    broker_do("create bulk 1");
    produce_bulk("bulk");
    assert_int_equal(kafka_consumer_new(&config, &consumer, &err), RC_OK);
    assert_int_equal(kafka_consumer_assign(consumer, &place, 1, &err), RC_OK);
    int64_t start_us = 0;
    for (int n = 0; n < BULK_MESSAGES;) {
        assert_int_equal(kafka_consumer_poll(consumer, WAIT_MS, &event, &err), RC_OK);
        assert_int_not_equal(event.type, KAFKA_EVENT_TYPE_NONE);
        if (event.type != KAFKA_EVENT_TYPE_MESSAGE)
            continue;
        assert_int_equal(event.offset, n);
        if (n++ == 0)
            start_us = clock_mono_us(clock_real());
        if (n % 100 == 0)
            (void)poll(NULL, 0, 10);
    }
    int took_ms = (int)((clock_mono_us(clock_real()) - start_us) / CLOCK_US_PER_MS);
    printf("ledger: 10 MiB read at leisure through a prefetch of 1 in %d ms\n", took_ms);
    assert_true(took_ms < 4000);
    kafka_consumer_free(consumer, 2000);
}

static void answers_what_the_log_holds(void **state)
{
    (void)state;
    struct err err;
    int64_t low = -1, high = -1;
    size_t count = 0;
    char id[64] = "";
    broker_do("create marks 3");
    struct kafka_consumer *consumer = consumer_open(broker_address(), "marks", NULL, NULL, 0);
    assert_int_equal(kafka_consumer_partition_count(consumer, WAIT_MS, &count, &err), RC_OK);
    assert_int_equal(count, 3);
    assert_int_equal(kafka_consumer_cluster_id(consumer, WAIT_MS, id, &err), RC_OK);
    assert_int_equal(strlen(id), 22);
    int64_t sum = 0;
    produce_one("marks", slice_str("x"));
    for (int32_t partition = 0; partition < 3; partition++) {
        assert_int_equal(kafka_consumer_watermarks(consumer, partition, WAIT_MS, &low, &high, &err),
                         RC_OK);
        assert_int_equal(low, 0);
        sum += high;
    }
    assert_int_equal(sum, 1);
    low = -7;
    assert_int_equal(kafka_consumer_watermarks(consumer, 99, 2000, &low, &high, &err), RC_RETRY);
    assert_int_equal(low, -7);
    kafka_consumer_free(consumer, 2000);

    consumer = consumer_open(broker_address(), "missing", NULL, NULL, 0);
    assert_int_equal(kafka_consumer_partition_count(consumer, 3000, &count, &err), RC_RETRY);
    assert_int_equal(count, 3);
    kafka_consumer_free(consumer, 2000);
}

static void says_when_an_offset_is_not_there(void **state)
{
    (void)state;
    struct err err;
    struct kafka_event event;
    struct kafka_place place = {.partition = 0, .offset = 1000};
    broker_do("create range 1");
    produce_one("range", slice_str("x"));
    struct kafka_consumer *consumer = consumer_open(broker_address(), "range", NULL, NULL, 0);
    assert_int_equal(kafka_consumer_assign(consumer, &place, 1, &err), RC_OK);
    event = consumer_await(consumer, KAFKA_EVENT_TYPE_OUT_OF_RANGE, NULL, WAIT_MS);
    assert_int_equal(event.type, KAFKA_EVENT_TYPE_OUT_OF_RANGE);
    assert_int_equal(event.partition, 0);
    assert_non_null(event.text);
    place.offset = -1;
    assert_int_equal(kafka_consumer_assign(consumer, &place, 1, &err), RC_REJECT);
    place.offset = 0;
    assert_int_equal(kafka_consumer_assign(consumer, &place, 1, &err), RC_OK);
    event = consumer_await(consumer, KAFKA_EVENT_TYPE_MESSAGE, NULL, WAIT_MS);
    assert_int_equal(event.offset, 0);
    kafka_consumer_free(consumer, 2000);
}

/* A topic made anew is empty: the offset kept from the old one is beyond its end. */
static void says_when_the_topic_was_made_anew(void **state)
{
    (void)state;
    struct err err;
    struct kafka_event event;
    const struct kafka_place place = {.partition = 0, .offset = 1};
    broker_do("create anew 1");
    produce_one("anew", slice_str("x"));
    broker_do("delete anew");
    broker_do("create anew 1");
    struct kafka_consumer *consumer = consumer_open(broker_address(), "anew", NULL, NULL, 0);
    assert_int_equal(kafka_consumer_assign(consumer, &place, 1, &err), RC_OK);
    event = consumer_await(consumer, KAFKA_EVENT_TYPE_OUT_OF_RANGE, NULL, WAIT_MS);
    assert_int_equal(event.type, KAFKA_EVENT_TYPE_OUT_OF_RANGE);
    kafka_consumer_free(consumer, 2000);
}

static void a_tool_reads_to_the_end(void **state)
{
    (void)state;
    struct err err;
    struct kafka_event event;
    struct kafka_consumer *consumer;
    const struct kafka_place places[] = {{.partition = 0, .offset = -2},
                                         {.partition = 1, .offset = -2}};
    const struct kafka_consumer_config config = {
        .kafka = {.brokers = broker_address()},
        .topic = "end",
        .queued_kib_max = 1024,
        .is_read_to_end = 1,
    };
    int messages = 0;
    broker_do("create end 2");
    for (int i = 0; i < 3; i++)
        produce_one("end", slice_str("x"));
    assert_int_equal(kafka_consumer_new(&config, &consumer, &err), RC_OK);
    assert_int_equal(kafka_consumer_assign(consumer, places, 2, &err), RC_OK);
    int64_t start_us = clock_mono_us(clock_real());
    for (;;) {
        assert_int_equal(kafka_consumer_poll(consumer, WAIT_MS, &event, &err), RC_OK);
        if (event.type == KAFKA_EVENT_TYPE_NONE)
            break;
        messages += event.type == KAFKA_EVENT_TYPE_MESSAGE;
    }
    assert_int_equal(messages, 3);
    assert_true(clock_mono_us(clock_real()) - start_us < WAIT_MS / 2 * CLOCK_US_PER_MS);
    kafka_consumer_free(consumer, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loses_nothing_when_the_broker_is_killed),
        cmocka_unit_test(a_small_prefetch_does_not_starve),
        cmocka_unit_test(tells_null_from_empty),
        cmocka_unit_test(answers_what_the_log_holds),
        cmocka_unit_test(says_when_an_offset_is_not_there),
        cmocka_unit_test(says_when_the_topic_was_made_anew),
        cmocka_unit_test(a_tool_reads_to_the_end),
    };
    return UNIT_MAIN(tests);
}
