/* The one way the aggregator's threads come to a connection. */
#include "services/aggregator/database.h"

#include <stdio.h>

#include "services/common/db/schema.h"

/* Migrations only add, so a program goes on under the next twenty. */
enum { SCHEMA_LEAST = 34, SCHEMA_MOST = 39 };

enum rc database_open(const char *conninfo, const char *name, struct db **ret_db, struct err *err)
{
    char application[64];
    struct db *db;
    int version;
    snprintf(application, sizeof(application), "kasumori-aggregator %s", name);
    enum rc rc = db_open(conninfo, application, &db, err);
    if (rc == RC_REJECT)
        err->rc = rc = RC_FATAL; /* the connection string */
    if (rc != RC_OK)
        return rc;
    rc = schema_check(db, SCHEMA_LEAST, SCHEMA_MOST, &version, err);
    if (rc != RC_OK) {
        db_close(db);
        return rc;
    }
    *ret_db = db;
    return RC_OK;
}
