/* One tenant's new facts into its rows. Invariant: what counts as before and as after is told by
   the cursors alone, never by when something was committed, so rows and cursors move together
   exactly.
 */
#include "services/aggregator/correlator/advance.h"

#include <inttypes.h>

#include "services/aggregator/correlator/journal.h"
#include "services/aggregator/correlator/known.h"
#include "services/aggregator/correlator/state.h"
#include "services/aggregator/correlator/told.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/correlate/correlate.h"
#include "services/common/tables/table_delta.h"

struct advance {
    struct advance_config config;
    struct known *known;
    struct tables *before, *after;
    struct table_delta *delta;
    struct journal *journal;
    struct told *told;
    struct outbox *outbox;
};

/* Every statement looks up by set in an index: whatever the planner believes of sizes, nested loops
   over indices are right, and planning anew for each call costs more than it finds. */
static const char BEGIN_SQL[] =
    "begin; set local statement_timeout = '60s'; set local plan_cache_mode = force_generic_plan; "
    "set local enable_hashjoin = off; set local enable_mergejoin = off; "
    "set local enable_seqscan = off; set local jit = off";

struct advance *advance_new(const struct advance_config *config)
{
    struct advance *a = mem_zalloc(sizeof(*a));
    if (a == NULL)
        return NULL;
    a->config = *config;
    if (a->config.records_max == 0)
        a->config.records_max = LIMIT_NEAR_RECORDS;
    if (a->config.hub_records == 0)
        a->config.hub_records = LIMIT_HUB_RECORDS;
    a->known = known_new();
    a->before = tables_new();
    a->after = tables_new();
    a->delta = table_delta_new();
    a->journal = journal_new();
    a->told = told_new();
    a->outbox = outbox_new();
    if (a->known == NULL || a->before == NULL || a->after == NULL || a->delta == NULL ||
        a->journal == NULL || a->told == NULL || a->outbox == NULL) {
        advance_free(a);
        return NULL;
    }
    return a;
}

void advance_free(struct advance *a)
{
    if (a == NULL)
        return;
    known_free(a->known);
    tables_free(a->before);
    tables_free(a->after);
    table_delta_free(a->delta);
    journal_free(a->journal);
    told_free(a->told);
    outbox_free(a->outbox);
    mem_free(a);
}

/* One step under way. */
struct step {
    struct advance *a;
    struct db *db;
    const struct lease *lease;
    const struct due_task *task;
    struct arena *arena;
    struct state state;
    const struct known_facts *known;
    struct neighbourhood *near;
    int64_t new_records, new_decisions;
    int is_ticked;
    const struct derived *before, *after;
    struct recompute_report *report;
    int64_t start_us;
    struct err *err;
};

/* ---- what is new ---- */

/* RC_CORRUPT: its rows cannot be built on. */
static enum rc judge_state(struct step *step)
{
    struct state *state = &step->state;
    if (!state->is_there) { /* of no facts there are no rows, under whatever policy */
        state->form = TABLES_FORM;
        state->policy_version = state->last_policy_version;
        state->linking_version = state->last_linking_version;
    }
    if (state->form != TABLES_FORM)
        return err_set(step->err, RC_CORRUPT, "its rows are of form %d", state->form);
    if (state->policy_version != state->last_policy_version ||
        state->linking_version != state->last_linking_version)
        return err_set(step->err, RC_CORRUPT, "another policy was loaded");
    return RC_OK;
}

static enum rc begin_near(struct step *step)
{
    const struct neighbourhood_config config = {step->known->index, &step->known->base.linking,
                                                step->arena, step->a->config.records_max};
    return neighbourhood_new(&config, &step->near, step->err);
}

/* Seeds the rows that are not in, and moves the ends behind them. */
static void seed_records(struct step *step)
{
    struct state *state = &step->state;
    for (size_t i = 0; i < step->task->rows_count; i++) {
        const struct due_row *row = &step->task->rows[i];
        struct history_end *end = state_end(state, row->stream_no);
        if (row->offset < end->next_offset)
            continue;
        end->next_offset = row->offset + 1;
        neighbourhood_seed_record(step->near, &row->record_id);
        step->new_records++;
    }
    state->records += step->new_records;
}

