#ifndef KASUMORI_HISTORY_HISTORY_H
#define KASUMORI_HISTORY_HISTORY_H

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/correlate/facts.h"
#include "services/common/db/db.h"

/* Reads all facts of one tenant (docs/correlation.md §1) as they stand in one snapshot: records,
   decisions, policies, the linking policy adopted last, the greatest tick. Runs a read-only
   transaction of its own: none may be under way on db, and none is afterwards. Reads pages of
   LIMIT_HISTORY_PAGE, so that beside the arena only one page is held.

   What is stored decides what is seen: a person without tokens is no fact here, nor are workers
   (persons below 0).

   Everything in *ret_facts lives in arena. RC_FULL when the arena is too small; RC_CORRUPT when a
   stored policy or decision cannot be read, with its number; else as db.h. Blocks. */
enum rc history_load(struct db *db, const char *tenant, struct arena *arena,
                     struct facts *ret_facts, struct err *err) MUST_CHECK;

#endif
