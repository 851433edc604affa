#ifndef KASUMORI_DB_DB_INTERNAL_H
#define KASUMORI_DB_DB_INTERNAL_H

#include <libpq-fe.h>
#include <stddef.h>

#include "services/common/base/limits.h"
#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* Shared by the files of this folder only. */

/* Numbers of pg_type that the wire needs; fixed for ever by PostgreSQL. */
enum {
    DB_OID_BOOL = 16,
    DB_OID_BYTEA = 17,
    DB_OID_INT8 = 20,
    DB_OID_INT2 = 21,
    DB_OID_INT4 = 23,
    DB_OID_TEXT = 25,
    DB_OID_OID = 26,
    DB_OID_TIMESTAMPTZ = 1184,
    DB_OID_UUID = 2950,
    DB_OID_JSONB = 3802,
};

/* 2000-01-01T00:00:00Z, where PostgreSQL counts from, in microseconds since 1970. */
#define DB_EPOCH_US (INT64_C(946684800) * CLOCK_US_PER_S)

/* Connects within the time-outs of db_open. On RC_OK *ret_conn is usable. */
enum rc db_connect(const char *conninfo, const char *application_name, PGconn **ret_conn,
                   struct err *err) MUST_CHECK;

/* What PQprepare and PQexecPrepared take; valid until the next call on params. */
struct db_bound {
    int count;
    const unsigned int *oids;
    const char *const *values;
    const int *lengths;
    const int *formats;
};

/* Reports the first failure that stuck. CHECKs that a single value was put exactly once. */
enum rc db_params_bind(const struct db_params *params, struct db_bound *ret_bound,
                       struct err *err) MUST_CHECK;

/* Takes pg_result whatever happens. */
enum rc db_result_new(PGresult *pg_result, struct db_result **ret_result,
                      struct err *err) MUST_CHECK;

#endif
