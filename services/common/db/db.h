#ifndef KASUMORI_DB_DB_H
#define KASUMORI_DB_DB_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"

/* One PostgreSQL connection, owned by one thread, blocking, binary both ways. SQLSTATEs become rc
   once, by a table in db_sqlstate.c: lost connection, 40001, 40P01, 53xxx, 57P0x → RETRY;
   23xxx and 22xxx → REJECT; missing tables, rights or syntax → FATAL. */
struct db;

/* conninfo: libpq's; a password comes from its passfile. Sets application_name, statement_timeout
   10 s, idle_in_transaction_session_timeout 10 s, tcp_user_timeout 10 s unless conninfo says
   otherwise. RC_RETRY when the server is away or starting, RC_REJECT for a conninfo that cannot be
   read or holds a password, RC_FATAL when the server refuses us (no such role, database or right).
   Blocks up to 10 s. The session speaks UTC and UTF-8. */
enum rc db_open(const char *conninfo, const char *application_name, struct db **ret_db,
                struct err *err) MUST_CHECK;
void db_close(struct db *db);
/* Whether the connection can be used, an idle one too; looks at the socket, never blocks. After
   RC_RETRY ask this, then db_close and db_open again. */
int db_is_alive(const struct db *db);
/* Whether no transaction is under way, a failed one included. */
int db_is_idle(const struct db *db);
/* SQLSTATE of the last failure; "" when the connection was lost without one. */
const char *db_sqlstate(const struct db *db);

/* One or more statements without parameters or result. A "commit" of a transaction that has failed
   before is RC_RETRY, not success. After a lost connection a commit's outcome is unknown. Texts of
   errors about values and constraints never quote what the server quotes. */
enum rc db_exec(struct db *db, const char *sql, struct err *err) MUST_CHECK;

/* Types of parameters, by PostgreSQL's name. */
enum db_type {
    DB_TYPE_BOOL,
    DB_TYPE_INT2,
    DB_TYPE_INT4,
    DB_TYPE_INT8,
    DB_TYPE_TEXT,
    DB_TYPE_BYTEA,
    DB_TYPE_UUID,
    DB_TYPE_TIMESTAMPTZ, /* given in microseconds since 1970 UTC */
    DB_TYPE_JSONB,
};

/* Parameters of one statement: columns for unnest($1::…[], $2::…[]) or single values. Reused from
   batch to batch; memory from the heap, bounded by bytes_max a column. */
struct db_params;
struct db_params *db_params_new(size_t count, const enum db_type *types, const int *is_array,
                                size_t bytes_max) MUST_CHECK;
void db_params_free(struct db_params *params);
void db_params_reset(struct db_params *params);

/* Each adds one element to column (a single value is exactly one element). A failure (limit,
   memory) sticks and is reported by db_run. */
void db_put_null(struct db_params *params, size_t column);
void db_put_bool(struct db_params *params, size_t column, int value);
void db_put_int(struct db_params *params, size_t column, int64_t value); /* INT2, INT4, INT8 */
void db_put_text(struct db_params *params, size_t column, struct slice value); /* TEXT, JSONB */
void db_put_bytes(struct db_params *params, size_t column, struct slice value);
void db_put_uuid(struct db_params *params, size_t column, const struct uuid *value);
void db_put_time(struct db_params *params, size_t column, int64_t at_us); /* INT64_MAX: infinity */
size_t db_params_rows(const struct db_params *params, size_t column);
/* The first failure that stuck, as db_run would report it. */
enum rc db_params_check(const struct db_params *params, struct err *err) MUST_CHECK;
/* Elements one after another, for comparing rows and moving them: *at is 0 at first. ret_element
   holds the size and the bytes as they travel, valid until the next put. 0: there are no more. */
int db_params_next(const struct db_params *params, size_t column, size_t *at,
                   struct slice *ret_element);
/* Puts an element of a column of the same type. */
void db_put_element(struct db_params *params, size_t column, struct slice element);

struct db_result; /* binary rows; a NULL reads as 0, as an empty slice without data, as the nil uuid
                   */

/* Prepares sql under name on first use on this connection, then executes it. ret_result may be
   NULL. params may be NULL. sql must live as long as db; a name always goes with the same sql. */
enum rc db_run(struct db *db, const char *name, const char *sql, const struct db_params *params,
               struct db_result **ret_result, struct err *err) MUST_CHECK;

/* One of several statements that are sent together; its members are what db_run takes. */
struct db_step {
    const char *name, *sql;
    const struct db_params *params;
    int has_answer; /* its rows are wanted */
    struct db_result *result;
};

/* Runs all steps in their order for the price of one round trip. After the first that fails none is
   run, and that one's rc is answered. On RC_OK, and only then, each step that has_answer holds its
   result. Begin and commit may be among the steps; without them they are one transaction. */
enum rc db_run_steps(struct db *db, struct db_step *steps, size_t count,
                     struct err *err) MUST_CHECK;
void db_result_free(struct db_result *result);
size_t db_result_rows(const struct db_result *result);
size_t db_result_affected(const struct db_result *result);
int db_result_is_null(const struct db_result *result, size_t row, size_t column);
int64_t db_result_int(const struct db_result *result, size_t row,
                      size_t column); /* int2, int4, int8, bool */
struct slice db_result_bytes(const struct db_result *result, size_t row,
                             size_t column); /* text, bytea; NUL after */
struct uuid db_result_uuid(const struct db_result *result, size_t row, size_t column);
int64_t db_result_time(const struct db_result *result, size_t row,
                       size_t column); /* timestamptz, µs since 1970 */
/* An array's elements one after another: *at is 0 at first. 0: there are no more. A NULL element is
   an empty slice without data. */
int db_result_element(const struct db_result *result, size_t row, size_t column, size_t *at,
                      struct slice *ret_element);
int64_t db_element_time(struct slice element); /* of timestamptz[], as db_result_time */

/* Tests: the n-th statement from now on any connection fails as if the server had gone. With -n it
   runs on the server, but its answer is lost. 0: off. */
void db_fail_nth(long n);

#endif
