/* What segments and the kept map share of SQLite: opening, statements, result codes. Invariant: no
   connection checkpoints on its own, neither after a commit nor on close, because SQLite drops the
   error of both; who wants a checkpoint asks for it and sees its result. */
#include "services/common/spool/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/spool/disk.h"

static const struct {
    int code;
    enum rc rc;
} rc_table[] = {
    {SQLITE_OK, RC_OK},
    {SQLITE_ROW, RC_OK},
    {SQLITE_DONE, RC_OK},
    {SQLITE_FULL, RC_FULL},
    {SQLITE_CORRUPT, RC_CORRUPT},
    {SQLITE_NOTADB, RC_CORRUPT},
    {SQLITE_FORMAT, RC_CORRUPT},
    {SQLITE_IOERR, RC_FATAL},
    {SQLITE_NOMEM, RC_RETRY},
    {SQLITE_CANTOPEN, RC_RETRY},
    {SQLITE_BUSY, RC_RETRY},
    {SQLITE_LOCKED, RC_RETRY},
    {SQLITE_READONLY, RC_RETRY},
    {SQLITE_PERM, RC_RETRY},
    {SQLITE_AUTH, RC_RETRY},
    {SQLITE_PROTOCOL, RC_RETRY},
    {SQLITE_INTERRUPT, RC_RETRY},
    {SQLITE_ABORT, RC_RETRY},
    {SQLITE_NOLFS, RC_FULL},
    {SQLITE_TOOBIG, RC_REJECT},
    {SQLITE_CONSTRAINT, RC_CORRUPT},
    {SQLITE_MISMATCH, RC_CORRUPT},
};

enum rc sql_rc(int code)
{
    if (code == SQLITE_IOERR_NOMEM)
        return RC_RETRY;
    for (size_t i = 0; i < sizeof(rc_table) / sizeof(rc_table[0]); i++)
        if (rc_table[i].code == (code & 0xff))
            return rc_table[i].rc;
    /* SQLITE_ERROR and SQLITE_MISUSE also come for a table that is not there: a damaged file. */
    return code == SQLITE_ERROR ? RC_CORRUPT : RC_FATAL;
}

enum rc sql_fail(struct sqlite3 *db, int code, const char *what, struct err *err)
{
    int saved = db != NULL ? sqlite3_system_errno(db) : 0;
    if (saved == 0 || (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        return err_set(err, sql_rc(code), "could not %s: %s", what, sqlite3_errstr(code));
    errno = saved;
    return err_set(err, sql_rc(code), "could not %s: %s (%m)", what, sqlite3_errstr(code));
}

/* "file:…?immutable=1", with what an URI would take for its own escaped. */
static int immutable_uri(const char *path, char *uri, size_t size)
{
    int n = snprintf(uri, size, "file:");
    size_t at = (size_t)n;
    for (; *path != '\0' && at + 4 < size; path++) {
        int is_special = *path == '%' || *path == '?' || *path == '#';
        at += (size_t)snprintf(uri + at, size - at, is_special ? "%%%02x" : "%c",
                               (unsigned char)*path);
    }
    int rest = snprintf(uri + at, size - at, "?immutable=1");
    return *path == '\0' && rest > 0 && (size_t)rest < size - at;
}

static int open_flags(enum sql_mode mode)
{
    switch (mode) {
    case SQL_WRITE:
        return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case SQL_READ:
        return SQLITE_OPEN_READWRITE;
    case SQL_READ_ONLY:
        return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    }
    return 0;
}

static enum rc set_up(struct sqlite3 *db, enum sql_mode mode, const char *setup, struct err *err)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_wal_autocheckpoint(db, 0);
    enum rc rc = RC_OK;
    if (mode != SQL_READ_ONLY)
        rc = sql_exec(db, "pragma locking_mode=exclusive; pragma synchronous=full", err);
    if (rc == RC_OK && mode == SQL_READ)
        rc = sql_exec(db, "pragma query_only=on", err);
    if (rc == RC_OK && setup != NULL)
        rc = sql_exec(db, setup, err);
    return rc;
}

enum rc sql_open(const char *path, const char *vfs, enum sql_mode mode, const char *setup,
                 struct sqlite3 **ret_db, struct err *err)
{
    char uri[3 * LIMIT_SPOOL_PATH_BYTES + 32];
    const char *name = path;
    if (mode == SQL_READ_ONLY) {
        if (!immutable_uri(path, uri, sizeof(uri)))
            return err_set(err, RC_REJECT, "path too long");
        name = uri;
    }
    sqlite3 *db = NULL;
    enum rc rc;
    int code = sqlite3_open_v2(name, &db, open_flags(mode) | SQLITE_OPEN_NOMUTEX, vfs);
    if (code == SQLITE_OK)
        rc = set_up(db, mode, setup, err);
    else
        rc = sql_fail(db, code, "open", err);
    if (rc != RC_OK) {
        sql_close(db);
        return rc;
    }
    *ret_db = db;
    return RC_OK;
}

void sql_close(struct sqlite3 *db)
{
    sqlite3_close_v2(db);
}

enum rc sql_exec(struct sqlite3 *db, const char *sql, struct err *err)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? RC_OK : sql_fail(db, code, "set up", err);
}

enum rc sql_prepare(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **ret_stmt,
                    struct err *err)
{
    int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_stmt, NULL);
    return code == SQLITE_OK ? RC_OK : sql_fail(db, code, "prepare", err);
}

enum rc sql_run(struct sqlite3 *db, struct sqlite3_stmt *stmt, const char *what, struct err *err)
{
    int code = sqlite3_step(stmt);
    if (code == SQLITE_DONE) {
        sqlite3_reset(stmt);
        return RC_OK;
    }
    enum rc rc = code == SQLITE_ROW ? err_set(err, RC_FATAL, "could not %s: unexpected row", what)
                                    : sql_fail(db, code, what, err);
    sqlite3_reset(stmt);
    return rc;
}

int sql_rollback(struct sqlite3 *db)
{
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "rollback", NULL, NULL, NULL);
    return sqlite3_get_autocommit(db);
}
