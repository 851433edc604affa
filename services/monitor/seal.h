#ifndef KASUMORI_MONITOR_SEAL_H
#define KASUMORI_MONITOR_SEAL_H

#include "services/common/base/rc.h"
#include "services/common/metrics/metrics.h"

/* A thread with a database connection of its own that, each second, puts new audit rows into their
   tenant's chain, and tells where each chain has come to outside the database, where who changes
   rows cannot change it: a line "time tenant chain_no hash" each minute in heads_file, and in the
   log. It also removes what is kept for a day only. */
struct seal;

struct seal_config {
    const char *database;   /* borrowed, as the rest */
    const char *heads_file; /* appended to, mode 0600; NULL: the log only */
    struct metrics *metrics;
};

/* A database that is away is tried again for ever. RC_RETRY when no thread can be had. */
enum rc seal_start(const struct seal_config *config, struct seal **ret_seal,
                   struct err *err) MUST_CHECK;
void seal_stop(struct seal *seal);

#endif
