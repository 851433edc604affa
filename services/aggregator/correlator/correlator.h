#ifndef KASUMORI_CORRELATOR_CORRELATOR_H
#define KASUMORI_CORRELATOR_CORRELATOR_H

#include "services/aggregator/correlator/recompute.h"

/* T2: for each shard whose lease this process holds, new facts are taken into the derived rows of
   their tenants, in steps, one tenant after another; what no step can take is computed as a whole
   when nothing else is due. One thread owns it. */
struct correlator;

struct correlator_config {
    struct recompute_config recompute;
    int64_t
        every_us; /* between two computations of one whole tenant, at least as long as one took */
    size_t near_records_max; /* of a step; 0: LIMIT_NEAR_RECORDS */
    size_t hub_records;      /* more carry a hub's token; 0: LIMIT_HUB_RECORDS */
    int64_t look_every_us;   /* for new facts, when the last look found no more */
    int64_t lease_us;
    /* What came of one tenant; may be NULL. */
    void (*tell)(void *ctx, const char *tenant, const struct recompute_report *report);
    void *ctx;
};

/* Must outlive the connections it runs on. uuid_make_v7's results, RC_RETRY when memory is
   out. */
enum rc correlator_new(const struct correlator_config *config, struct correlator **ret_correlator,
                       struct err *err) MUST_CHECK;
void correlator_free(struct correlator *correlator);

/* Renews the leases when it is time, looks for new facts, takes one step.
   ret_is_idle: nothing was to do. After RC_RETRY the connection may be gone. */
enum rc correlator_turn(struct correlator *correlator, struct db *db, int *ret_is_idle,
                        struct err *err) MUST_CHECK;
/* Lets the leases go. */
enum rc correlator_stop(struct correlator *correlator, struct db *db, struct err *err) MUST_CHECK;

const struct lease *correlator_lease(const struct correlator *correlator);
size_t correlator_waiting(const struct correlator *correlator); /* tenants that are due */

#endif
