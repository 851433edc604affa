#ifndef KASUMORI_CORRELATOR_RECOMPUTE_H
#define KASUMORI_CORRELATOR_RECOMPUTE_H

#include <stdint.h>

#include "services/aggregator/correlator/lease.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"
#include "services/common/tables/tables.h"

/* Brings all derived rows of one tenant to its facts by computing the whole tenant anew and writing
   the difference: what advance.h cannot take in steps. */
struct recompute;

struct recompute_config {
    int64_t records_max; /* a tenant with more is left alone */
    const char *topic_alerts, *topic_watch;
};

/* NULL when memory is out. Must outlive the connections it runs on. */
struct recompute *recompute_new(const struct recompute_config *config) MUST_CHECK;
void recompute_free(struct recompute *recompute);

enum recompute_outcome {
    RECOMPUTE_OUTCOME_DONE,
    RECOMPUTE_OUTCOME_FENCED,     /* the shard has another owner; nothing was written */
    RECOMPUTE_OUTCOME_LEFT_ALONE, /* too large, or a fact or row that cannot be; why says it. Its
                                     row in kasumori.correlated has form 0 */
    RECOMPUTE_OUTCOME_WHOLE,      /* of a step: it is to be computed as a whole; why says it */
};

struct recompute_report {
    enum recompute_outcome outcome;
    struct tables_counts rows;
    uint64_t alert_changes, watch_changes;
    int is_step;     /* else the whole tenant */
    int64_t records; /* read: of the tenant, or in the closed set */
    int64_t hubs;    /* of a step: classes of shared nodes that were not followed */
    int64_t duration_us;
    struct err why;
};

/* Facts are read in a snapshot of their own; then one transaction, fenced by the lease, writes
   rows, journal, outbox and cursors. RC_RETRY: nothing is known to be written (after a lost COMMIT
   perhaps all is): do it again, it writes only what is missing. RC_FATAL as db.h. */
enum rc recompute_tenant(struct recompute *recompute, struct db *db, const struct lease *lease,
                         const char *tenant, struct recompute_report *ret_report,
                         struct err *err) MUST_CHECK;
/* Marks the tenant as to be computed as a whole (form 0), so that this is known after a start. */
enum rc recompute_mark(struct recompute *recompute, struct db *db, const struct lease *lease,
                       const char *tenant, struct recompute_report *ret_report,
                       struct err *err) MUST_CHECK;

#endif
