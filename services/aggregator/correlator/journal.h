#ifndef KASUMORI_CORRELATOR_JOURNAL_H
#define KASUMORI_CORRELATOR_JOURNAL_H

#include "services/aggregator/correlator/outbox.h"
#include "services/common/base/arena.h"
#include "services/common/correlate/derived.h"

/* What was told outside about findings: kasumori.alert and alert_change, brought to what the
   findings say now, with a message for each change. */
struct journal;

struct journal *journal_new(void) MUST_CHECK; /* NULL: out of memory */
void journal_free(struct journal *journal);

struct journal_source {
    struct slice tenant;
    const struct derived *derived;
    /* What derived was before, when both are of one closed set of facts: only alerts that rest or
       rested on it are looked at. NULL: derived is all. */
    const struct derived *before;
    struct arena *arena; /* scratch */
    const char *topic;   /* of the messages */
};

/* In the caller's transaction. Adds messages to outbox and the number of changes to ret_changes.
   db_run's results; RC_FULL when the arena is too small. */
enum rc journal_store(struct journal *journal, struct db *db, const struct journal_source *source,
                      struct outbox *outbox, uint64_t *ret_changes, struct err *err) MUST_CHECK;

#endif
