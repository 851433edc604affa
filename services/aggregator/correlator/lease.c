/* Leases of shards. Invariant: an epoch has one owner, and whoever writes derived rows holds the
   row's lock under its epoch; so a process that slept through its lease cannot commit. */
#include "services/aggregator/correlator/lease.h"

#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/mac/mac.h"

enum { COLUMN_BYTES_MAX = 64 };

static const char RENEW_SQL[] =
    "update kasumori.correlator set epoch = epoch + (owner is distinct from $1)::int, owner = $1, "
    "lease_until = now() + $2 * interval '1 microsecond' where shard in (select shard from "
    "kasumori.correlator where owner = $1 or lease_until < now() order by shard "
    "for update skip locked) returning shard, epoch";

static const char LOCK_SQL[] = "select from kasumori.correlator where owner = $1 and epoch = $2 "
                               "and shard = $3 for no key update";

static const char RELEASE_SQL[] = "update kasumori.correlator set owner = null, "
                                  "lease_until = '-infinity' where owner = $1";

int lease_shard(struct slice tenant)
{
    uint8_t digest[MAC_SHA256_BYTES];
    mac_sha256(tenant, digest);
    return digest[0] % LEASE_SHARDS;
}

enum rc lease_init(struct lease *lease, int64_t duration_us, struct err *err)
{
    memset(lease, 0, sizeof(*lease));
    lease->duration_us = duration_us;
    return uuid_make_v7(clock_now_us(clock_real()), &lease->owner, err); /* 74 random bits */
}

struct statement {
    const char *name, *sql;
    int64_t numbers[2];
    size_t count;
};

static enum rc run(const struct lease *lease, struct db *db, const struct statement *statement,
                   struct db_result **ret_result, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_UUID, DB_TYPE_INT8, DB_TYPE_INT2};
    static const int IS_ARRAY[] = {0, 0, 0};
    struct db_params *params =
        db_params_new(1 + statement->count, TYPES, IS_ARRAY, COLUMN_BYTES_MAX);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_uuid(params, 0, &lease->owner);
    for (size_t i = 0; i < statement->count; i++)
        db_put_int(params, 1 + i, statement->numbers[i]);
    enum rc rc = db_run(db, statement->name, statement->sql, params, ret_result, err);
    db_params_free(params);
    return rc;
}

enum rc lease_renew(struct lease *lease, struct db *db, int *ret_gained, struct err *err)
{
    struct db_result *result;
    uint8_t was_held[LEASE_SHARDS];
    int64_t asked_mono_us = clock_mono_us(clock_real());
    const struct statement renew = {"lease_renew", RENEW_SQL, {lease->duration_us}, 1};
    enum rc rc = run(lease, db, &renew, &result, err);
    if (rc != RC_OK)
        return rc;
    *ret_gained = 0;
    memcpy(was_held, lease->is_held, sizeof(was_held));
    memset(lease->is_held, 0, sizeof(lease->is_held));
    for (size_t row = 0; row < db_result_rows(result); row++) {
        int64_t shard = db_result_int(result, row, 0);
        int64_t epoch = db_result_int(result, row, 1);
        *ret_gained += !was_held[shard] || lease->epochs[shard] != epoch;
        lease->is_held[shard] = 1;
        lease->epochs[shard] = epoch;
    }
    lease->until_mono_us = asked_mono_us + lease->duration_us;
    db_result_free(result);
    return RC_OK;
}

int lease_is_current(const struct lease *lease)
{
    return clock_mono_us(clock_real()) < lease->until_mono_us;
}

enum rc lease_lock(const struct lease *lease, struct db *db, int shard, struct err *err)
{
    struct db_result *result;
    const struct statement lock = {"lease_lock", LOCK_SQL, {lease->epochs[shard], shard}, 2};
    enum rc rc = run(lease, db, &lock, &result, err);
    if (rc != RC_OK)
        return rc;
    size_t rows = db_result_rows(result);
    db_result_free(result);
    return rows == 1 ? RC_OK : err_set(err, RC_REJECT, "shard %d has another owner", shard);
}

enum rc lease_release(struct lease *lease, struct db *db, struct err *err)
{
    memset(lease->is_held, 0, sizeof(lease->is_held));
    lease->until_mono_us = 0;
    const struct statement release = {"lease_release", RELEASE_SQL, {0}, 0};
    return run(lease, db, &release, NULL, err);
}
