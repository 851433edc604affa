/* One tenant from facts to rows. Invariant: the cursors written are those of the snapshot the facts
   were read in, so they say exactly what the rows stand for; and rows, journal, outbox and cursors
   are one transaction under the shard's lock, so nobody sees one without the others. */
#include "services/aggregator/correlator/recompute.h"

#include <inttypes.h>
#include <string.h>

#include "services/aggregator/correlator/journal.h"
#include "services/aggregator/correlator/state.h"
#include "services/aggregator/correlator/told.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/correlate/correlate.h"
#include "services/common/history/history.h"

struct recompute {
    struct recompute_config config;
    struct tables *tables;
    struct journal *journal;
    struct told *told;
    struct outbox *outbox;
};

static const char COUNT_SQL[] =
    "select count(*) from (select from kasumori.record where tenant = $1 limit $2) as counted";

static const char STREAMS_SQL[] = "select stream_no, next_offset from kasumori.kafka_offset";

static const char LEAVE_SQL[] =
    "insert into kasumori.correlated as c (tenant, form, decision_no, policy_version, records, "
    "duration_us) values ($1, 0, 0, 0, $2, 0) on conflict (tenant) do update set form = 0 "
    "where c.form <> 0";

/* The planner knows neither the arrays' sizes nor, at first, the tables': of its choices only a
   nested loop over both is ruinous. */
static const char BEGIN_SQL[] = "begin; set local statement_timeout = '60s'; "
                                "set local enable_nestloop = off";

struct recompute *recompute_new(const struct recompute_config *config)
{
    struct recompute *r = mem_zalloc(sizeof(*r));
    if (r == NULL)
        return NULL;
    r->config = *config;
    r->tables = tables_new();
    r->journal = journal_new();
    r->told = told_new();
    r->outbox = outbox_new();
    if (r->tables == NULL || r->journal == NULL || r->told == NULL || r->outbox == NULL) {
        recompute_free(r);
        return NULL;
    }
    return r;
}

void recompute_free(struct recompute *r)
{
    if (r == NULL)
        return;
    tables_free(r->tables);
    journal_free(r->journal);
    told_free(r->told);
    outbox_free(r->outbox);
    mem_free(r);
}

struct writing {
    struct recompute *r;
    struct db *db;
    const struct lease *lease;
    const char *tenant;
    struct state state;
    const struct derived *derived;
    struct arena *arena;
    int64_t start_us;
    struct recompute_report *report;
};

/* Rolls back what failed; its own failure means the connection is gone, which does the same. */
static enum rc give_up(struct db *db, enum rc rc, struct err *err)
{
    struct err why;
    if (db_is_alive(db) && db_exec(db, "rollback", &why) != RC_OK && rc == RC_OK)
        *err = why;
    return rc;
}

/* ---- what the facts are ---- */

static enum rc read_streams(struct db *db, struct state *state, struct err *err)
{
    struct db_result *result;
    enum rc rc = db_run(db, "recompute_streams", STREAMS_SQL, NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(result) > LIMIT_STREAMS / 2)
        rc = err_set(err, RC_FATAL, "there are more than %d streams", LIMIT_STREAMS / 2);
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(result); row++)
        state_end(state, (int32_t)db_result_int(result, row, 0))->next_offset =
            db_result_int(result, row, 1);
    db_result_free(result);
    return rc;
}

static enum rc count_records(struct db *db, const char *tenant, int64_t most, int64_t *ret_count,
                             struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0};
    struct db_result *result;
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(tenant));
    db_put_int(params, 1, most + 1);
    enum rc rc = db_run(db, "recompute_count", COUNT_SQL, params, &result, err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    *ret_count = db_result_int(result, 0, 0);
    db_result_free(result);
    return RC_OK;
}

/* Where the facts end, in the snapshot they are read in. */
static enum rc read_state(struct writing *w, struct err *err)
{
    struct state *state = &w->state;
    enum rc rc = state_read(w->db, w->tenant, w->arena, state, err);
    if (rc == RC_OK)
        rc = read_streams(w->db, state, err);
    if (rc == RC_OK)
        rc = count_records(w->db, w->tenant, w->r->config.records_max, &state->records, err);
    if (rc != RC_OK)
        return rc;
    state->decision_no = state->last_decision_no;
    state->policy_version = state->last_policy_version;
    state->linking_version = state->last_linking_version;
    state->has_as_of = state->has_last_as_of;
    state->as_of_us = state->last_as_of_us;
    if (state->records > w->r->config.records_max)
        return err_set(err, RC_FULL, "more than %" PRId64 " records (correlate_records_max)",
                       w->r->config.records_max);
    return RC_OK;
}

static enum rc read_facts(struct writing *w, struct facts *ret_facts, struct err *err)
{
    enum rc rc = db_exec(w->db, HISTORY_BEGIN, err);
    if (rc != RC_OK)
        return rc;
    rc = read_state(w, err);
    if (rc == RC_OK)
        rc = history_load_here(w->db, w->tenant, w->arena, ret_facts, err);
    if (rc == RC_OK)
        rc = db_exec(w->db, "commit", err);
    return rc == RC_OK ? RC_OK : give_up(w->db, rc, err);
}

