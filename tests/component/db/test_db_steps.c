/* Several statements in one round trip, and arrays that come back. */
#include <stdlib.h>
#include <string.h>

#include "services/common/db/db.h"
#include "tests/support/unit.h"

static struct db *open_db(void)
{
    struct db *db;
    struct err err;
    if (db_open(getenv("KASUMORI_TEST_DATABASE"), "test_db", &db, &err) != RC_OK)
        fail_msg("%s", err.text);
    return db;
}

static void must(struct db *db, const char *sql)
{
    struct err err;
    if (db_exec(db, sql, &err) != RC_OK)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    *state = open_db();
    must(*state, "create table n (a bigint)");
    return 0;
}

static int tear_down(void **state)
{
    db_fail_nth(0);
    must(*state, "drop table n");
    db_close(*state);
    return 0;
}

static int64_t count_n(struct db *db)
{
    struct db_result *result;
    struct err err;
    assert_int_equal(db_run(db, "count_n", "select count(*) from n", NULL, &result, &err), RC_OK);
    int64_t count = db_result_int(result, 0, 0);
    db_result_free(result);
    return count;
}

static struct db_params *numbers(int64_t a)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0};
    struct db_params *params = db_params_new(1, TYPES, IS_ARRAY, 64);
    assert_non_null(params);
    db_put_int(params, 0, a);
    return params;
}

/* begin, put a, put b, ask, commit: the steps' own results. */
static enum rc put_two(struct db *db, int64_t a, int64_t b, int64_t *ret_count, struct err *err)
{
    static const char PUT[] = "insert into n values (10 / $1)";
    struct db_params *first = numbers(a), *second = numbers(b);
    struct db_step steps[] = {
        {.name = "begin", .sql = "begin"},
        {.name = "put", .sql = PUT, .params = first},
        {.name = "put", .sql = PUT, .params = second},
        {.name = "ask", .sql = "select count(*) from n", .has_answer = 1},
        {.name = "commit", .sql = "commit"},
    };
    enum rc rc = db_run_steps(db, steps, 5, err);
    if (rc == RC_OK)
        *ret_count = db_result_int(steps[3].result, 0, 0);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(steps[i].result != NULL, rc == RC_OK && i == 3);
    db_result_free(steps[3].result);
    db_params_free(first);
    db_params_free(second);
    return rc;
}

static void test_steps_run_in_order(void **state)
{
    struct err err;
    int64_t count = 0;
    for (int64_t round = 1; round <= 3; round++) {
        assert_int_equal(put_two(*state, 1, 2, &count, &err), RC_OK);
        assert_int_equal(count, 2 * round);
        assert_true(db_is_idle(*state));
    }
    assert_int_equal(count_n(*state), 6);
}

static void test_after_one_that_fails_none_is_run(void **state)
{
    struct err err;
    int64_t count;
    assert_int_equal(put_two(*state, 1, 0, &count, &err), RC_REJECT);
    assert_true(strncmp(err.text, "put: ", 5) == 0);
    assert_string_equal(db_sqlstate(*state), "22012");
    assert_true(db_is_alive(*state));
    assert_false(db_is_idle(*state)); /* the commit was not run */
    must(*state, "rollback");
    assert_int_equal(count_n(*state), 0);
    assert_int_equal(put_two(*state, 1, 1, &count, &err), RC_OK);
    assert_int_equal(count_n(*state), 2);
}

static void test_steps_without_a_begin_are_one_transaction(void **state)
{
    struct err err;
    struct db_step steps[] = {
        {.name = "one", .sql = "insert into n values (1)"},
        {.name = "bad", .sql = "select 1 / (count(*) - 1) from n", .has_answer = 1},
    };
    assert_int_equal(db_run_steps(*state, steps, 2, &err), RC_REJECT);
    assert_true(db_is_idle(*state));
    assert_int_equal(count_n(*state), 0);
}

static void test_a_lost_connection_is_a_retry(void **state)
{
    struct err err;
    int64_t count;
    for (int n = -1; n <= 1; n += 2) {
        struct db *db = open_db();
        db_fail_nth(n);
        assert_int_equal(put_two(db, 1, 1, &count, &err), RC_RETRY);
        db_fail_nth(0);
        assert_false(db_is_alive(db));
        assert_int_equal(put_two(db, 1, 1, &count, &err), RC_RETRY);
        db_close(db);
        assert_int_equal(count_n(*state), n < 0 ? 2 : 0); /* only the answer was lost */
        must(*state, "truncate n");
    }
}

static void test_a_server_that_ends_it_midway_is_a_retry(void **state)
{
    struct err err;
    struct db *db = open_db();
    struct db_step steps[] = {
        {.name = "first", .sql = "select 1", .has_answer = 1},
        {.name = "end", .sql = "select pg_terminate_backend(pg_backend_pid())", .has_answer = 1},
        {.name = "last", .sql = "select 2", .has_answer = 1},
    };
    assert_int_equal(db_run_steps(db, steps, 3, &err), RC_RETRY);
    assert_null(steps[0].result);
    assert_false(db_is_alive(db));
    db_close(db);
    (void)state;
}

static void test_elements_of_arrays(void **state)
{
    struct db_result *result;
    struct err err;
    struct slice element;
    size_t at = 0;
    assert_int_equal(db_run(*state, "arrays",
                            "select array['a', null, '', '三'], '{}'::text[], null::text[], "
                            "array['2000-01-01Z', 'infinity']::timestamptz[]",
                            NULL, &result, &err),
                     RC_OK);
    static const char *const WANTED[] = {"a", NULL, "", "三"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(db_result_element(result, 0, 0, &at, &element));
        assert_int_equal(element.data == NULL, WANTED[i] == NULL);
        assert_true(WANTED[i] == NULL || slice_is_equal(element, slice_str(WANTED[i])));
    }
    assert_false(db_result_element(result, 0, 0, &at, &element));
    for (size_t column = 1; column <= 2; column++) {
        at = 0;
        assert_false(db_result_element(result, 0, column, &at, &element));
    }
    at = 0;
    assert_true(db_result_element(result, 0, 3, &at, &element));
    assert_int_equal(db_element_time(element), INT64_C(946684800000000));
    assert_true(db_result_element(result, 0, 3, &at, &element));
    assert_int_equal(db_element_time(element), INT64_MAX);
    db_result_free(result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_steps_run_in_order),
        TEST(test_after_one_that_fails_none_is_run),
        TEST(test_steps_without_a_begin_are_one_transaction),
        TEST(test_a_lost_connection_is_a_retry),
        TEST(test_a_server_that_ends_it_midway_is_a_retry),
        TEST(test_elements_of_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
