/* What goes wrong at a real server, and what the caller is told to do about it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/db/db.h"
#include "services/common/db/schema.h"
#include "tests/support/unit.h"

static const char *conninfo(void)
{
    return getenv("KASUMORI_TEST_DATABASE");
}

static struct db *open_db(void)
{
    struct db *db;
    struct err err;
    if (db_open(conninfo(), "test_db", &db, &err) != RC_OK)
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
    return 0;
}

static int tear_down(void **state)
{
    db_fail_nth(0);
    db_close(*state);
    return 0;
}

/* ---- states provoked one by one ---- */

struct provoked {
    const char *code;
    enum rc rc;
    int is_alive;
    const char *sql;
};

static const struct provoked PROVOKED[] = {
    {"22P02", RC_REJECT, 1, "select 'secret 090'::uuid"},
    {"22012", RC_REJECT, 1, "select 1 / 0"},
    {"22003", RC_REJECT, 1, "select 99999999999::int4"},
    {"21000", RC_REJECT, 1,
     "insert into k values (1), (1) on conflict (a) do update set a = excluded.a"},
    {"23505", RC_REJECT, 1, "insert into k values (7)"},
    {"23502", RC_REJECT, 1, "insert into k values (null)"},
    {"23514", RC_REJECT, 1, "insert into k values (-1)"},
    {"42P01", RC_FATAL, 1, "select * from no_such_table"},
    {"42601", RC_FATAL, 1, "selec 1"},
    {"42501", RC_FATAL, 1, "set role nobody_special; select * from k"},
    {"3F000", RC_FATAL, 1, "create table no_such_schema.t (a int)"},
    {"57014", RC_RETRY, 1, "set statement_timeout = '50ms'; select pg_sleep(5)"},
    {"55P03", RC_RETRY, 1, "set lock_timeout = '50ms'; begin; lock table locked"},
    {"P0001", RC_REJECT, 1, "do $$ begin raise exception 'told so'; end $$"},
    {"P0004", RC_FATAL, 1, "do $$ begin assert false; end $$"},
    {"40001", RC_RETRY, 1, "do $$ begin raise exception using errcode = '40001'; end $$"},
    {"40P01", RC_RETRY, 1, "do $$ begin raise exception using errcode = '40P01'; end $$"},
    {"53100", RC_RETRY, 1, "do $$ begin raise exception using errcode = '53100'; end $$"},
    {"25006", RC_RETRY, 0, "begin read only; insert into k values (9)"},
    {"25P03", RC_RETRY, 0,
     "set idle_in_transaction_session_timeout = 0; do $$ begin raise exception using errcode = "
     "'25P03'; end $$"},
    {"XX001", RC_CORRUPT, 1, "do $$ begin raise exception using errcode = 'XX001'; end $$"},
    {"ZZ999", RC_FATAL, 1, "do $$ begin raise exception using errcode = 'ZZ999'; end $$"},
};

static void test_states_become_duties(void **state)
{
    must(*state, "create table k (a int primary key check (a >= 0)); insert into k values (7);"
                 "create table locked (); create role nobody_special;");
    must(*state, "begin; lock table locked");
    for (size_t i = 0; i < sizeof(PROVOKED) / sizeof(PROVOKED[0]); i++) {
        struct err err = {.rc = RC_OK};
        struct db *db = open_db();
        enum rc rc = db_exec(db, PROVOKED[i].sql, &err);
        print_message("%s: %s\n", db_sqlstate(db), err.text);
        assert_string_equal(db_sqlstate(db), PROVOKED[i].code);
        assert_int_equal(rc, PROVOKED[i].rc);
        assert_int_equal(err.rc, rc);
        assert_int_equal(db_is_alive(db), PROVOKED[i].is_alive);
        assert_null(strstr(err.text, "secret")); /* no value is ever quoted */
        db_close(db);
    }
    must(*state, "rollback; drop table k, locked; drop role nobody_special");
}

static void test_a_constraint_is_named(void **state)
{
    struct err err;
    must(*state, "create table named (a int, constraint named_is_positive check (a > 0))");
    assert_int_equal(db_exec(*state, "insert into named values (-5)", &err), RC_REJECT);
    assert_string_equal(err.text, "database: a row of named violates named_is_positive");
    must(*state, "drop table named");
}

/* ---- connections ---- */

static void test_a_killed_connection_is_a_retry(void **state)
{
    struct err err;
    struct db *victim = open_db();
    must(*state, "create table written (a int)");
    must(victim, "begin; insert into written values (1)");
    must(*state, "select pg_terminate_backend(pid) from pg_stat_activity "
                 "where datname = current_database() and pid <> pg_backend_pid()");
    assert_int_equal(db_exec(victim, "insert into written values (2)", &err), RC_RETRY);
    assert_false(db_is_alive(victim));
    /* However often it is asked: a transaction never goes on half-way. */
    assert_int_equal(db_exec(victim, "commit", &err), RC_RETRY);
    assert_int_equal(db_run(victim, "one", "select 1", NULL, NULL, &err), RC_RETRY);
    db_close(victim);
    struct db_result *result;
    assert_int_equal(db_run(*state, "count", "select count(*) from written", NULL, &result, &err),
                     RC_OK);
    assert_int_equal(db_result_int(result, 0, 0), 0);
    db_result_free(result);
    must(*state, "drop table written");
}

static enum rc open_with(const char *extra, char text[256])
{
    char info[512];
    struct db *db = NULL;
    struct err err;
    snprintf(info, sizeof(info), "%s %s", conninfo(), extra);
    enum rc rc = db_open(info, "test_db", &db, &err);
    if (rc == RC_OK)
        db_close(db);
    else
        snprintf(text, 256, "%s", err.text);
    return rc;
}