/* ---- writing ---- */

static enum rc write_all(const struct writing *w, struct err *err)
{
    struct slice tenant = slice_str(w->tenant);
    struct recompute *r = w->r;
    const struct journal_source alerts = {tenant, w->derived, NULL, w->arena,
                                          r->config.topic_alerts};
    const struct told_source watch = {tenant, w->derived, NULL, w->arena, r->config.topic_watch};
    outbox_reset(r->outbox, tenant);
    enum rc rc = tables_write(r->tables, w->db, &w->report->rows, err);
    if (rc == RC_OK)
        rc = journal_store(r->journal, w->db, &alerts, r->outbox, &w->report->alert_changes, err);
    if (rc == RC_OK)
        rc = told_store(r->told, w->db, &watch, r->outbox, &w->report->watch_changes, err);
    if (rc == RC_OK)
        rc = outbox_store(r->outbox, w->db, err);
    int64_t duration_us = clock_mono_us(clock_real()) - w->start_us;
    return rc == RC_OK ? state_store(w->db, w->tenant, &w->state, duration_us, err) : rc;
}

static enum rc write_fenced(const struct writing *w, struct err *err)
{
    enum rc rc = db_exec(w->db, BEGIN_SQL, err);
    if (rc != RC_OK)
        return give_up(w->db, rc, err);
    rc = lease_lock(w->lease, w->db, lease_shard(slice_str(w->tenant)), err);
    if (rc == RC_REJECT) {
        w->report->outcome = RECOMPUTE_OUTCOME_FENCED;
        w->report->why = *err;
        return give_up(w->db, RC_OK, err);
    }
    if (rc == RC_OK)
        rc = write_all(w, err);
    if (rc == RC_OK)
        rc = db_exec(w->db, "commit", err);
    return rc == RC_OK ? RC_OK : give_up(w->db, rc, err);
}

static enum rc compute(struct writing *w, struct err *err)
{
    struct facts facts;
    enum rc rc = read_facts(w, &facts, err);
    if (rc == RC_OK)
        rc = correlate_full(&facts, w->arena, &w->derived, err);
    if (rc != RC_OK)
        return rc;
    const struct tables_source source = {slice_str(w->tenant), w->derived,
                                         w->state.linking_version};
    rc = tables_fill(w->r->tables, &source, w->arena, err);
    return rc == RC_OK ? write_fenced(w, err) : rc;
}

/* Says in the tenant's row that its derived rows are not to be relied on. */
static enum rc leave_alone(const struct writing *w, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0};
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(w->tenant));
    db_put_int(params, 1, w->state.records);
    enum rc rc = db_exec(w->db, "begin", err);
    if (rc == RC_OK)
        rc = lease_lock(w->lease, w->db, lease_shard(slice_str(w->tenant)), err);
    if (rc == RC_OK)
        rc = db_run(w->db, "recompute_leave", LEAVE_SQL, params, NULL, err);
    if (rc == RC_OK)
        rc = db_exec(w->db, "commit", err);
    db_params_free(params);
    if (rc == RC_OK)
        return RC_OK;
    if (rc == RC_REJECT) {
        w->report->outcome = RECOMPUTE_OUTCOME_FENCED;
        rc = RC_OK;
    }
    return give_up(w->db, rc, err);
}

/* What this tenant's facts bring about is its own; the others go on. */
static enum rc contain(const struct writing *w, enum rc rc, struct err *err)
{
    switch (rc) {
    case RC_FULL:
    case RC_REJECT:
    case RC_CORRUPT:
        w->report->outcome = RECOMPUTE_OUTCOME_LEFT_ALONE;
        w->report->why = *err;
        return leave_alone(w, err);
    case RC_OK:
    case RC_RETRY:
    case RC_FATAL:
        break;
    }
    return rc;
}

enum rc recompute_tenant(struct recompute *r, struct db *db, const struct lease *lease,
                         const char *tenant, struct recompute_report *ret_report, struct err *err)
{
    struct recompute_report report = {.outcome = RECOMPUTE_OUTCOME_DONE};
    struct writing w = {.r = r,
                        .db = db,
                        .lease = lease,
                        .tenant = tenant,
                        .arena = arena_new(LIMIT_HISTORY_BYTES),
                        .start_us = clock_mono_us(clock_real()),
                        .report = &report};
    enum rc rc = w.arena == NULL ? err_set(err, RC_RETRY, "out of memory") : compute(&w, err);
    arena_free(w.arena);
    rc = contain(&w, rc, err);
    if (rc != RC_OK)
        return rc;
    report.records = w.state.records;
    report.duration_us = clock_mono_us(clock_real()) - w.start_us;
    *ret_report = report;
    return RC_OK;
}

enum rc recompute_mark(struct recompute *r, struct db *db, const struct lease *lease,
                       const char *tenant, struct recompute_report *ret_report, struct err *err)
{
    struct recompute_report report = {.outcome = RECOMPUTE_OUTCOME_WHOLE};
    const struct writing w = {
        .r = r, .db = db, .lease = lease, .tenant = tenant, .report = &report};
    enum rc rc = leave_alone(&w, err);
    if (rc == RC_OK)
        *ret_report = report;
    return rc;
}
