/* One tenant from facts to rows. Invariant: the cursors written are those read before the facts, so
   they never promise more than the rows stand for; and rows, journal, outbox and cursors are one
   transaction under the shard's lock, so nobody sees one without the others. */
#include "services/aggregator/correlator/recompute.h"

#include <inttypes.h>
#include <string.h>

#include "services/aggregator/correlator/journal.h"
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
    struct db_params *streams; /* read, then stored: tenant, numbers, offsets */
};

enum { STREAM_TENANT, STREAM_NO, STREAM_NEXT, STREAM_COLUMNS };

/* Where the facts stand that are about to be read. */
struct cursors {
    int64_t decision_no, policy_version, linking_version;
    int64_t as_of_us;
    int has_as_of;
    int64_t records; /* one more than the limit: too many */
};

static const char CURSORS_SQL[] =
    "select coalesce((select last_no from kasumori.decision_counter where tenant = $1), 0), "
    "coalesce((select max(version) from kasumori.policy_version where tenant = $1), 0), "
    "coalesce((select version from kasumori.linking_adopted where tenant = $1 "
    "order by adoption_no desc limit 1), 0), (select max(as_of) from kasumori.tick where tenant = "
    "$1), "
    "(select count(*) from (select from kasumori.record where tenant = $1 limit $2) as counted)";

static const char STREAMS_SQL[] = "select stream_no, next_offset from kasumori.kafka_offset";

static const char STORE_STREAMS_SQL[] =
    "insert into kasumori.correlated_stream as c (tenant, stream_no, next_offset) "
    "select $1, u.* from unnest($2, $3) as u (stream_no, next_offset) "
    "left join kasumori.correlated_stream as old on old.tenant = $1 "
    "and old.stream_no = u.stream_no where old.next_offset is distinct from u.next_offset "
    "on conflict (tenant, stream_no) do update set next_offset = excluded.next_offset";

static const char STORE_SQL[] =
    "insert into kasumori.correlated as c (tenant, form, decision_no, policy_version, as_of, "
    "records, duration_us, linking_version) values ($1, $2, $3, $4, $5, $6, $7, $8) "
    "on conflict (tenant) do update set form = excluded.form, decision_no = excluded.decision_no, "
    "policy_version = excluded.policy_version, as_of = excluded.as_of, "
    "records = excluded.records, duration_us = excluded.duration_us, at = now(), "
    "linking_version = excluded.linking_version "
    "where (c.form, c.decision_no, c.policy_version, c.as_of, c.records, c.linking_version) "
    "is distinct from (excluded.form, excluded.decision_no, excluded.policy_version, "
    "excluded.as_of, excluded.records, excluded.linking_version)";

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
    static const enum db_type TYPES[STREAM_COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_INT4, DB_TYPE_INT8};
    static const int IS_ARRAY[STREAM_COLUMNS] = {0, 1, 1};
    struct recompute *r = mem_zalloc(sizeof(*r));
    if (r == NULL)
        return NULL;
    r->config = *config;
    r->tables = tables_new();
    r->journal = journal_new();
    r->told = told_new();
    r->outbox = outbox_new();
    r->streams = db_params_new(STREAM_COLUMNS, TYPES, IS_ARRAY, 64 * 1024);
    if (r->tables == NULL || r->journal == NULL || r->told == NULL || r->outbox == NULL ||
        r->streams == NULL) {
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
    db_params_free(r->streams);
    mem_free(r);
}

/* ---- cursors ---- */

static enum rc read_streams(struct recompute *r, struct db *db, const char *tenant, struct err *err)
{
    struct db_result *result;
    enum rc rc = db_run(db, "recompute_streams", STREAMS_SQL, NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    db_params_reset(r->streams);
    db_put_text(r->streams, STREAM_TENANT, slice_str(tenant));
    for (size_t row = 0; row < db_result_rows(result); row++) {
        db_put_int(r->streams, STREAM_NO, db_result_int(result, row, 0));
        db_put_int(r->streams, STREAM_NEXT, db_result_int(result, row, 1));
    }
    db_result_free(result);
    return RC_OK;
}

static enum rc read_cursors(struct recompute *r, struct db *db, const char *tenant,
                            struct cursors *ret_cursors, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0};
    struct db_result *result;
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(tenant));
    db_put_int(params, 1, r->config.records_max + 1);
    enum rc rc = db_run(db, "recompute_cursors", CURSORS_SQL, params, &result, err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    *ret_cursors = (struct cursors){
        .decision_no = db_result_int(result, 0, 0),
        .policy_version = db_result_int(result, 0, 1),
        .linking_version = db_result_int(result, 0, 2),
        .as_of_us = db_result_time(result, 0, 3),
        .has_as_of = !db_result_is_null(result, 0, 3),
        .records = db_result_int(result, 0, 4),
    };
    db_result_free(result);
    return read_streams(r, db, tenant, err);
}

