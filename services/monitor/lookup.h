#ifndef KASUMORI_MONITOR_LOOKUP_H
#define KASUMORI_MONITOR_LOOKUP_H

#include "services/monitor/serve_job.h"
#include "services/monitor/state.h"

/* What is known of a number, for programs that ask while it rings: POST /v1/lookup by a machine's
   key. Look-ups that wait are answered together, those of one tenant by one statement, which writes
   their audit rows too; whose keys they are is looked up with them, so that a key revoked a moment
   ago opens nothing. */
struct lookups;

/* state is borrowed. As batch_new. */
enum rc lookup_new(struct monitor_state *state, struct lookups **ret_lookups,
                   struct err *err) MUST_CHECK;
void lookup_free(struct lookups *lookups);

/* From the loop's thread; answers in the end unless RC_FULL: too many wait. */
enum rc lookup_give(struct lookups *lookups, struct serve_job *job) MUST_CHECK;
size_t lookup_under_way(const struct lookups *lookups);

#endif
