#ifndef KASUMORI_INGEST_SEQUENCES_H
#define KASUMORI_INGEST_SEQUENCES_H

#include "services/aggregator/ingest/item.h"
#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* Adds one row (writes.h, AGENT_SEQ_…) for each agent and epoch among the proven items, with the
   ranges of their sequences. RC_RETRY when memory is out, RC_FULL for the arena. */
enum rc sequences_fill(struct db_params *to, const struct item *items, size_t count,
                       struct arena *arena, struct buf *scratch, struct err *err) MUST_CHECK;

#endif
