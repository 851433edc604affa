/* The bytes that go to the server, by PostgreSQL's array_recv and the types' recv functions. */
#include <string.h>

#include "services/common/base/mem.h"
#include "services/common/db/db_internal.h"
#include "tests/support/unit.h"

static struct db_params *make(enum db_type type, int is_array, size_t bytes_max)
{
    struct db_params *params = db_params_new(1, &type, &is_array, bytes_max);
    assert_non_null(params);
    return params;
}

static void expect_bytes(const struct db_params *params, const void *bytes, size_t size)
{
    struct db_bound bound;
    assert_int_equal(db_params_bind(params, &bound, NULL), RC_OK);
    assert_int_equal(bound.count, 1);
    assert_int_equal(bound.formats[0], 1);
    assert_int_equal(bound.lengths[0], size);
    assert_memory_equal(bound.values[0], bytes, size);
}

static void test_array_of_text_with_a_null(void **state)
{
    static const char WANT[] = "\0\0\0\1"   /* dimensions */
                               "\0\0\0\1"   /* has a null */
                               "\0\0\0\x19" /* text */
                               "\0\0\0\3"   /* elements */
                               "\0\0\0\1"   /* first index */
                               "\0\0\0\2ab"
                               "\xff\xff\xff\xff"
                               "\0\0\0\0";
    struct db_params *params = make(DB_TYPE_TEXT, 1, 64);
    (void)state;
    db_put_text(params, 0, slice_str("ab"));
    db_put_null(params, 0);
    db_put_text(params, 0, slice_str(""));
    expect_bytes(params, WANT, sizeof(WANT) - 1);
    db_params_free(params);
}

static void test_empty_array_has_no_dimension(void **state)
{
    static const char WANT[] = "\0\0\0\0\0\0\0\0\0\0\0\x14";
    struct db_params *params = make(DB_TYPE_INT8, 1, 64);
    (void)state;
    expect_bytes(params, WANT, 12);
    db_put_int(params, 0, 1);
    db_params_reset(params); /* a reset one is empty again */
    expect_bytes(params, WANT, 12);
    db_params_free(params);
}

static void test_single_values(void **state)
{
    struct db_params *params = make(DB_TYPE_INT4, 0, 64);
    (void)state;
    db_put_int(params, 0, -2);
    expect_bytes(params, "\xff\xff\xff\xfe", 4);
    db_params_free(params);
    params = make(DB_TYPE_JSONB, 0, 64);
    db_put_text(params, 0, slice_str("{}"));
    expect_bytes(params, "\1{}", 3);
    db_params_free(params);
    params = make(DB_TYPE_TIMESTAMPTZ, 0, 64);
    db_put_time(params, 0, DB_EPOCH_US + 258);
    expect_bytes(params, "\0\0\0\0\0\0\1\2", 8);
    db_params_free(params);
}

static void test_single_null(void **state)
{
    struct db_params *params = make(DB_TYPE_BYTEA, 0, 64);
    struct db_bound bound;
    (void)state;
    db_put_null(params, 0);
    assert_int_equal(db_params_bind(params, &bound, NULL), RC_OK);
    assert_null(bound.values[0]);
    db_params_free(params);
}

static void test_failures_stick_until_reset(void **state)
{
    struct db_params *params = make(DB_TYPE_TEXT, 1, 10);
    struct db_bound bound;
    struct err err;
    (void)state;
    db_put_text(params, 0, slice_str("123456"));
    assert_int_equal(db_params_bind(params, &bound, &err), RC_OK); /* exactly full */
    db_put_null(params, 0);
    assert_int_equal(db_params_bind(params, &bound, &err), RC_REJECT);
    assert_int_equal(db_params_rows(params, 0), 1);
    db_params_reset(params);
    assert_int_equal(db_params_bind(params, &bound, &err), RC_OK);
    db_params_free(params);
}

static void test_an_instant_before_all_time_is_out_of_range(void **state)
{
    struct db_params *params = make(DB_TYPE_TIMESTAMPTZ, 0, 64);
    struct db_bound bound;
    struct err err;
    (void)state;
    db_put_time(params, 0, INT64_MIN + 1);
    assert_int_equal(db_params_bind(params, &bound, &err), RC_REJECT);
    db_params_free(params);
}

/* For every allocation: it fails, nothing leaks, and the next round is well. */
static void test_every_allocation_may_fail(void **state)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {1, 1};
    static char large[2000];
    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    for (long n = 1;; n++) {
        struct db_bound bound;
        struct err err;
        mem_fail_nth(n);
        struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 4096);
        if (params != NULL) {
            db_put_text(params, 0, slice_str(large));
            db_put_int(params, 1, 1);
            enum rc rc = db_params_bind(params, &bound, &err);
            int is_over = mem_fail_pending();
            assert_int_equal(rc, is_over ? RC_OK : RC_RETRY);
            mem_fail_nth(0);
            if (!is_over) {
                db_params_reset(params);
                assert_int_equal(db_params_bind(params, &bound, &err), RC_OK);
            }
            db_params_free(params);
            if (is_over)
                return;
        }
        mem_fail_nth(0);
    }
}

/* What is read element by element and put again travels as it did. */
static void test_elements_are_moved_as_they_are(void **state)
{
    (void)state;
    struct db_params *from = make(DB_TYPE_TEXT, 1, 1024), *to = make(DB_TYPE_TEXT, 1, 1024);
    struct db_bound bound;
    struct err err;
    struct slice element;
    size_t at = 0, count = 0;
    db_put_text(from, 0, slice_str("one"));
    db_put_null(from, 0);
    db_put_text(from, 0, slice_str(""));
    for (; db_params_next(from, 0, &at, &element); count++)
        db_put_element(to, 0, element);
    assert_int_equal(count, 3);
    assert_int_equal(db_params_check(to, &err), RC_OK);
    assert_int_equal(db_params_bind(from, &bound, &err), RC_OK);
    expect_bytes(to, bound.values[0], (size_t)bound.lengths[0]);
    db_params_free(from);
    db_params_free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_array_of_text_with_a_null),
        cmocka_unit_test(test_empty_array_has_no_dimension),
        cmocka_unit_test(test_single_values),
        cmocka_unit_test(test_single_null),
        cmocka_unit_test(test_failures_stick_until_reset),
        cmocka_unit_test(test_an_instant_before_all_time_is_out_of_range),
        cmocka_unit_test(test_elements_are_moved_as_they_are),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return UNIT_MAIN(tests);
}
