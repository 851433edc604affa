#ifndef KASUMORI_INGEST_RESTAMP_H
#define KASUMORI_INGEST_RESTAMP_H

#include "services/aggregator/ingest/message.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* A replay of a record whose site's clock was wrong: header ks-restamp names the bad record as
   STREAM/OFFSET. It counts only for a row of class clock that an operator replayed so and that
   holds the very same bytes. Waits for the transaction that replays it. Sets *ret_at_us to the time
   that is put in place of the record's own, 0 when there is none; asks the database only where the
   header is. db_run's results, RC_RETRY when memory is out. */
enum rc restamp_find(struct db *db, const struct message *message, int64_t *ret_at_us,
                     struct err *err) MUST_CHECK;

#endif
