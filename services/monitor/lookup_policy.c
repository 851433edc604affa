/* The linking policy as far as a look-up needs it. Invariant: what is kept was read by the parser
   that the correlator reads it with, under the number that the tenant has adopted. */
#include "services/monitor/lookup_policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/history/history_policy.h"

const struct lookup_expiry *lookup_policy_kept(const struct lookup_policies *policies,
                                               struct slice tenant, int64_t version)
{
    for (size_t i = 0; i < policies->count; i++) {
        const struct lookup_expiry *kept = &policies->kept[i];
        if (kept->version == version &&
            (version == 0 || slice_is_equal(slice_str(kept->tenant), tenant)))
            return kept;
    }
    return NULL;
}

static enum rc read_source(struct db *db, struct slice tenant, int64_t version,
                           struct db_result **ret_rows, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0};
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, LIMIT_STRING_BYTES);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, tenant);
    db_put_int(params, 1, version);
    enum rc rc = db_run(db, "lookup_policy",
                        "select source from kasumori.policy_version "
                        "where tenant = $1 and version = $2 and is_linking",
                        params, ret_rows, err);
    db_params_free(params);
    return rc;
}

static enum rc parse(const struct db_result *rows, int64_t version, struct lookup_expiry *expiry,
                     struct err *err)
{
    char name[64];
    struct fact_linking linking;
    struct arena *arena = arena_new(LIMIT_MONITOR_ARENA_BYTES);
    if (arena == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    snprintf(name, sizeof(name), "policy version %" PRId64, version);
    enum rc rc =
        db_result_rows(rows) == 0
            ? err_set(err, RC_CORRUPT, "%s: it was adopted and is not stored", name)
            : history_linking_parse(name, db_result_bytes(rows, 0, 0), arena, &linking, err);
    if (rc == RC_REJECT)
        err->rc = rc = RC_CORRUPT;
    if (rc == RC_OK)
        memcpy(expiry->us, linking.expiry_us, sizeof(expiry->us));
    arena_free(arena);
    return rc;
}

static enum rc read_policy(struct db *db, struct slice tenant, int64_t version,
                           struct lookup_expiry *expiry, struct err *err)
{
    struct db_result *rows;
    if (version == 0) {
        memcpy(expiry->us, facts_linking_standard.expiry_us, sizeof(expiry->us));
        return RC_OK;
    }
    enum rc rc = read_source(db, tenant, version, &rows, err);
    if (rc != RC_OK)
        return rc;
    rc = parse(rows, version, expiry, err);
    db_result_free(rows);
    return rc;
}

enum rc lookup_policy_read(struct lookup_policies *policies, struct db *db, struct slice tenant,
                           int64_t version, const struct lookup_expiry **ret_expiry,
                           struct err *err)
{
    struct lookup_expiry expiry = {.version = version};
    enum rc rc = read_policy(db, tenant, version, &expiry, err);
    if (rc != RC_OK)
        return rc;
    snprintf(expiry.tenant, sizeof(expiry.tenant), "%.*s", (int)tenant.size,
             (const char *)tenant.data);
    struct lookup_expiry *place = &policies->kept[policies->next];
    *place = expiry;
    policies->next = (policies->next + 1) % LOOKUP_POLICIES;
    policies->count += policies->count < LOOKUP_POLICIES;
    *ret_expiry = place;
    return RC_OK;
}