static void test_opening_tells_away_from_refused(void **state)
{
    char text[256];
    (void)state;
    assert_int_equal(open_with("port=1", text), RC_RETRY);
    assert_non_null(strstr(text, "could not open the database"));
    assert_int_equal(open_with("dbname=no_such_database", text), RC_FATAL);
    assert_non_null(strstr(text, "no_such_database"));
    assert_null(strstr(text, "3D000"));
    assert_int_equal(open_with("user=no_such_role", text), RC_FATAL);
    assert_int_equal(open_with("password=hunter2", text), RC_REJECT);
    assert_null(strstr(text, "hunter2"));
    assert_int_equal(open_with("hunter2", text), RC_REJECT);
    assert_null(strstr(text, "hunter2"));
}

/* ---- transactions ---- */

static void test_a_commit_that_rolls_back_is_no_success(void **state)
{
    struct err err;
    must(*state, "create table c (a int)");
    must(*state, "begin; insert into c values (1)");
    assert_int_equal(db_exec(*state, "select 1 / 0", &err), RC_REJECT);
    assert_int_equal(db_exec(*state, "commit", &err), RC_RETRY);
    assert_true(db_is_alive(*state));
    must(*state, "drop table c");
}

/* A statement prepared in a transaction that rolls back stays prepared. */
static void test_prepared_statements_survive_a_rollback(void **state)
{
    struct err err;
    must(*state, "begin");
    assert_int_equal(db_run(*state, "kept", "select 1", NULL, NULL, &err), RC_OK);
    must(*state, "rollback");
    assert_int_equal(db_run(*state, "kept", "select 1", NULL, NULL, &err), RC_OK);
    /* One that could not be prepared is not taken for prepared. */
    assert_int_equal(db_run(*state, "late", "select count(*) from late", NULL, NULL, &err),
                     RC_FATAL);
    must(*state, "create table late ()");
    assert_int_equal(db_run(*state, "late", "select count(*) from late", NULL, NULL, &err), RC_OK);
    must(*state, "drop table late");
}

/* ---- failures on demand ---- */

static enum rc three_statements(struct db *db, struct err *err)
{
    enum rc rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = db_run(db, "put", "insert into n values (1)", NULL, NULL, err);
    return rc == RC_OK ? db_exec(db, "commit", err) : rc;
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

static void test_the_nth_statement_fails(void **state)
{
    struct err err;
    must(*state, "create table n (a int)");
    for (long n = 1; n <= 4; n++) {
        struct db *db = open_db();
        db_fail_nth(n);
        enum rc rc = three_statements(db, &err);
        db_fail_nth(0);
        assert_int_equal(rc, n <= 3 ? RC_RETRY : RC_OK);
        assert_int_equal(db_is_alive(db), n > 3);
        db_close(db);
    }
    assert_int_equal(count_n(*state), 1); /* only the one that nobody failed */
    must(*state, "truncate n");
    struct db *db = open_db();
    db_fail_nth(-3); /* the commit runs, its answer is lost */
    assert_int_equal(three_statements(db, &err), RC_RETRY);
    assert_false(db_is_alive(db));
    db_close(db);
    assert_int_equal(count_n(*state), 1);
    must(*state, "drop table n");
}

/* ---- parameters ---- */

static void test_too_large_and_out_of_range_are_told(void **state)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT2};
    static const int IS_ARRAY[] = {1, 1};
    struct err err;
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 20);
    assert_non_null(params);
    db_put_text(params, 0, slice_str("0123456789"));
    db_put_text(params, 0, slice_str("0123456789"));
    assert_int_equal(db_run(*state, "p", "select $1, $2", params, NULL, &err), RC_REJECT);
    assert_string_equal(err.text, "p: parameter 1 is larger than 20 bytes");
    db_params_reset(params);
    db_put_int(params, 1, 32768);
    assert_int_equal(db_run(*state, "p", "select $1, $2", params, NULL, &err), RC_REJECT);
    assert_string_equal(err.text, "p: parameter 2 holds a value out of its type's range");
    db_params_reset(params);
    assert_int_equal(db_run(*state, "p", "select $1, $2", params, NULL, &err), RC_OK);
    db_params_free(params);
}

/* ---- schema versions ---- */

static void test_schema_versions(void **state)
{
    int version = -1;
    struct err err;
    assert_int_equal(schema_check(*state, 1, 9, &version, &err), RC_RETRY);
    assert_non_null(strstr(err.text, "no Kasumori schema"));
    must(*state, "create schema kasumori_meta; create table kasumori_meta.migration (version int);"
                 "insert into kasumori_meta.migration values (1), (2), (3)");
    assert_int_equal(schema_check(*state, 2, 3, &version, &err), RC_OK);
    assert_int_equal(version, 3);
    assert_int_equal(schema_check(*state, 4, 5, &version, &err), RC_RETRY);
    assert_non_null(strstr(err.text, "run kasumori migrate"));
    assert_int_equal(schema_check(*state, 1, 2, &version, &err), RC_FATAL);
    assert_int_equal(version, 3);
    must(*state, "drop schema kasumori_meta cascade");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_become_duties),
        cmocka_unit_test(test_a_constraint_is_named),
        cmocka_unit_test(test_a_killed_connection_is_a_retry),
        cmocka_unit_test(test_opening_tells_away_from_refused),
        cmocka_unit_test(test_a_commit_that_rolls_back_is_no_success),
        cmocka_unit_test(test_prepared_statements_survive_a_rollback),
        cmocka_unit_test(test_the_nth_statement_fails),
        cmocka_unit_test(test_too_large_and_out_of_range_are_told),
        cmocka_unit_test(test_schema_versions),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
