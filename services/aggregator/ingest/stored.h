#ifndef KASUMORI_INGEST_STORED_H
#define KASUMORI_INGEST_STORED_H

#include "services/aggregator/ingest/dedup.h"
#include "services/aggregator/ingest/item.h"
#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* The parameters of the two questions that deduplication asks. */
struct stored;

struct stored *stored_new(void) MUST_CHECK;
void stored_free(struct stored *stored);

/* Looks up what the database holds of the items without a class, and judges them: sets their
   outcomes. db_run's results; RC_FULL for the arena. */
enum rc stored_judge(struct stored *stored, struct db *db, struct item *items, size_t count,
                     struct arena *arena, struct err *err) MUST_CHECK;

#endif
