#ifndef KASUMORI_INGEST_MONTHS_H
#define KASUMORI_INGEST_MONTHS_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* Which monthly partitions are known to exist, so that a batch asks for a missing one before it
   inserts. */
struct months;

/* conninfo is borrowed. NULL when memory is out. */
struct months *months_new(const char *conninfo) MUST_CHECK;
void months_free(struct months *months);

int months_has(const struct months *months, int64_t at_us);
/* Makes the month of at_us where it is missing, in a connection of its own: a lane's transaction
   must not hold what making a table waits for. db_open's and db_run's results. */
enum rc months_make(struct months *months, int64_t at_us, struct err *err) MUST_CHECK;
/* Believes nothing any more: an insert found no partition. */
void months_forget(struct months *months);

/* Makes all months from at_us through ahead more, by an open connection. */
enum rc months_make_ahead(struct db *db, int64_t at_us, int ahead, struct err *err) MUST_CHECK;

#endif
