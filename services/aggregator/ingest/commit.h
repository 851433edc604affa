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

/* What the offset rows say about a transaction. */
enum commit_found {
    COMMIT_FOUND_DONE,    /* they stand where it takes them */
    COMMIT_FOUND_UNDONE,  /* they stand where it starts */
    COMMIT_FOUND_REWOUND, /* ours, but elsewhere: the database lost later commits or was restored */
    COMMIT_FOUND_TAKEN,   /* somebody else has one of them */
};

/* Moves the offset rows, for the owner of their epoch only, in the caller's transaction. DONE, or
   why not: then the caller must roll back. db_run's results. */
enum rc commit_advance(struct commit *commit, struct db *db, const struct advance *advances,
                       size_t count, enum commit_found *ret_found, struct err *err) MUST_CHECK;

/* The same question without moving anything, after a COMMIT without an answer. */
enum rc commit_find_out(struct commit *commit, struct db *db, const struct advance *advances,
                        size_t count, enum commit_found *ret_found, struct err *err) MUST_CHECK;

#endif
