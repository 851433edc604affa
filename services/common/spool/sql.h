#ifndef KASUMORI_SPOOL_SQL_H
#define KASUMORI_SPOOL_SQL_H

#include "services/common/base/rc.h"

struct sqlite3;
struct sqlite3_stmt;

/* The one place that turns SQLite's result codes into ours. RC_FATAL: the disk failed, so the
   connection is of no more use. RC_RETRY: memory, descriptors, locks. Takes extended codes. Pure.
 */
enum rc sql_rc(int code);

/* "could not <what>: <SQLite's words> (<errno's words>)" with sql_rc(code). db may be NULL. */
enum rc sql_fail(struct sqlite3 *db, int code, const char *what, struct err *err);

enum sql_mode {
    SQL_WRITE,     /* made when missing */
    SQL_READ,      /* an existing file with its write-ahead log; never written by this connection */
    SQL_READ_ONLY, /* an existing file without log that nobody changes any more */
};

/* Exclusive, without mutexes, nothing done to the disk on close, then setup (SQL, may be NULL) run.
 */
enum rc sql_open(const char *path, const char *vfs, enum sql_mode mode, const char *setup,
                 struct sqlite3 **ret_db, struct err *err) MUST_CHECK;
/* Finalizes nothing: the statements go first. NULL is fine. */
void sql_close(struct sqlite3 *db);

enum rc sql_exec(struct sqlite3 *db, const char *sql, struct err *err) MUST_CHECK;
enum rc sql_prepare(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **ret_stmt,
                    struct err *err) MUST_CHECK;
/* Steps a statement that yields no rows and resets it. */
enum rc sql_run(struct sqlite3 *db, struct sqlite3_stmt *stmt, const char *what,
                struct err *err) MUST_CHECK;
/* Leaves the transaction; 0 when the connection is still inside it and must not be used again. */
int sql_rollback(struct sqlite3 *db);

#endif
