#ifndef KASUMORI_CORRELATOR_DUE_H
#define KASUMORI_CORRELATOR_DUE_H

#include <stdint.h>

#include "services/aggregator/correlator/lease.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* Which tenants have facts that their derived rows do not stand for. The truth is each tenant's own
   cursors (kasumori.correlated, correlated_stream), written with its rows. The shards' cursors
   (kasumori.correlator_cursor) only save reading the whole log again after a start: all tenants of
   the shard are at least that far. */
struct due;

struct due *due_new(void) MUST_CHECK; /* NULL: out of memory */
void due_free(struct due *due);

/* After shards were gained: reads on from where all of them are. */
void due_rewind(struct due *due);
/* Looks for new facts, LIMIT_DUE_ROWS of each stream at most, and saves the shards' cursors now and
   then. ret_is_more: there are more rows to look at. RC_FULL: more than LIMIT_TENANTS tenants. */
enum rc due_look(struct due *due, struct db *db, const struct lease *lease, int *ret_is_more,
                 struct err *err) MUST_CHECK;
/* The tenant that has waited longest and may be recomputed now; NULL: none. Borrowed until the next
   due_look. */
const char *due_next(const struct due *due, const struct lease *lease, int64_t now_mono_us);
size_t due_waiting(const struct due *due); /* how many are due */
/* It was brought up to date; not again before the instant. */
void due_done(struct due *due, const char *tenant, int64_t not_before_mono_us);
/* It could not be: to be tried again from the instant on, and nobody's cursor waits for it. */
void due_put_off(struct due *due, const char *tenant, int64_t not_before_mono_us);

#endif
