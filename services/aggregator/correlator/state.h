#ifndef KASUMORI_CORRELATOR_STATE_H
#define KASUMORI_CORRELATOR_STATE_H

#include "services/common/base/arena.h"
#include "services/common/db/db.h"
#include "services/common/history/history.h"

/* Which facts a tenant's derived rows stand for (kasumori.correlated, correlated_stream), beside
   which there are. */
struct state {
    int is_there; /* the tenant has been correlated before */
    int form;
    int64_t decision_no, policy_version, linking_version, records;
    int64_t as_of_us;
    int has_as_of;
    struct history_end *ends; /* in the arena of state_read, with room for LIMIT_STREAMS */
    size_t ends_count;
    /* there are */
    int64_t last_decision_no, last_policy_version, last_linking_version;
    int64_t last_as_of_us;
    int has_last_as_of;
};

enum rc state_read(struct db *db, const char *tenant, struct arena *arena, struct state *ret_state,
                   struct err *err) MUST_CHECK;
/* What the rows stand for now: all but what "there are" says. */
enum rc state_store(struct db *db, const char *tenant, const struct state *state,
                    int64_t duration_us, struct err *err) MUST_CHECK;
/* The end of the stream; one that was not known gets one at 0. */
struct history_end *state_end(struct state *state, int32_t stream_no);

#endif
