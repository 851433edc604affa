#ifndef KASUMORI_MONITOR_LOOKUP_POLICY_H
#define KASUMORI_MONITOR_LOOKUP_POLICY_H

#include "services/common/base/limits.h"
#include "services/common/correlate/facts.h"
#include "services/common/db/db.h"

/* After how long an unseen identifier may have a new owner: what the tenant's adopted linking
   policy says of each kind, which the correlator cuts runs by as well. Policies are kept once read,
   and a version never changes; owned by one thread at a time. */
enum { LOOKUP_POLICIES = 16 };

struct lookup_expiry {
    char tenant[LIMIT_NAME_BYTES + 1];
    int64_t version; /* 0: the built-in one, of whatever tenant */
    int64_t us[FACT_KINDS];
};

struct lookup_policies {
    struct lookup_expiry kept[LOOKUP_POLICIES];
    size_t count, next;
};

/* NULL: not read yet, or long ago. */
const struct lookup_expiry *lookup_policy_kept(const struct lookup_policies *policies,
                                               struct slice tenant, int64_t version);

/* Reads and keeps it, in a transaction that has entered the tenant. version: as
   kasumori.linking_adopted has it. RC_CORRUPT when the stored policy cannot be read. *ret_expiry is
   valid until the next one is read. */
enum rc lookup_policy_read(struct lookup_policies *policies, struct db *db, struct slice tenant,
                           int64_t version, const struct lookup_expiry **ret_expiry,
                           struct err *err) MUST_CHECK;

#endif
