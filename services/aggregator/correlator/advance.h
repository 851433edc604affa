#ifndef KASUMORI_CORRELATOR_ADVANCE_H
#define KASUMORI_CORRELATOR_ADVANCE_H

#include "services/aggregator/correlator/due.h"
#include "services/aggregator/correlator/recompute.h"

/* Takes new facts of one tenant into its derived rows (docs/correlation.md §6): reads the closed
   set of facts around them, derives it without and with them, and writes the difference. */
struct advance;

struct advance_config {
    const char *topic_alerts, *topic_watch;
    size_t records_max; /* in the closed set; 0: LIMIT_NEAR_RECORDS */
    size_t hub_records; /* more carry a hub's token; 0: LIMIT_HUB_RECORDS */
};

/* NULL when memory is out. Must outlive the connections it runs on. */
struct advance *advance_new(const struct advance_config *config) MUST_CHECK;
void advance_free(struct advance *advance);

/* In one transaction, fenced by the lease: the task's rows, all new decisions, the newest tick.
   With outcome WHOLE nothing was written: the tenant's rows are of another form or policy, or not
   what its facts said, or what is near is too much (why.rc is RC_FULL). RC_RETRY: nothing is known
   to be written; done again, what is in is not taken again. RC_FATAL as db.h. */
enum rc advance_tenant(struct advance *advance, struct db *db, const struct lease *lease,
                       const struct due_task *task, struct recompute_report *ret_report,
                       struct err *err) MUST_CHECK;

#endif
