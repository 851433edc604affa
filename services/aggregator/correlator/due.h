#ifndef KASUMORI_CORRELATOR_DUE_H
#define KASUMORI_CORRELATOR_DUE_H

#include <stdint.h>

#include "services/aggregator/correlator/lease.h"
#include "services/common/base/rc.h"
#include "services/common/base/uuid.h"
#include "services/common/db/db.h"

/* Which tenants have facts that their derived rows do not stand for. The truth is each tenant's own
   cursors (kasumori.correlated, correlated_stream), written with its rows. The shards' cursors
   (kasumori.correlator_cursor) only save reading the whole log again after a start: all tenants of
   the shard are at least that far. */
struct due;

struct due *due_new(void) MUST_CHECK; /* NULL: out of memory */
void due_free(struct due *due);

/* After shards were gained: forgets all and reads on from where all of them are. */
void due_rewind(struct due *due);
/* Looks for new facts, as many as there is room for, and saves the shards' cursors now and then.
   ret_is_more: there are more rows to look at. RC_FULL: more than LIMIT_TENANTS tenants. */
enum rc due_look(struct due *due, struct db *db, const struct lease *lease, int *ret_is_more,
                 struct err *err) MUST_CHECK;

/* A row of the ingest log. */
struct due_row {
    int32_t stream_no;
    int64_t offset;
    struct uuid record_id;
};

struct due_task {
    const char *tenant;
    int is_whole; /* to be computed as a whole */
    /* Its oldest new rows, each stream's in order, at most LIMIT_STEP_RECORDS; some may be in. */
    const struct due_row *rows;
    size_t rows_count;
};

/* The tenant that has waited longest; one to be computed as a whole only when nothing else is due,
   or when it has waited for a minute. 0: none. Borrowed until the next call. */
int due_next(struct due *due, const struct lease *lease, int64_t now_mono_us,
             struct due_task *ret_task);
size_t due_waiting(const struct due *due); /* how many are due */

/* What was given is in. Not before the instant the tenant is computed as a whole again. */
void due_done(struct due *due, const struct due_task *task, int64_t not_before_mono_us);
/* So many rows at once are too many: fewer are given next. 0: it was one row alone. */
int due_narrow(struct due *due, const struct due_task *task);
/* It is to be computed as a whole, which its row in kasumori.correlated says (form), so its rows
   are forgotten and nobody's cursor waits for it. */
void due_whole(struct due *due, const char *tenant, int64_t not_before_mono_us);

#endif
