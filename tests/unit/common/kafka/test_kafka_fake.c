/* The fake producer keeps the contract of kafka.h, or the tests that stand on it prove nothing. */
#include "tests/support/unit.h"

#include <poll.h>
#include <string.h>

#include "services/common/base/mem.h"
#include "services/common/kafka/kafka_fake.h"

static enum rc send_tag(struct kafka_producer *p, uint64_t tag)
{
    struct err err;
    const struct kafka_header header = {"ks-agent", slice_str("s001-a")};
    const struct kafka_outgoing message = {
        .topic = "t",
        .key = slice_str("acme/s001"),
        .value = slice_of(&tag, sizeof(tag)),
        .headers = &header,
        .headers_count = 1,
        .tag = tag,
    };
    return p->ops->produce(p, &message, &err);
}

static int is_readable(struct kafka_producer *p)
{
    struct pollfd pollfd = {.fd = p->ops->fd(p), .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

static void reports_in_order(void **state)
{
    (void)state;
    struct kafka_report reports[8];
    struct kafka_producer *p = kafka_fake_new(8);
    assert_false(is_readable(p));
    for (uint64_t tag = 1; tag <= 5; tag++)
        assert_int_equal(send_tag(p, tag), RC_OK);
    assert_true(is_readable(p));
    assert_int_equal(p->ops->reports(p, reports, 2), 2);
    assert_true(is_readable(p));
    assert_int_equal(p->ops->reports(p, reports + 2, 6), 3);
    assert_false(is_readable(p));
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(reports[i].tag, i + 1);
        assert_int_equal(reports[i].rc, RC_OK);
        assert_int_equal(reports[i].offset, i);
    }
    const struct kafka_fake_message *first = kafka_fake_at(p, 0);
    assert_string_equal(first->topic, "t");
    assert_true(slice_is_equal(first->key, slice_str("acme/s001")));
    assert_string_equal(first->headers[0].name, "ks-agent");
    assert_true(slice_is_equal(first->headers[0].value, slice_str("s001-a")));
    kafka_producer_free(p);
}

static void is_full_at_its_limit(void **state)
{
    (void)state;
    struct kafka_report report;
    struct kafka_producer *p = kafka_fake_new(2);
    assert_int_equal(send_tag(p, 1), RC_OK);
    assert_int_equal(send_tag(p, 2), RC_OK);
    assert_int_equal(send_tag(p, 3), RC_FULL);
    assert_int_equal(p->ops->reports(p, &report, 1), 1);
    assert_int_equal(send_tag(p, 3), RC_OK);
    kafka_fake_set_full(p, 1);
    assert_int_equal(p->ops->reports(p, &report, 1), 1);
    assert_int_equal(send_tag(p, 4), RC_FULL);
    kafka_fake_set_full(p, 0);
    assert_int_equal(send_tag(p, 4), RC_OK);
    kafka_producer_free(p);
}

static void fails_refuses_and_loses_the_nth(void **state)
{
    (void)state;
    struct kafka_report reports[8];
    struct kafka_producer *p = kafka_fake_new(8);
    kafka_fake_fail_nth(p, 2, RC_REJECT);
    kafka_fake_lose_nth(p, 3);
    for (uint64_t tag = 1; tag <= 4; tag++)
        assert_int_equal(send_tag(p, tag), RC_OK);
    assert_int_equal(p->ops->reports(p, reports, 8), 3);
    assert_int_equal(reports[1].tag, 2);
    assert_int_equal(reports[1].rc, RC_REJECT);
    assert_int_equal(reports[2].tag, 4);
    assert_int_equal(kafka_fake_count(p), 3);
    assert_int_equal(kafka_fake_outstanding(p), 1);
    kafka_fake_refuse_nth(p, 1, RC_REJECT);
    assert_int_equal(send_tag(p, 5), RC_REJECT);
    assert_int_equal(send_tag(p, 6), RC_OK);
    assert_int_equal(kafka_fake_count(p), 4);
    kafka_producer_free(p);
}

static void holds_reports_back(void **state)
{
    (void)state;
    struct kafka_report report;
    struct kafka_producer *p = kafka_fake_new(4);
    kafka_fake_hold(p, 1);
    assert_int_equal(send_tag(p, 1), RC_OK);
    assert_false(is_readable(p));
    assert_int_equal(p->ops->reports(p, &report, 1), 0);
    assert_non_null(kafka_producer_trouble(p));
    kafka_fake_hold(p, 0);
    assert_true(is_readable(p));
    assert_null(kafka_producer_trouble(p));
    assert_int_equal(p->ops->reports(p, &report, 1), 1);
    kafka_producer_free(p);
}

static void turns_fatal(void **state)
{
    (void)state;
    struct err err;
    struct kafka_report report;
    struct kafka_producer *p = kafka_fake_new(4);
    assert_int_equal(send_tag(p, 1), RC_OK);
    assert_int_equal(p->ops->state(p, &err), RC_OK);
    kafka_fake_turn_fatal(p);
    assert_int_equal(p->ops->state(p, &err), RC_FATAL);
    assert_int_equal(send_tag(p, 2), RC_FATAL);
    assert_int_equal(p->ops->reports(p, &report, 1), 1);
    assert_int_equal(report.rc, RC_RETRY);
    assert_true(is_readable(p));
    kafka_producer_free(p);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        mem_fail_nth(n);
        struct kafka_producer *p = kafka_fake_new(4);
        enum rc rc = p == NULL ? RC_RETRY : send_tag(p, 1);
        int is_spared = mem_fail_pending();
        mem_fail_nth(0);
        if (p != NULL) {
            assert_int_equal(rc == RC_OK, is_spared);
            assert_int_equal(kafka_fake_count(p), rc == RC_OK);
        }
        kafka_producer_free(p);
        if (is_spared)
            break;
        assert_true(n < 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_in_order),
        cmocka_unit_test(is_full_at_its_limit),
        cmocka_unit_test(fails_refuses_and_loses_the_nth),
        cmocka_unit_test(holds_reports_back),
        cmocka_unit_test(turns_fatal),
        cmocka_unit_test(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
