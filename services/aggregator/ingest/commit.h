#ifndef KASUMORI_INGEST_COMMIT_H
#define KASUMORI_INGEST_COMMIT_H

#include <stddef.h>

#include "services/aggregator/ingest/message.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* How far a transaction takes one stream: from its next_offset to to. */
struct advance {
    struct stream *stream;
    int64_t to;
};

struct commit;

/* NULL when memory is out. */
struct commit *commit_new(void) MUST_CHECK;
void commit_free(struct commit *commit);

/* Moves the offset rows, for the owner of their epoch only, in the caller's transaction.
   *ret_fenced: how many rows were not ours any more; the caller must then roll back. db_run's
   results. */
enum rc commit_advance(struct commit *commit, struct db *db, const struct advance *advances,
                       size_t count, size_t *ret_fenced, struct err *err) MUST_CHECK;

/* After a COMMIT without an answer: *ret_is_done says whether it took place. RC_REJECT when a
   stream has another owner meanwhile. */
enum rc commit_find_out(struct commit *commit, struct db *db, const struct advance *advances,
                        size_t count, int *ret_is_done, struct err *err) MUST_CHECK;

#endif
