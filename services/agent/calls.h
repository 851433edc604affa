#ifndef KASUMORI_AGENT_CALLS_H
#define KASUMORI_AGENT_CALLS_H

#include <stddef.h>

#include "services/agent/asterisk.h"
#include "services/agent/bundle.h"
#include "services/agent/keeper.h"
#include "services/agent/mask.h"
#include "services/common/base/buf.h"
#include "services/common/base/clock.h"
#include "services/common/base/rc.h"
#include "services/common/metrics/metrics.h"
#include "services/common/spool/kept.h"

/* Call-record rows to durable records. Rows of one call are remembered under its id, so that rows
   that arrive later make a newer revision of the same contact, and rows read again change nothing.
   Owned by the imports' thread; blocks. */
struct calls;

struct calls_config {
    struct keeper *keeper;
    const struct bundle *bundle;
    const struct mask_roster *roster;
    struct kept *kept;
    struct metrics *metrics;
    struct clock clock;
};

enum { CALLS_ERRORS_MAX = 20 };

struct calls_result {
    size_t rows;                         /* good and bad */
    size_t rejected;                     /* rows and calls that made no record */
    size_t calls;                        /* records stored */
    struct err errors[CALLS_ERRORS_MAX]; /* the first ones */
};

enum rc calls_new(const struct calls_config *config, struct calls **ret_calls,
                  struct err *err) MUST_CHECK;
void calls_free(struct calls *calls);

/* All rows of text. RC_OK: every good row's call is durable; *ret_result says the rest. RC_FULL,
   RC_RETRY, RC_FATAL as keeper_job: give the same text again later. */
enum rc calls_import(struct calls *calls, const struct asterisk_source *source, struct slice text,
                     struct calls_result *ret_result, struct err *err) MUST_CHECK;

/* Forgets calls whose last row came three days ago. */
enum rc calls_expire(struct calls *calls, struct err *err) MUST_CHECK;

#endif
