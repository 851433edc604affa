#ifndef KASUMORI_CORRELATOR_TOLD_H
#define KASUMORI_CORRELATOR_TOLD_H

#include "services/aggregator/correlator/outbox.h"
#include "services/common/base/arena.h"
#include "services/common/correlate/derived.h"

/* What was told to sites about watch entries: kasumori.watch_told, brought to the derived entries,
   with a message for each that is new, other or taken back. An entry is a decision, a class and up
   to 64 sites of its scope; its id is the hash of tenant, 0, decision (8 bytes big-endian), the
   number of the 64 (4), and the class's least token (24). */
struct told;

struct told *told_new(void) MUST_CHECK; /* NULL: out of memory */
void told_free(struct told *told);

struct told_source {
    struct slice tenant;
    const struct derived *derived;
    /* What derived was before, when both are of one closed set of facts: only what either says is
       told. NULL: derived is all. */
    const struct derived *before;
    struct arena *arena; /* scratch */
    const char *topic;   /* of the messages */
};

/* In the caller's transaction. Results as journal_store. */
enum rc told_store(struct told *told, struct db *db, const struct told_source *source,
                   struct outbox *outbox, uint64_t *ret_changes, struct err *err) MUST_CHECK;

#endif
