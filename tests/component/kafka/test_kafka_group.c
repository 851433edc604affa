/* Group membership on a real broker: who gets what when a member goes, with and without an
   instance id, and that closing is bounded. */
#include "tests/support/unit.h"

#include <stdio.h>

#include "services/common/base/clock.h"
#include "tests/component/kafka/broker.h"
#include "tests/component/kafka/traffic.h"

enum { PARTITIONS = 4, WAIT_MS = 60000, SESSION_MS = 3000, LONG_SESSION_MS = 60000 };

static int64_t now_ms(void)
{
    return clock_mono_us(clock_real()) / CLOCK_US_PER_MS;
}

/* Polls both until they share the partitions evenly: while one is asked, the other must answer its
   rebalances too. A NULL consumer has none. */
struct member {
    struct kafka_consumer *consumer;
    size_t partitions;
    int assignments, revocations;
};

static void serve(struct member *m)
{
    struct err err;
    struct kafka_event event;
    if (m->consumer == NULL)
        return;
    assert_int_equal(kafka_consumer_poll(m->consumer, 20, &event, &err), RC_OK);
    if (event.type == KAFKA_EVENT_TYPE_ASSIGNED) {
        m->partitions = event.partitions_count;
        m->assignments++;
        consumer_accept(m->consumer, &event);
    } else if (event.type == KAFKA_EVENT_TYPE_REVOKED) {
        m->partitions = 0;
        m->revocations++;
        assert_int_equal(kafka_consumer_unassign(m->consumer, &err), RC_OK);
    }
}

static int64_t serve_until(struct member *a, size_t a_wanted, struct member *b, size_t b_wanted)
{
    int64_t start_ms = now_ms();
    while (a->partitions != a_wanted || b->partitions != b_wanted) {
        assert_true(now_ms() - start_ms < WAIT_MS);
        serve(a);
        serve(b);
    }
    return now_ms() - start_ms;
}

static struct member join(const char *topic, const char *instance_id, int session_ms)
{
    return (struct member){
        .consumer = consumer_open(broker_address(), topic, topic, instance_id, session_ms)};
}

/* free leaves a static member in its group, as a kill -9 does. */
static void kill_member(struct member *m)
{
    kafka_consumer_free(m->consumer, 5000);
    *m = (struct member){0};
}

static void a_static_member_is_replaced_or_expires(void **state)
{
    (void)state;
    broker_do("create static %d", (int)PARTITIONS);
    struct member a = join("static", "a1", SESSION_MS);
    struct member b = join("static", "a2", SESSION_MS);
    (void)serve_until(&a, 2, &b, 2);

    int revocations = a.revocations;
    kill_member(&b);
    b = join("static", "a2", SESSION_MS);
    int64_t took_ms = serve_until(&a, 2, &b, 2);
    printf("group: a successor with the same id reads after %d ms\n", (int)took_ms);
    assert_int_equal(a.revocations, revocations); /* nobody else was disturbed */
    assert_true(took_ms < 5000);

    kill_member(&b);
    took_ms = serve_until(&a, PARTITIONS, &b, 0);
    printf("group: the other one takes over after %d ms of a session of %d ms\n", (int)took_ms,
           (int)SESSION_MS);
    assert_true(took_ms > SESSION_MS / 4);
    kill_member(&a);
}

static void a_dynamic_member_leaves_at_once(void **state)
{
    (void)state;
    broker_do("create dynamic %d", (int)PARTITIONS);
    struct member a = join("dynamic", NULL, LONG_SESSION_MS);
    struct member b = join("dynamic", NULL, LONG_SESSION_MS);
    (void)serve_until(&a, 2, &b, 2);
    kill_member(&b);
    int64_t took_ms = serve_until(&a, PARTITIONS, &b, 0);
    printf("group: a dynamic member's partitions are taken after %d ms\n", (int)took_ms);
    assert_true(took_ms < LONG_SESSION_MS / 2);
    kill_member(&a);
}

static void who_comes_second_under_an_id_fences_the_first(void **state)
{
    (void)state;
    struct err err = {.rc = RC_OK};
    struct kafka_event event;
    broker_do("create fence 1");
    struct member a = join("fence", "a1", 6000), nobody = {0};
    (void)serve_until(&a, 1, &nobody, 0);
    struct member b = join("fence", "a1", 6000);
    int64_t start_ms = now_ms();
    enum rc rc = RC_OK;
    while (rc == RC_OK && now_ms() - start_ms < WAIT_MS) {
        rc = kafka_consumer_poll(a.consumer, 20, &event, &err);
        serve(&b);
    }
    assert_int_equal(rc, RC_FATAL);
    assert_int_equal(err.rc, RC_FATAL);
    kill_member(&a);
    (void)serve_until(&b, 1, &nobody, 0);
    kill_member(&b);
}

static void closing_is_bounded_without_a_broker(void **state)
{
    (void)state;
    struct kafka_event event;
    broker_do("create close 1");
    struct member a = join("close", NULL, 6000), nobody = {0};
    (void)serve_until(&a, 1, &nobody, 0);
    broker_do("kill9");
    event = consumer_await(a.consumer, KAFKA_EVENT_TYPE_ERROR, NULL, WAIT_MS);
    assert_int_equal(event.type, KAFKA_EVENT_TYPE_ERROR);
    assert_int_equal(event.rc, RC_RETRY);
    int64_t start_ms = now_ms();
    kafka_consumer_free(a.consumer, 3000);
    assert_true(now_ms() - start_ms < 4000);
    broker_do("start");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_static_member_is_replaced_or_expires),
        cmocka_unit_test(a_dynamic_member_leaves_at_once),
        cmocka_unit_test(who_comes_second_under_an_id_fences_the_first),
        cmocka_unit_test(closing_is_bounded_without_a_broker),
    };
    return UNIT_MAIN(tests);
}
