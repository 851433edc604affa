#ifndef KASUMORI_HISTORY_HISTORY_H
#define KASUMORI_HISTORY_HISTORY_H

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/correlate/facts.h"
#include "services/common/correlate/neighbourhood.h"
#include "services/common/db/db.h"

/* Reads all facts of one tenant (docs/correlation.md §1) as they stand in one snapshot: records,
   decisions, policies, the linking policy adopted last, the greatest tick. Runs a read-only
   transaction of its own: none may be under way on db, and none is afterwards. Reads pages of
   LIMIT_HISTORY_PAGE, so that beside the arena only one page is held.

   What is stored decides what is seen: workers (persons below 0) are no facts here.

   Everything in *ret_facts lives in arena. RC_FULL when the arena is too small; RC_CORRUPT when a
   stored policy or decision cannot be read, with its number; else as db.h. Blocks. */
enum rc history_load(struct db *db, const char *tenant, struct arena *arena,
                     struct facts *ret_facts, struct err *err) MUST_CHECK;

/* The same in the caller's transaction, which HISTORY_BEGIN began if it is to be a snapshot. */
#define HISTORY_BEGIN "begin transaction isolation level repeatable read read only"
enum rc history_load_here(struct db *db, const char *tenant, struct arena *arena,
                          struct facts *ret_facts, struct err *err) MUST_CHECK;

/* All but the records, of decisions those after a number. In the caller's transaction or none. */
enum rc history_load_others(struct db *db, const char *tenant, int64_t after_no,
                            struct arena *arena, struct facts *ret_facts,
                            struct err *err) MUST_CHECK;

/* Where the facts end that count: of each stream the first offset that does not; of a stream that
   is not listed nothing counts. A record that says no place counts. */
struct history_end {
    int32_t stream_no;
    int64_t next_offset;
};

struct history_near {
    const char *tenant;
    const struct history_end *ends;
    size_t ends_count;
    struct arena *arena;                /* of what is read */
    const struct fact_linking *linking; /* as the neighbourhood's; NULL: there are no hubs */
    size_t hub_records;                 /* that carry one token and are all read, whatever it is */
};

/* Gives a seeded neighbourhood what it wants, until it is closed. In the caller's transaction,
   which has written nothing of the tenant's derived rows, and whose settings keep the planner to
   indices. RC_FULL as neighbourhood_add. */
enum rc history_load_near(struct db *db, const struct history_near *near,
                          struct neighbourhood *neighbourhood, struct err *err) MUST_CHECK;

#endif
