#include "tests/support/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/publisher.h"
#include "services/agent/trace.h"
#include "services/common/kafka/kafka_fake.h"

/* The publisher on a real spool and a broker in memory. */
enum { VALUES = 600 };

struct fixture {
    char dir[64];
    int64_t now_us;
    struct spool *spool;
    struct publisher *publisher;
    struct metrics *metrics;
};

static struct kafka_producer *fake; /* the one the publisher made last */
static int producers;

static enum rc make_fake(const struct kafka_config *config, size_t queue_max,
                         struct kafka_producer **ret_producer, struct err *err)
{
    (void)config;
    fake = kafka_fake_new(queue_max);
    producers++;
    *ret_producer = fake;
    return fake == NULL ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

static const struct bundle BUNDLE = {
    .tenant = "acme",
    .site = "s001",
    .agent = "s001-a",
    .mac_key = {.key_id = 9, .key = {1, 2, 3}},
    .topic_records = "records",
    .topic_health = "health",
};

static void open_publisher(struct fixture *f)
{
    const struct spool_config spool = {
        .dir = f->dir,
        .segment_bytes_max = 64 << 10,
        .segment_age_us_max = CLOCK_US_PER_HOUR,
        .bytes_max = 16 << 20,
        .replay_keep_us = 0,
        .replay_bytes_max = 0,
        .clock = clock_fake(&f->now_us),
    };
    assert_int_equal(spool_open(&spool, &f->spool, NULL), RC_OK);
    const struct publisher_config publisher = {
        .bundle = &BUNDLE,
        .spool = f->spool,
        .clock = clock_fake(&f->now_us),
        .heartbeat_every_us = 10 * CLOCK_US_PER_S,
        .metrics = f->metrics,
        .producer_new = make_fake,
    };
    f->publisher = publisher_new(&publisher);
    assert_non_null(f->publisher);
}

static void close_publisher(struct fixture *f)
{
    publisher_free(f->publisher);
    spool_close(f->spool);
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.now_us = INT64_C(1795527190000000)};
    strcpy(f.dir, "/tmp/kasumori-publisher-XXXXXX");
    if (mkdtemp(f.dir) == NULL)
        return -1;
    f.metrics = agent_metrics_new();
    producers = 0;
    open_publisher(&f);
    *state = &f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_publisher(f);
    metrics_free(f->metrics);
    return nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void append(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slice value = slice_str("value");
        uint64_t first;
        assert_int_equal(spool_append(f->spool, &value, 1, &first, NULL), RC_OK);
    }
}

static void run_all(struct fixture *f)
{
    for (int i = 0; i < 100; i++)
        publisher_run(f->publisher);
}

static uint64_t delivered(struct fixture *f)
{
    struct spool_stats stats;
    spool_stats(f->spool, &stats);
    return stats.sequence_delivered;
}