/* Watch entries depend on the tick: each decision that makes some is looked at again. */
static void seed_decisions(struct step *step)
{
    struct state *state = &step->state;
    const struct known_facts *known = step->known;
    step->is_ticked =
        state->has_last_as_of && (!state->has_as_of || state->as_of_us < state->last_as_of_us);
    for (size_t i = 0; i < known->decisions_count; i++) {
        const struct fact_decision *decision = known->decisions[i];
        int is_new = decision->no > state->decision_no;
        int is_watch = decision->kind == FACT_DECISION_RESTRICT ||
                       decision->kind == FACT_DECISION_CONFIRM_PERSON;
        if (is_new || (step->is_ticked && is_watch))
            neighbourhood_seed_decision(step->near, i, is_new);
        step->new_decisions += is_new;
    }
}

/* ---- without and with it ---- */

static enum rc derive(struct step *step)
{
    struct state *state = &step->state;
    struct facts before, after;
    enum rc rc = neighbourhood_split(step->near, &step->known->base, &before, &after, step->err);
    if (rc != RC_OK)
        return rc;
    before.has_tick = state->has_as_of;
    before.as_of_us = state->as_of_us;
    after.has_tick = state->has_as_of || step->is_ticked;
    after.as_of_us = step->is_ticked ? state->last_as_of_us : state->as_of_us;
    step->report->records = (int64_t)after.records_count;
    struct facts *kept = arena_alloc(step->arena, 2 * sizeof(*kept));
    if (kept == NULL)
        return err_set(step->err, RC_FULL, "what is near needs more memory than allowed");
    kept[0] = before;
    kept[1] = after;
    rc = correlate_full(&kept[0], step->arena, &step->before, step->err);
    if (rc == RC_OK)
        rc = correlate_full(&kept[1], step->arena, &step->after, step->err);
    return rc;
}

static enum rc load_near(struct step *step)
{
    const struct history_near near = {.tenant = step->task->tenant,
                                      .ends = step->state.ends,
                                      .ends_count = step->state.ends_count,
                                      .arena = step->arena,
                                      .linking = &step->known->base.linking,
                                      .hub_records = step->a->config.hub_records};
    return history_load_near(step->db, &near, step->near, step->err);
}

/* Until what was told of classes holds without and with what is new. */
static enum rc derive_judged(struct step *step)
{
    int is_settled = 0;
    size_t hubs;
    enum rc rc = RC_OK;
    while (rc == RC_OK && !is_settled) {
        rc = load_near(step);
        if (rc == RC_OK)
            rc = derive(step);
        if (rc == RC_OK)
            rc = neighbourhood_judge(step->near, step->before, step->after, &is_settled, step->err);
    }
    (void)neighbourhood_hubs(step->near, &hubs);
    step->report->hubs = (int64_t)hubs;
    return rc;
}

static enum rc compare(struct step *step)
{
    struct advance *a = step->a;
    struct slice tenant = slice_str(step->task->tenant);
    const struct tables_source before = {tenant, step->before, step->state.linking_version};
    const struct tables_source after = {tenant, step->after, step->state.linking_version};
    enum rc rc = tables_fill(a->before, &before, step->arena, step->err);
    if (rc == RC_OK)
        rc = tables_fill(a->after, &after, step->arena, step->err);
    if (rc == RC_OK)
        rc = table_delta_make(a->delta, a->before, a->after, step->arena, step->err);
    return rc;
}

/* ---- writing ---- */

static enum rc tell(struct step *step)
{
    struct advance *a = step->a;
    struct slice tenant = slice_str(step->task->tenant);
    const struct journal_source alerts = {tenant, step->after, step->before, step->arena,
                                          a->config.topic_alerts};
    const struct told_source watch = {tenant, step->after, step->before, step->arena,
                                      a->config.topic_watch};
    outbox_reset(a->outbox, tenant);
    enum rc rc = journal_store(a->journal, step->db, &alerts, a->outbox,
                               &step->report->alert_changes, step->err);
    if (rc == RC_OK)
        rc = told_store(a->told, step->db, &watch, a->outbox, &step->report->watch_changes,
                        step->err);
    if (rc == RC_OK && outbox_count(a->outbox) > 0)
        rc = outbox_store(a->outbox, step->db, step->err);
    return rc;
}

