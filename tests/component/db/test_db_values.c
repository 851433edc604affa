/* Values there and back through a real server, in binary both ways. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/db/db.h"
#include "tests/support/unit.h"

enum { TYPES = 9, NULL_ROW = 3, ROWS = 4 };

static const enum db_type ALL[TYPES] = {
    DB_TYPE_BOOL,  DB_TYPE_INT2, DB_TYPE_INT4,        DB_TYPE_INT8,  DB_TYPE_TEXT,
    DB_TYPE_BYTEA, DB_TYPE_UUID, DB_TYPE_TIMESTAMPTZ, DB_TYPE_JSONB,
};
static const int64_t INT2S[] = {0, INT16_MIN, INT16_MAX};
static const int64_t INT4S[] = {-1, INT32_MIN, INT32_MAX};
static const int64_t INT8S[] = {42, INT64_MIN, INT64_MAX};
/* An instant before 2000, the server's epoch itself, and infinity. */
static const int64_t TIMES[] = {-1, INT64_C(946684800000000), INT64_MAX};
static const char *const TEXTS[] = {"", "a\tb\n\"'\\", "新宿店 \xf0\x9f\x8d\xa3"};
static const char *const JSONS[] = {"{}", "[1, \"二\"]", "null"};
static const struct uuid UUIDS[] = {
    {{0}}, {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, {{255, 255}}};

static struct slice bytes_of(int row)
{
    static const uint8_t BYTES[] = {0, 1, 0, 255, '\\', 'x'};
    return slice_of(BYTES, (size_t)row * 3);
}

static int set_up(void **state)
{
    struct db *db;
    struct err err;
    if (db_open(getenv("KASUMORI_TEST_DATABASE"), "test_db", &db, &err) != RC_OK) {
        fail_msg("%s", err.text);
        return -1;
    }
    *state = db;
    return 0;
}

static int tear_down(void **state)
{
    db_close(*state);
    return 0;
}

static void put_row(struct db_params *params, int row)
{
    db_put_bool(params, 0, row == 1);
    db_put_int(params, 1, INT2S[row]);
    db_put_int(params, 2, INT4S[row]);
    db_put_int(params, 3, INT8S[row]);
    db_put_text(params, 4, slice_str(TEXTS[row]));
    db_put_bytes(params, 5, bytes_of(row));
    db_put_uuid(params, 6, &UUIDS[row]);
    db_put_time(params, 7, TIMES[row]);
    db_put_text(params, 8, slice_str(JSONS[row]));
}

static void put_null_row(struct db_params *params)
{
    for (size_t i = 0; i < TYPES; i++)
        db_put_null(params, i);
}

static void expect_text(struct slice got, const char *want)
{
    assert_int_equal(got.size, strlen(want));
    assert_memory_equal(got.data, want, got.size);
    assert_int_equal(got.data[got.size], 0);
}

static void expect_row(const struct db_result *result, size_t at, int row)
{
    struct uuid uuid = db_result_uuid(result, at, 6);
    for (size_t i = 0; i < TYPES; i++)
        assert_false(db_result_is_null(result, at, i));
    assert_int_equal(db_result_int(result, at, 0), row == 1);
    assert_int_equal(db_result_int(result, at, 1), INT2S[row]);
    assert_int_equal(db_result_int(result, at, 2), INT4S[row]);
    assert_int_equal(db_result_int(result, at, 3), INT8S[row]);
    expect_text(db_result_bytes(result, at, 4), TEXTS[row]);
    assert_true(slice_is_equal(db_result_bytes(result, at, 5), bytes_of(row)));
    assert_memory_equal(uuid.bytes, UUIDS[row].bytes, UUID_BYTES);
    assert_int_equal(db_result_time(result, at, 7), TIMES[row]);
    expect_text(db_result_bytes(result, at, 8), JSONS[row]);
}

static void expect_null_row(const struct db_result *result, size_t at)
{
    static const struct uuid NIL;
    struct uuid uuid = db_result_uuid(result, at, 6);
    for (size_t i = 0; i < TYPES; i++)
        assert_true(db_result_is_null(result, at, i));
    assert_int_equal(db_result_int(result, at, 3), 0);
    assert_null(db_result_bytes(result, at, 4).data);
    assert_memory_equal(uuid.bytes, NIL.bytes, UUID_BYTES);
    assert_int_equal(db_result_time(result, at, 7), 0);
}

static struct db_result *run(struct db *db, const char *name, const char *sql,
                             const struct db_params *params)
{
    struct db_result *result;
    struct err err;
    if (db_run(db, name, sql, params, &result, &err) != RC_OK)
        fail_msg("%s", err.text);
    return result;
}

static const char ECHO[] = "select $1, $2, $3, $4, $5, $6, $7, $8, $9";
static const char ECHO_ARRAYS[] = "select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)";

static void test_single_values(void **state)
{
    static const int SINGLE[TYPES];
    struct db_params *params = db_params_new(TYPES, ALL, SINGLE, 1024);
    assert_non_null(params);
    for (int row = 0; row < ROWS; row++) {
        db_params_reset(params);
        if (row == NULL_ROW)
            put_null_row(params);
        else
            put_row(params, row);
        struct db_result *result = run(*state, "echo", ECHO, params);
        assert_int_equal(db_result_rows(result), 1);
        if (row == NULL_ROW)
            expect_null_row(result, 0);
        else
            expect_row(result, 0, row);
        db_result_free(result);
    }
    db_params_free(params);
}

static struct db_params *array_params(void)
{
    static const int ARRAY[TYPES] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct db_params *params = db_params_new(TYPES, ALL, ARRAY, 1024 * 1024);
    assert_non_null(params);
    return params;
}

static void test_arrays_with_nulls(void **state)
{
    struct db_params *params = array_params();
    for (int round = 0; round < 2; round++) { /* a reset one is as new */
        db_params_reset(params);
        for (int row = 0; row < ROWS; row++)
            if (row == NULL_ROW)
                put_null_row(params);
            else
                put_row(params, row);
        assert_int_equal(db_params_rows(params, 8), ROWS);
        struct db_result *result = run(*state, "echo_arrays", ECHO_ARRAYS, params);
        assert_int_equal(db_result_rows(result), ROWS);
        for (int row = 0; row < NULL_ROW; row++)
            expect_row(result, (size_t)row, row);
        expect_null_row(result, NULL_ROW);
        db_result_free(result);
    }
    db_params_free(params);
}

static void test_empty_arrays(void **state)
{
    struct db_params *params = array_params();
    struct db_result *result = run(*state, "echo_arrays", ECHO_ARRAYS, params);
    assert_int_equal(db_result_rows(result), 0);
    db_result_free(result);
    result = run(*state, "count_empty",
                 "select cardinality($1), cardinality($9), $2, $3, $4, $5, $6, $7, $8", params);
    assert_int_equal(db_result_int(result, 0, 0), 0);
    assert_int_equal(db_result_int(result, 0, 1), 0);
    db_result_free(result);
    db_params_free(params);
}

static void test_a_large_batch(void **state)
{
    enum { LARGE = 20000 };
    struct db_params *params = array_params();
    for (int i = 0; i < LARGE; i++)
        put_row(params, i % NULL_ROW);
    struct db_result *result = run(*state, "echo_arrays", ECHO_ARRAYS, params);
    assert_int_equal(db_result_rows(result), LARGE);
    for (int i = 0; i < LARGE; i += 997)
        expect_row(result, (size_t)i, i % NULL_ROW);
    db_result_free(result);
    db_params_free(params);
}

/* What the server makes of an instant must be what we meant, not only what it gives back. */
static void test_the_server_means_the_same_instant(void **state)
{
    static const enum db_type TYPE[] = {DB_TYPE_TIMESTAMPTZ};
    static const int SINGLE[] = {0};
    struct db_params *params = db_params_new(1, TYPE, SINGLE, 64);
    db_put_time(params, 0, INT64_C(1795527190123456));
    struct db_result *result = run(*state, "time_text", "select $1::text", params);
    expect_text(db_result_bytes(result, 0, 0), "2026-11-24 13:33:10.123456+00");
    db_result_free(result);
    result = run(*state, "time_back",
                 "select timestamptz '1960-02-29 23:59:59.5+09', timestamptz '-infinity'", NULL);
    assert_int_equal(db_result_time(result, 0, 0), INT64_C(-310467600500000));
    assert_int_equal(db_result_time(result, 0, 1), INT64_MIN);
    db_result_free(result);
    db_params_free(params);
}

static void test_affected_rows(void **state)
{
    struct err err;
    assert_int_equal(db_exec(*state, "create temp table t (a int primary key)", &err), RC_OK);
    struct db_result *result =
        run(*state, "insert", "insert into t select generate_series(1, 7)", NULL);
    assert_int_equal(db_result_affected(result), 7);
    assert_int_equal(db_result_rows(result), 0);
    db_result_free(result);
    result =
        run(*state, "insert_more",
            "insert into t select generate_series(5, 9) on conflict do nothing returning a", NULL);
    assert_int_equal(db_result_affected(result), 2);
    assert_int_equal(db_result_rows(result), 2);
    assert_int_equal(db_result_int(result, 0, 0), 8);
    db_result_free(result);
    assert_int_equal(db_exec(*state, "drop table t", &err), RC_OK);
}

static void test_the_session_is_set_up(void **state)
{
    static const char SQL[] =
        "select current_setting('statement_timeout'), current_setting('TimeZone'), "
        "current_setting('client_encoding'), current_setting('application_name'), "
        "current_setting('idle_in_transaction_session_timeout')";
    struct db_result *result = run(*state, "settings", SQL, NULL);
    expect_text(db_result_bytes(result, 0, 0), "10s");
    expect_text(db_result_bytes(result, 0, 1), "UTC");
    expect_text(db_result_bytes(result, 0, 2), "UTF8");
    expect_text(db_result_bytes(result, 0, 3), "test_db");
    expect_text(db_result_bytes(result, 0, 4), "10s");
    db_result_free(result);
}

static void test_the_callers_options_win(void **state)
{
    char conninfo[512];
    struct db *db;
    struct err err;
    (void)state;
    snprintf(conninfo, sizeof(conninfo), "%s options='-c statement_timeout=77s'",
             getenv("KASUMORI_TEST_DATABASE"));
    assert_int_equal(db_open(conninfo, "other", &db, &err), RC_OK);
    struct db_result *result = run(db, "settings",
                                   "select current_setting('statement_timeout'), "
                                   "current_setting('idle_in_transaction_session_timeout')",
                                   NULL);
    expect_text(db_result_bytes(result, 0, 0), "77s");
    expect_text(db_result_bytes(result, 0, 1), "10s");
    db_result_free(result);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_values),
        cmocka_unit_test(test_arrays_with_nulls),
        cmocka_unit_test(test_empty_arrays),
        cmocka_unit_test(test_a_large_batch),
        cmocka_unit_test(test_the_server_means_the_same_instant),
        cmocka_unit_test(test_affected_rows),
        cmocka_unit_test(test_the_session_is_set_up),
        cmocka_unit_test(test_the_callers_options_win),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
