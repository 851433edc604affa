#ifndef KASUMORI_AGGREGATOR_DATABASE_H
#define KASUMORI_AGGREGATOR_DATABASE_H

#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* Opens a connection and checks that the schema is one this program knows. RC_RETRY when the server
   is away or waits for kasumori migrate; RC_FATAL for a schema too new, a bad connection string or
   missing rights. */
enum rc database_open(const char *conninfo, const char *name, struct db **ret_db,
                      struct err *err) MUST_CHECK;

#endif