static enum rc write(struct step *step)
{
    struct state *state = &step->state;
    enum rc rc = table_delta_write(step->a->delta, step->db, &step->report->rows, step->err);
    if (rc == RC_OK)
        rc = tell(step);
    if (rc != RC_OK)
        return rc;
    state->decision_no = step->known->decision_no;
    if (step->is_ticked) {
        state->has_as_of = 1;
        state->as_of_us = state->last_as_of_us;
    }
    return state_store(step->db, step->task->tenant, state,
                       clock_mono_us(clock_real()) - step->start_us, step->err);
}

/* ---- the step ---- */

static enum rc read_facts(struct step *step)
{
    const char *tenant = step->task->tenant;
    enum rc rc = state_read(step->db, tenant, step->arena, &step->state, step->err);
    if (rc == RC_OK)
        rc = judge_state(step);
    if (rc != RC_OK)
        return rc;
    const struct known_versions versions = {step->state.last_policy_version,
                                            step->state.last_linking_version,
                                            step->state.last_decision_no};
    rc = known_get(step->a->known, step->db, tenant, &versions, &step->known, step->err);
    if (rc == RC_OK)
        rc = begin_near(step);
    if (rc != RC_OK)
        return rc;
    seed_records(step);
    seed_decisions(step);
    return RC_OK;
}

static enum rc take(struct step *step)
{
    int shard = lease_shard(slice_str(step->task->tenant));
    enum rc rc = read_facts(step);
    if (rc != RC_OK)
        return rc;
    if (step->new_records + step->new_decisions == 0 && !step->is_ticked)
        return db_exec(step->db, "commit", step->err); /* all of it is in */
    rc = derive_judged(step);
    if (rc == RC_OK)
        rc = compare(step);
    if (rc != RC_OK)
        return rc;
    rc = lease_lock(step->lease, step->db, shard, step->err);
    if (rc == RC_REJECT) {
        step->report->outcome = RECOMPUTE_OUTCOME_FENCED;
        step->report->why = *step->err;
        return db_exec(step->db, "rollback", step->err);
    }
    if (rc == RC_OK)
        rc = write(step);
    return rc == RC_OK ? db_exec(step->db, "commit", step->err) : rc;
}

/* Rolls back what failed. What this tenant's facts bring about is answered by the whole. */
static enum rc contain(struct step *step, enum rc rc)
{
    struct err why = *step->err;
    if (db_is_alive(step->db) && db_exec(step->db, "rollback", step->err) != RC_OK)
        return RC_RETRY;
    *step->err = why;
    switch (rc) {
    case RC_FULL:
    case RC_REJECT:
    case RC_CORRUPT:
        step->report->outcome = RECOMPUTE_OUTCOME_WHOLE;
        step->report->why = why;
        step->report->why.rc = rc;
        return RC_OK;
    case RC_OK:
    case RC_RETRY:
    case RC_FATAL:
        break;
    }
    return rc;
}

enum rc advance_tenant(struct advance *a, struct db *db, const struct lease *lease,
                       const struct due_task *task, struct recompute_report *ret_report,
                       struct err *err)
{
    struct recompute_report report = {.outcome = RECOMPUTE_OUTCOME_DONE, .is_step = 1};
    struct step step = {.a = a,
                        .db = db,
                        .lease = lease,
                        .task = task,
                        .arena = arena_new(LIMIT_STEP_BYTES),
                        .report = &report,
                        .start_us = clock_mono_us(clock_real()),
                        .err = err};
    if (step.arena == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = db_exec(db, BEGIN_SQL, err);
    if (rc == RC_OK)
        rc = take(&step);
    if (rc != RC_OK)
        rc = contain(&step, rc);
    arena_free(step.arena);
    if (rc != RC_OK)
        return rc;
    report.duration_us = clock_mono_us(clock_real()) - step.start_us;
    *ret_report = report;
    return RC_OK;
}
