/* Walks the table that turns librdkafka's codes into what the caller has to do. */
#include "tests/support/unit.h"

#include <librdkafka/rdkafka.h>

#include "services/common/kafka/kafka_error.h"

static void walks_the_table(void **state)
{
    (void)state;
    size_t count;
    const struct kafka_error_row *rows = kafka_error_rows(&count);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(rows[i].code, rows[j].code);
        for (int place = 0; place < KAFKA_ERROR_PLACE_COUNT; place++) {
            enum rc rc = kafka_error_rc(rows[i].code, (enum kafka_error_place)place);
            assert_int_equal(rc, rows[i].rc[place]);
            assert_int_equal(rc == RC_OK, rows[i].code == RD_KAFKA_RESP_ERR_NO_ERROR);
            assert_int_not_equal(rc, RC_CORRUPT);
        }
        /* A row that says RETRY everywhere says nothing: that is what having no row means. */
        int is_needed = 0;
        for (int place = 0; place < KAFKA_ERROR_PLACE_COUNT; place++)
            is_needed |= rows[i].rc[place] != RC_RETRY;
        assert_true(is_needed);
    }
}

static void full_only_where_given(void **state)
{
    (void)state;
    assert_int_equal(kafka_error_rc(RD_KAFKA_RESP_ERR__QUEUE_FULL, KAFKA_ERROR_PLACE_PRODUCE),
                     RC_FULL);
    assert_int_equal(kafka_error_rc(RD_KAFKA_RESP_ERR__QUEUE_FULL, KAFKA_ERROR_PLACE_REPORT),
                     RC_RETRY);
}

/* A rejected record leaves the spool, so a report may reject only what is wrong with the record
   itself: everything about cluster, rights, topic, time or the producer must be sent again. */
static void reports_reject_only_the_record(void **state)
{
    (void)state;
    const struct rd_kafka_err_desc *known;
    size_t known_count, rejected = 0;
    rd_kafka_get_err_descs(&known, &known_count);
    for (size_t i = 0; i < known_count; i++) {
        enum rc rc = kafka_error_rc(known[i].code, KAFKA_ERROR_PLACE_REPORT);
        if (rc == RC_REJECT)
            rejected++;
        else if (known[i].code != RD_KAFKA_RESP_ERR_NO_ERROR)
            assert_int_equal(rc, RC_RETRY);
    }
    assert_int_equal(rejected, 2);
    assert_int_equal(kafka_error_rc(RD_KAFKA_RESP_ERR_INVALID_RECORD, KAFKA_ERROR_PLACE_REPORT),
                     RC_REJECT);
    assert_int_equal(kafka_error_rc(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, KAFKA_ERROR_PLACE_REPORT),
                     RC_REJECT);
}

static void unknown_codes_may_pass(void **state)
{
    (void)state;
    for (int place = 0; place < KAFKA_ERROR_PLACE_COUNT; place++)
        assert_int_equal(kafka_error_rc(12345, (enum kafka_error_place)place), RC_RETRY);
}

static void a_fenced_consumer_is_over(void **state)
{
    (void)state;
    assert_int_equal(
        kafka_error_rc(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, KAFKA_ERROR_PLACE_CONSUME), RC_FATAL);
    assert_int_equal(kafka_error_rc(RD_KAFKA_RESP_ERR__FATAL, KAFKA_ERROR_PLACE_CONSUME), RC_FATAL);
    assert_int_equal(kafka_error_rc(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, KAFKA_ERROR_PLACE_CONSUME),
                     RC_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_the_table),
        cmocka_unit_test(full_only_where_given),
        cmocka_unit_test(reports_reject_only_the_record),
        cmocka_unit_test(unknown_codes_may_pass),
        cmocka_unit_test(a_fenced_consumer_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