static enum rc store_cursors(struct recompute *r, struct db *db, const char *tenant,
                             const struct cursors *cursors, int64_t duration_us, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT4,        DB_TYPE_INT8,
                                         DB_TYPE_INT8, DB_TYPE_TIMESTAMPTZ, DB_TYPE_INT8,
                                         DB_TYPE_INT8, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0, 0, 0, 0, 0, 0, 0};
    struct db_params *params = db_params_new(8, TYPES, IS_ARRAY, 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(tenant));
    db_put_int(params, 1, TABLES_FORM);
    db_put_int(params, 2, cursors->decision_no);
    db_put_int(params, 3, cursors->policy_version);
    if (cursors->has_as_of)
        db_put_time(params, 4, cursors->as_of_us);
    else
        db_put_null(params, 4);
    db_put_int(params, 5, cursors->records);
    db_put_int(params, 6, duration_us);
    db_put_int(params, 7, cursors->linking_version);
    enum rc rc = db_run(db, "recompute_store", STORE_SQL, params, NULL, err);
    db_params_free(params);
    if (rc == RC_OK && db_params_rows(r->streams, STREAM_NO) > 0)
        rc = db_run(db, "recompute_store_streams", STORE_STREAMS_SQL, r->streams, NULL, err);
    return rc;
}

/* ---- writing ---- */

struct writing {
    struct recompute *r;
    struct db *db;
    const struct lease *lease;
    const char *tenant;
    const struct cursors *cursors;
    const struct derived *derived;
    struct arena *arena;
    int64_t start_us;
    struct recompute_report *report;
};

static enum rc write_all(const struct writing *w, struct err *err)
{
    struct slice tenant = slice_str(w->tenant);
    struct recompute *r = w->r;
    const struct journal_source alerts = {tenant, w->derived, w->arena, r->config.topic_alerts};
    const struct told_source watch = {tenant, w->derived, w->arena, r->config.topic_watch};
    outbox_reset(r->outbox, tenant);
    enum rc rc = tables_write(r->tables, w->db, &w->report->rows, err);
    if (rc == RC_OK)
        rc = journal_store(r->journal, w->db, &alerts, r->outbox, &w->report->alert_changes, err);
    if (rc == RC_OK)
        rc = told_store(r->told, w->db, &watch, r->outbox, &w->report->watch_changes, err);
    if (rc == RC_OK)
        rc = outbox_store(r->outbox, w->db, err);
    int64_t duration_us = clock_mono_us(clock_real()) - w->start_us;
    return rc == RC_OK ? store_cursors(r, w->db, w->tenant, w->cursors, duration_us, err) : rc;
}

/* Rolls back what failed; its own failure means the connection is gone, which does the same. */
static enum rc give_up(struct db *db, enum rc rc, struct err *err)
{
    struct err why;
    if (db_is_alive(db) && db_exec(db, "rollback", &why) != RC_OK && rc == RC_OK)
        *err = why;
    return rc;
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
    enum rc rc = history_load(w->db, w->tenant, w->arena, &facts, err);
    if (rc == RC_OK)
        rc = correlate_full(&facts, w->arena, &w->derived, err);
    if (rc != RC_OK)
        return rc;
    const struct tables_source source = {slice_str(w->tenant), w->derived,
                                         w->cursors->linking_version};
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
    db_put_int(params, 1, w->cursors->records);
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
    struct cursors cursors;
    struct recompute_report report = {.outcome = RECOMPUTE_OUTCOME_DONE};
    struct writing w = {.r = r,
                        .db = db,
                        .lease = lease,
                        .tenant = tenant,
                        .cursors = &cursors,
                        .start_us = clock_mono_us(clock_real()),
                        .report = &report};
    enum rc rc = read_cursors(r, db, tenant, &cursors, err);
    if (rc != RC_OK)
        return rc;
    if (cursors.records > r->config.records_max) {
        rc = err_set(err, RC_FULL, "more than %" PRId64 " records (correlate_records_max)",
                     r->config.records_max);
    } else {
        w.arena = arena_new(LIMIT_HISTORY_BYTES);
        rc = w.arena == NULL ? err_set(err, RC_RETRY, "out of memory") : compute(&w, err);
        arena_free(w.arena);
    }
    rc = contain(&w, rc, err);
    if (rc != RC_OK)
        return rc;
    report.records = cursors.records;
    report.duration_us = clock_mono_us(clock_real()) - w.start_us;
    *ret_report = report;
    return RC_OK;
}
