#ifndef KASUMORI_CORRELATOR_KNOWN_H
#define KASUMORI_CORRELATOR_KNOWN_H

#include "services/common/base/rc.h"
#include "services/common/correlate/neighbourhood.h"
#include "services/common/db/db.h"

/* What is known of tenants beside their records: policies and decisions, kept from step to step so
   that a step reads only the decisions that are new. */
struct known;

struct known *known_new(void) MUST_CHECK; /* NULL: out of memory */
void known_free(struct known *known);

struct known_versions {
    int64_t policy, linking;
    int64_t decision_no; /* the last there is */
};

struct known_facts {
    struct facts base;                            /* no records, no decisions, no tick */
    const struct fact_decision *const *decisions; /* by number, all up to decision_no */
    size_t decisions_count;
    int64_t decision_no; /* at least what was asked for */
    const struct neighbourhood_index *index;
};

/* Brought up to the versions. Borrowed until the next call. RC_FULL when a tenant's decisions are
   more than may be kept; else as history_load_others. */
enum rc known_get(struct known *known, struct db *db, const char *tenant,
                  const struct known_versions *versions, const struct known_facts **ret_facts,
                  struct err *err) MUST_CHECK;

#endif
