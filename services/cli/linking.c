/* Which linking policy holds.
   Invariant: rows stand for one linking policy as a whole. Loading one changes nothing while rows
   stand; adopting one makes the correlator build all rows anew, in one transaction. */
#include "services/cli/linking.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/cli/cli_facts.h"
#include "services/common/db/db.h"

/* Which version holds, and whether the one asked for is a linking policy. */
static const char STATE_SQL[] =
    "select coalesce((select version from kasumori.linking_adopted where tenant = $1 "
    "order by adoption_no desc limit 1), 0), $2::bigint = 0 or exists ("
    "select from kasumori.policy_version where tenant = $1 and version = $2::bigint "
    "and is_linking)";

static const char ADOPT_SQL[] =
    "insert into kasumori.linking_adopted (tenant, adoption_no, version, adopted_by) "
    "select $1, coalesce(max(adoption_no), 0) + 1, $2::bigint, $3 "
    "from kasumori.linking_adopted where tenant = $1";

static const char IN_USE_SQL[] =
    "select exists (select from kasumori.correlated where tenant = $1)";

enum rc linking_lock(struct db *db, struct err *err)
{
    return db_exec(db, "lock table kasumori.linking_adopted in share row exclusive mode", err);
}

static enum rc check(struct db *db, const char *tenant, const char *number, int64_t version,
                     struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "linking_state", STATE_SQL, &result, err, tenant, number);
    if (rc != RC_OK)
        return rc;
    if (!db_result_int(result, 0, 1))
        rc = err_set(err, RC_REJECT, "version %" PRId64 " is no linking policy of the tenant",
                     version);
    else if (db_result_int(result, 0, 0) == version)
        rc = err_set(err, RC_REJECT, "linking policy version %" PRId64 " holds already", version);
    db_result_free(result);
    return rc;
}

enum rc linking_adopt(struct db *db, const char *tenant, int64_t version, const char *by,
                      struct err *err)
{
    char number[24], object[64];
    snprintf(number, sizeof(number), "%" PRId64, version);
    snprintf(object, sizeof(object), "policy version %" PRId64, version);
    enum rc rc = check(db, tenant, number, version, err);
    if (rc == RC_OK)
        rc = CLI_RUN(db, "linking_adopt", ADOPT_SQL, NULL, err, tenant, number, by);
    if (rc == RC_OK)
        rc = cli_audit_write(
            db, &(struct cli_audit){.tenant = tenant, .action = "policy.adopt", .object = object},
            err);
    return rc;
}

enum rc linking_is_in_use(struct db *db, const char *tenant, int *ret_is_in_use, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "linking_in_use", IN_USE_SQL, &result, err, tenant);
    if (rc != RC_OK)
        return rc;
    *ret_is_in_use = db_result_int(result, 0, 0) != 0;
    db_result_free(result);
    return RC_OK;
}
