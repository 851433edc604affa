#ifndef KASUMORI_INGEST_STORED_H
#define KASUMORI_INGEST_STORED_H

#include "services/aggregator/ingest/dedup.h"
#include "services/aggregator/ingest/item.h"
#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* The parameters of the three questions that deduplication asks. */
struct stored;

struct stored *stored_new(void) MUST_CHECK;
void stored_free(struct stored *stored);

/* Tells dedup what the database holds of the items without a class. db_run's results; RC_FULL for
   the arena. */
enum rc stored_read(struct stored *stored, struct db *db, const struct item *items, size_t count,
                    struct dedup *dedup, struct arena *arena, struct err *err) MUST_CHECK;

#endif
