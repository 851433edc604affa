/* The turn. Invariant: a tenant is worked on only under a lease believed current, and what is
   written is fenced by the lease's row itself, so a wrong belief costs work, never rows. */
#include "services/aggregator/correlator/correlator.h"

#include "services/aggregator/correlator/advance.h"
#include "services/aggregator/correlator/due.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"

#define PUT_OFF_US (60 * CLOCK_US_PER_S)
#define TICK_EVERY_US (60 * CLOCK_US_PER_S)

struct correlator {
    struct correlator_config config;
    struct lease lease;
    struct due *due;
    struct recompute *recompute;
    struct advance *advance;
    int64_t renew_mono_us, look_mono_us, tick_mono_us;
};

/* Watch entries end by ticks, so tenants with decisions that make some get one an hour. */
static const char TICK_SQL[] =
    "insert into kasumori.tick (tenant, as_of) select distinct tenant, date_trunc('hour', now()) "
    "from kasumori.decision where kind in ('restrict', 'confirm_person') on conflict do nothing";

enum rc correlator_new(const struct correlator_config *config, struct correlator **ret_correlator,
                       struct err *err)
{
    struct correlator *c = mem_zalloc(sizeof(*c));
    if (c == NULL)
        return err_set(err, RC_RETRY, "out of memory for the correlator");
    c->config = *config;
    c->due = due_new();
    c->recompute = recompute_new(&config->recompute);
    c->advance = advance_new(
        &(struct advance_config){config->recompute.topic_alerts, config->recompute.topic_watch,
                                 config->near_records_max, config->hub_records});
    enum rc rc = lease_init(&c->lease, config->lease_us, err);
    if (rc == RC_OK && (c->due == NULL || c->recompute == NULL || c->advance == NULL))
        rc = err_set(err, RC_RETRY, "out of memory for the correlator");
    if (rc == RC_OK)
        *ret_correlator = c;
    else
        correlator_free(c);
    return rc;
}

void correlator_free(struct correlator *c)
{
    if (c == NULL)
        return;
    due_free(c->due);
    recompute_free(c->recompute);
    advance_free(c->advance);
    mem_free(c);
}

const struct lease *correlator_lease(const struct correlator *c)
{
    return &c->lease;
}

size_t correlator_waiting(const struct correlator *c)
{
    return due_waiting(c->due);
}

static enum rc keep_lease(struct correlator *c, struct db *db, int64_t now_us, struct err *err)
{
    int gained;
    if (now_us < c->renew_mono_us && lease_is_current(&c->lease))
        return RC_OK;
    enum rc rc = lease_renew(&c->lease, db, &gained, err);
    if (rc != RC_OK)
        return rc;
    c->renew_mono_us = now_us + c->config.lease_us / 3;
    if (gained > 0) {
        due_rewind(c->due);
        c->look_mono_us = now_us;
    }
    return RC_OK;
}

static enum rc keep_ticks(struct correlator *c, struct db *db, int64_t now_us, struct err *err)
{
    if (now_us < c->tick_mono_us)
        return RC_OK;
    enum rc rc = db_run(db, "correlator_tick", TICK_SQL, NULL, NULL, err);
    if (rc == RC_OK)
        c->tick_mono_us = now_us + TICK_EVERY_US;
    return rc;
}

static enum rc look(struct correlator *c, struct db *db, int64_t now_us, struct err *err)
{
    int is_more;
    if (now_us < c->look_mono_us)
        return RC_OK;
    enum rc rc = due_look(c->due, db, &c->lease, &is_more, err);
    if (rc == RC_OK)
        c->look_mono_us = is_more ? now_us : now_us + c->config.look_every_us;
    return rc;
}

static void tell(const struct correlator *c, const char *tenant,
                 const struct recompute_report *report)
{
    if (c->config.tell != NULL)
        c->config.tell(c->config.ctx, tenant, report);
}

static void settle(struct correlator *c, const struct due_task *task,
                   const struct recompute_report *report)
{
    int64_t now_us = clock_mono_us(clock_real());
    int64_t rest_us =
        report->duration_us > c->config.every_us ? report->duration_us : c->config.every_us;
    tell(c, task->tenant, report);
    switch (report->outcome) {
    case RECOMPUTE_OUTCOME_DONE:
        due_done(c->due, task, now_us + (report->is_step ? 0 : rest_us));
        break;
    case RECOMPUTE_OUTCOME_LEFT_ALONE:
        due_whole(c->due, task->tenant, now_us + PUT_OFF_US);
        break;
    case RECOMPUTE_OUTCOME_FENCED:
        c->renew_mono_us = now_us; /* learn at once what is still ours */
        break;
    case RECOMPUTE_OUTCOME_WHOLE:
        due_whole(c->due, task->tenant, now_us);
        break;
    }
}

/* Too much for one step is tried in smaller ones; what then cannot be is marked. */
static enum rc take_step(struct correlator *c, struct db *db, const struct due_task *task,
                         struct recompute_report *report, int *ret_is_narrowed, struct err *err)
{
    struct recompute_report mark;
    enum rc rc = advance_tenant(c->advance, db, &c->lease, task, report, err);
    if (rc != RC_OK || report->outcome != RECOMPUTE_OUTCOME_WHOLE)
        return rc;
    if (report->why.rc == RC_FULL && due_narrow(c->due, task)) {
        *ret_is_narrowed = 1;
        return RC_OK;
    }
    rc = recompute_mark(c->recompute, db, &c->lease, task->tenant, &mark, err);
    if (rc == RC_OK)
        report->outcome = mark.outcome;
    return rc;
}

enum rc correlator_turn(struct correlator *c, struct db *db, int *ret_is_idle, struct err *err)
{
    struct recompute_report report;
    struct due_task task;
    int is_narrowed = 0;
    int64_t now_us = clock_mono_us(clock_real());
    *ret_is_idle = 1;
    enum rc rc = keep_lease(c, db, now_us, err);
    if (rc == RC_OK)
        rc = keep_ticks(c, db, now_us, err);
    if (rc == RC_OK)
        rc = look(c, db, now_us, err);
    if (rc != RC_OK || !due_next(c->due, &c->lease, now_us, &task))
        return rc;
    *ret_is_idle = 0;
    rc = task.is_whole ? recompute_tenant(c->recompute, db, &c->lease, task.tenant, &report, err)
                       : take_step(c, db, &task, &report, &is_narrowed, err);
    if (rc == RC_OK && !is_narrowed)
        settle(c, &task, &report);
    return rc;
}

enum rc correlator_stop(struct correlator *c, struct db *db, struct err *err)
{
    return lease_release(&c->lease, db, err);
}
