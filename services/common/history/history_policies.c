/* The policy versions of a tenant, and the linking policy that was adopted last. */
#include <inttypes.h>
#include <stdio.h>

#include "services/common/base/limits.h"
#include "services/common/history/history_load.h"
#include "services/common/history/history_policy.h"

/* Of linking policies only the one adopted last: there is one at a time. */
static const char SQL[] =
    "select version, is_linking, effective_from, source from kasumori.policy_version as loaded "
    "where tenant = $1 and (not is_linking or version = ("
    "select a.version from kasumori.linking_adopted as a where a.tenant = loaded.tenant "
    "order by a.adoption_no desc limit 1)) order by version";

enum { POLICY_VERSION, POLICY_IS_LINKING, POLICY_FROM, POLICY_SOURCE };

static enum rc parse_row(struct history_load *load, const struct db_result *rows, size_t row,
                         struct fact_policy *policy)
{
    char name[64];
    int64_t version = db_result_int(rows, row, POLICY_VERSION);
    struct slice source = db_result_bytes(rows, row, POLICY_SOURCE);
    int is_linking = db_result_int(rows, row, POLICY_IS_LINKING) != 0;
    snprintf(name, sizeof(name), "policy version %" PRId64, version);
    enum rc rc = is_linking ? history_linking_parse(name, source, load->arena, &load->facts.linking,
                                                    load->err)
                            : history_policy_parse(name, source, load->arena, policy, load->err);
    if (rc == RC_REJECT)
        load->err->rc = rc = RC_CORRUPT;
    if (rc != RC_OK || is_linking)
        return rc;
    policy->version = version;
    policy->effective_from_us = db_result_time(rows, row, POLICY_FROM);
    load->facts.policies_count++;
    return RC_OK;
}

static enum rc parse_rows(struct history_load *load, const struct db_result *rows)
{
    struct fact_policy *policies = history_take(load, db_result_rows(rows), sizeof(*policies));
    enum rc rc = policies == NULL ? load->err->rc : RC_OK;
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(rows); row++)
        rc = parse_row(load, rows, row, &policies[load->facts.policies_count]);
    load->facts.policies = policies;
    return rc;
}

enum rc history_load_policies(struct history_load *load)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT};
    static const int IS_ARRAY[] = {0};
    struct db_result *rows;
    struct db_params *params = db_params_new(1, TYPES, IS_ARRAY, LIMIT_STRING_BYTES);
    if (params == NULL)
        return err_set(load->err, RC_RETRY, "out of memory");
    load->facts.linking = facts_linking_standard;
    db_put_text(params, 0, slice_str(load->tenant));
    enum rc rc = db_run(load->db, "history_policies", SQL, params, &rows, load->err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    rc = parse_rows(load, rows);
    db_result_free(rows);
    return rc;
}
