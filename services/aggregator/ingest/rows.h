#ifndef KASUMORI_INGEST_ROWS_H
#define KASUMORI_INGEST_ROWS_H

#include "services/aggregator/ingest/item.h"
#include "services/aggregator/ingest/writes.h"
#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"

/* Fourth step: judged items into rows. Appends to writes: nothing reaches the database yet.
   scratch is used and left in any state. RC_RETRY when memory is out, RC_FULL for the arena. */
enum rc rows_fill(struct writes *writes, const struct item *items, size_t count,
                  struct arena *arena, struct buf *scratch, struct err *err) MUST_CHECK;

/* One item that is to be stored: its rows in record, record_text, sealed_identity, sighting and
   ingest_log. */
enum rc rows_add_record(struct writes *writes, const struct item *item, struct buf *scratch,
                        struct err *err) MUST_CHECK;

#endif
