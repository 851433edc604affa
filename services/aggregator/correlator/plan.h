#ifndef KASUMORI_CORRELATOR_PLAN_H
#define KASUMORI_CORRELATOR_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"

/* What becomes of alerts when findings change: pure, so that it can be tested without a database.
   Findings come and go by recomputing and change their id when their first mention does; an alert
   is what was told outside, has its id for ever, and goes from finding to finding. */
struct plan_finding {
    struct uuid id;
    const char *rule;
    struct slice matter;
    int is_notice;
    const struct uuid *records; /* ascending */
    size_t records_count;
};

enum plan_state {
    PLAN_STATE_OPEN,
    PLAN_STATE_WITHDRAWN,
    PLAN_STATE_MERGED,
    PLAN_STATE_ELSEWHERE, /* open for a finding that is not looked at: only its id is taken */
};

enum plan_change {
    PLAN_CHANGE_NONE,
    PLAN_CHANGE_OPENED,
    PLAN_CHANGE_EXTENDED, /* its records are others, more or fewer */
    PLAN_CHANGE_WITHDRAWN,
    PLAN_CHANGE_MERGED,
    PLAN_CHANGE_REOPENED,
};

#define PLAN_NONE SIZE_MAX

struct plan_alert {
    struct uuid id;
    struct slice rule; /* name */
    struct slice matter;
    int is_notice;
    enum plan_state state;
    struct uuid finding; /* while open */
    int64_t opened_at_us;
    int64_t change_no;          /* of its last change; not looked at */
    const struct uuid *records; /* of its last change, ascending */
    size_t records_count;
    /* set by plan_make */
    enum plan_change change;
    size_t finding_no;  /* whose it is now; PLAN_NONE: closed */
    size_t merged_into; /* alert; PLAN_NONE */
    int is_moved;       /* the finding's id is another than finding */
};

struct plan {
    const struct plan_finding *findings;
    size_t findings_count;
    struct plan_alert *alerts; /* as stored; plan_make puts new ones behind */
    size_t alerts_count;
    size_t alerts_max; /* room: at least as stored and one a finding */
};

/* Id of the n-th alert that opens for one finding: its own, then hashes. 0 <= n <= 255. */
struct uuid plan_alert_id(const struct uuid *finding, uint8_t n);

/* An open alert stays with its finding while that is there. One whose finding is gone goes to the
   finding of the same rule and matter that shares most records with it; of several that come to one
   finding the oldest (opened first, then least id) goes on and the others are merged into it; one
   that finds none is withdrawn. A finding nobody came to reopens the closed alert of its own id,
   else the one that shares most records (oldest first), else opens a new one, under the finding's
   id, or where that is another's: its hash with a number. RC_FULL: the arena is too small. */
enum rc plan_make(struct plan *plan, struct arena *arena, struct err *err) MUST_CHECK;

#endif
