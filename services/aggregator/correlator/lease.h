#ifndef KASUMORI_CORRELATOR_LEASE_H
#define KASUMORI_CORRELATOR_LEASE_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"
#include "services/common/db/db.h"

/* Which shards this process writes. A shard's row in kasumori.correlator names its owner; who finds
   the lease run out takes it under a new epoch. */
enum { LEASE_SHARDS = 64 };

struct lease {
    struct uuid owner;
    int64_t duration_us;
    int64_t epochs[LEASE_SHARDS];
    uint8_t is_held[LEASE_SHARDS];
    int64_t until_mono_us; /* not to be relied on from then on */
};

/* Shard of a tenant, for ever: the first byte of SHA-256 of its name, mod 64. */
int lease_shard(struct slice tenant);

/* Makes a random owner; holds nothing. uuid_make_v7's results. */
enum rc lease_init(struct lease *lease, int64_t duration_us, struct err *err) MUST_CHECK;
/* Renews what is held and takes what nobody holds. ret_gained: shards not held before. */
enum rc lease_renew(struct lease *lease, struct db *db, int *ret_gained,
                    struct err *err) MUST_CHECK;
int lease_is_current(const struct lease *lease);
/* In a transaction: locks the shard's row until its end, so that nobody takes it meanwhile.
   RC_REJECT when another has it: what was to be written is not ours to write. */
enum rc lease_lock(const struct lease *lease, struct db *db, int shard, struct err *err) MUST_CHECK;
/* Lets everything go, so that others need not wait. */
enum rc lease_release(struct lease *lease, struct db *db, struct err *err) MUST_CHECK;

#endif
