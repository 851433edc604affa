/* What a tenant's derived rows stand for. Invariant: it is stored in the transaction of the rows.
 */
#include "services/aggregator/correlator/state.h"

#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/tables/tables.h"

static const char READ_SQL[] =
    "select c.form, c.decision_no, c.policy_version, c.linking_version, c.records, c.as_of, "
    "coalesce((select last_no from kasumori.decision_counter where tenant = $1), 0), "
    "coalesce((select max(version) from kasumori.policy_version where tenant = $1), 0), "
    "coalesce((select version from kasumori.linking_adopted where tenant = $1 "
    "order by adoption_no desc limit 1), 0), "
    "(select max(as_of) from kasumori.tick where tenant = $1) "
    "from (values ($1)) as t (tenant) left join kasumori.correlated as c on c.tenant = t.tenant";

enum {
    READ_FORM,
    READ_DECISION,
    READ_POLICY,
    READ_LINKING,
    READ_RECORDS,
    READ_AS_OF,
    READ_LAST_DECISION,
    READ_LAST_POLICY,
    READ_LAST_LINKING,
    READ_LAST_AS_OF,
};

static const char ENDS_SQL[] =
    "select stream_no, next_offset from kasumori.correlated_stream where tenant = $1";

static const char STORE_SQL[] =
    "insert into kasumori.correlated as c (tenant, form, decision_no, policy_version, "
    "linking_version, as_of, records, duration_us) values ($1, $2, $3, $4, $5, $6, $7, $8) "
    "on conflict (tenant) do update set form = excluded.form, decision_no = excluded.decision_no, "
    "policy_version = excluded.policy_version, linking_version = excluded.linking_version, "
    "as_of = excluded.as_of, records = excluded.records, duration_us = excluded.duration_us, "
    "at = now()";

static const char STORE_ENDS_SQL[] =
    "insert into kasumori.correlated_stream as c (tenant, stream_no, next_offset) "
    "select $1, u.* from unnest($2, $3) as u (stream_no, next_offset) "
    "on conflict (tenant, stream_no) do update set next_offset = excluded.next_offset "
    "where c.next_offset <> excluded.next_offset";

static enum rc ask(struct db *db, const char *name, const char *sql, const char *tenant,
                   struct db_result **ret_result, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT};
    static const int IS_ARRAY[] = {0};
    struct db_params *params = db_params_new(1, TYPES, IS_ARRAY, 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(tenant));
    enum rc rc = db_run(db, name, sql, params, ret_result, err);
    db_params_free(params);
    return rc;
}

struct history_end *state_end(struct state *state, int32_t stream_no)
{
    for (size_t i = 0; i < state->ends_count; i++)
        if (state->ends[i].stream_no == stream_no)
            return &state->ends[i];
    CHECK(state->ends_count < LIMIT_STREAMS); /* as many as the log has */
    state->ends[state->ends_count] = (struct history_end){.stream_no = stream_no};
    return &state->ends[state->ends_count++];
}

static enum rc read_ends(struct db *db, const char *tenant, struct state *state, struct err *err)
{
    struct db_result *rows;
    enum rc rc = ask(db, "state_ends", ENDS_SQL, tenant, &rows, err);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(rows) > LIMIT_STREAMS / 2)
        rc = err_set(err, RC_FATAL, "there are more than %d streams", LIMIT_STREAMS / 2);
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(rows); row++)
        state_end(state, (int32_t)db_result_int(rows, row, 0))->next_offset =
            db_result_int(rows, row, 1);
    db_result_free(rows);
    return rc;
}

enum rc state_read(struct db *db, const char *tenant, struct arena *arena, struct state *ret_state,
                   struct err *err)
{
    struct db_result *row;
    enum rc rc = ask(db, "state_read", READ_SQL, tenant, &row, err);
    if (rc != RC_OK)
        return rc;
    struct state state = {
        .is_there = !db_result_is_null(row, 0, READ_FORM),
        .form = (int)db_result_int(row, 0, READ_FORM),
        .decision_no = db_result_int(row, 0, READ_DECISION),
        .policy_version = db_result_int(row, 0, READ_POLICY),
        .linking_version = db_result_int(row, 0, READ_LINKING),
        .records = db_result_int(row, 0, READ_RECORDS),
        .as_of_us = db_result_time(row, 0, READ_AS_OF),
        .has_as_of = !db_result_is_null(row, 0, READ_AS_OF),
        .ends = arena_alloc(arena, LIMIT_STREAMS * sizeof(*state.ends)),
        .last_decision_no = db_result_int(row, 0, READ_LAST_DECISION),
        .last_policy_version = db_result_int(row, 0, READ_LAST_POLICY),
        .last_linking_version = db_result_int(row, 0, READ_LAST_LINKING),
        .last_as_of_us = db_result_time(row, 0, READ_LAST_AS_OF),
        .has_last_as_of = !db_result_is_null(row, 0, READ_LAST_AS_OF),
    };
    db_result_free(row);
    if (state.ends == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    rc = read_ends(db, tenant, &state, err);
    if (rc == RC_OK)
        *ret_state = state;
    return rc;
}

static enum rc store_ends(struct db *db, const char *tenant, const struct state *state,
                          struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT4, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 1, 1};
    struct db_params *params = db_params_new(3, TYPES, IS_ARRAY, 64 * 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(tenant));
    for (size_t i = 0; i < state->ends_count; i++) {
        db_put_int(params, 1, state->ends[i].stream_no);
        db_put_int(params, 2, state->ends[i].next_offset);
    }
    enum rc rc = db_run(db, "state_store_ends", STORE_ENDS_SQL, params, NULL, err);
    db_params_free(params);
    return rc;
}

enum rc state_store(struct db *db, const char *tenant, const struct state *state,
                    int64_t duration_us, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT4, DB_TYPE_INT8,
                                         DB_TYPE_INT8, DB_TYPE_INT8, DB_TYPE_TIMESTAMPTZ,
                                         DB_TYPE_INT8, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0, 0, 0, 0, 0, 0, 0};
    struct db_params *params = db_params_new(8, TYPES, IS_ARRAY, 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(tenant));
    db_put_int(params, 1, TABLES_FORM);
    db_put_int(params, 2, state->decision_no);
    db_put_int(params, 3, state->policy_version);
    db_put_int(params, 4, state->linking_version);
    if (state->has_as_of)
        db_put_time(params, 5, state->as_of_us);
    else
        db_put_null(params, 5);
    db_put_int(params, 6, state->records);
    db_put_int(params, 7, duration_us);
    enum rc rc = db_run(db, "state_store", STORE_SQL, params, NULL, err);
    db_params_free(params);
    return rc == RC_OK && state->ends_count > 0 ? store_ends(db, tenant, state, err) : rc;
}