static const struct kafka_header *header(const struct kafka_fake_message *message, const char *name)
{
    for (size_t i = 0; i < message->headers_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return &message->headers[i];
    return NULL;
}

static void all_arrive_in_order_and_signed(void **state)
{
    struct fixture *f = *state;
    append(f, VALUES);
    run_all(f);
    assert_int_equal(kafka_fake_count(fake), VALUES);
    assert_int_equal(delivered(f), VALUES);
    for (size_t i = 0; i < VALUES; i++) {
        const struct kafka_fake_message *message = kafka_fake_at(fake, i);
        char number[24];
        snprintf(number, sizeof(number), "%zu", i + 1);
        assert_true(slice_is_equal(header(message, "ks-sequence")->value, slice_str(number)));
        struct spool_stats stats;
        spool_stats(f->spool, &stats);
        const struct slice mac = header(message, "ks-mac")->value;
        assert_int_equal(mac.size, MAC_HEADER_BYTES);
        const struct mac_message claim = {message->value, "s001-a", stats.epoch, i + 1};
        assert_true(mac_is_valid(&BUNDLE.mac_key, &claim, mac.data));
        assert_true(slice_is_equal(message->key, slice_str("acme/s001")));
    }
}

static const char TRACE[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/* A spool of an older program, a record with a trace, one without, across a restart. */
static void a_trace_goes_with_its_record_and_outside_its_mac(void **state)
{
    struct fixture *f = *state;
    struct buf spooled;
    uint64_t first;
    buf_init(&spooled, 1024);
    append(f, 1);
    assert_int_equal(trace_add(&spooled, TRACE, 5), TRACE_SPOOLED_BYTES);
    buf_add_str(&spooled, "value");
    struct slice value = buf_slice(&spooled);
    assert_int_equal(spool_append(f->spool, &value, 1, &first, NULL), RC_OK);
    append(f, 1);
    buf_done(&spooled);
    close_publisher(f);
    open_publisher(f);
    run_all(f);
    assert_int_equal(kafka_fake_count(fake), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct kafka_fake_message *message = kafka_fake_at(fake, i);
        const struct kafka_header *trace = header(message, "traceparent");
        struct spool_stats stats;
        spool_stats(f->spool, &stats);
        assert_true(slice_is_equal(message->value, slice_str("value")));
        const struct mac_message claim = {message->value, "s001-a", stats.epoch, i + 1};
        assert_true(mac_is_valid(&BUNDLE.mac_key, &claim, header(message, "ks-mac")->value.data));
        if (i != 1)
            assert_null(trace);
        else
            assert_true(trace != NULL && slice_is_equal(trace->value, slice_str(TRACE)));
    }
}

/* Whatever befalls the producer, everything is stored by one of them and the mark moves to the end.
 */
static void recovers(struct fixture *f, void (*hurt)(void))
{
    append(f, 10);
    run_all(f);
    hurt();
    append(f, VALUES);
    run_all(f);
    assert_int_equal(producers, 1);
    assert_true(delivered(f) < 10 + VALUES);
    f->now_us += 60 * CLOCK_US_PER_S;
    run_all(f);
    assert_int_equal(producers, 2);
    assert_int_equal(delivered(f), 10 + VALUES);
}

static void hurt_fatal(void)
{
    kafka_fake_turn_fatal(fake);
}

static void hurt_lost_delivery(void)
{
    kafka_fake_fail_nth(fake, 300, RC_RETRY);
}

static void hurt_refused_delivery(void)
{
    kafka_fake_fail_nth(fake, 5, RC_REJECT);
}

static void a_fatal_producer_is_replaced(void **state)
{
    recovers(*state, hurt_fatal);
}

static void an_undelivered_record_is_sent_again(void **state)
{
    recovers(*state, hurt_lost_delivery);
}

static void a_refused_record_is_never_skipped(void **state)
{
    struct fixture *f = *state;
    recovers(f, hurt_refused_delivery);
    assert_int_equal(metrics_get(f->metrics, AGENT_METRIC_PUBLISH_REJECTED), 1);
}

static void the_mark_waits_for_a_missing_report(void **state)
{
    struct fixture *f = *state;
    append(f, 10);
    publisher_run(f->publisher);
    kafka_fake_lose_nth(fake, 3);
    append(f, 10);
    run_all(f);
    assert_true(delivered(f) < 13);
}

static void a_restart_sends_what_is_not_marked(void **state)
{
    struct fixture *f = *state;
    append(f, 20);
    publisher_run(f->publisher);
    kafka_fake_hold(fake, 1);
    run_all(f);
    close_publisher(f);
    open_publisher(f);
    run_all(f);
    assert_int_equal(kafka_fake_count(fake), 20);
    assert_int_equal(delivered(f), 20);
}

static void a_broker_away_costs_bounded_memory(void **state)
{
    struct fixture *f = *state;
    publisher_run(f->publisher);
    kafka_fake_hold(fake, 1);
    append(f, 2000);
    run_all(f);
    for (int i = 0; i < 20; i++) {
        f->now_us += 60 * CLOCK_US_PER_S;
        publisher_tick(f->publisher);
    }
    assert_int_equal(kafka_fake_outstanding(fake), 2000 + 1);
    kafka_fake_hold(fake, 0);
    run_all(f);
    assert_int_equal(delivered(f), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_arrive_in_order_and_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trace_goes_with_its_record_and_outside_its_mac, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_fatal_producer_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_undelivered_record_is_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_record_is_never_skipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_mark_waits_for_a_missing_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_restart_sends_what_is_not_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broker_away_costs_bounded_memory, set_up, tear_down),
    };
    return UNIT_MAIN(tests);
}
