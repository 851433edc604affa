/* A map that must not forget: one SQLite file, every put a durable commit. Invariant: after a
   failure the connection is given up and the next call opens the file anew, so what SQLite believes
   is always what it read from the disk.

   A rollback journal, not a write-ahead log: after an fsync that failed, a log reopened shows
   frames that are in the page cache only, and what is appended behind them is durable behind a
   hole. A journal is written anew by every transaction. It is kept between them (persist), because
   its removal would have to be synced too and SQLite ignores what the folder's fsync answers. */
#include "services/common/spool/kept.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/spool/disk.h"
#include "services/common/spool/sql.h"

struct kept {
    char path[LIMIT_SPOOL_PATH_BYTES];
    const char *vfs;
    sqlite3 *db; /* NULL after a failure */
    sqlite3_stmt *get, *put, *expire;
    int is_open_transaction;
};

static void disconnect(struct kept *kept)
{
    sqlite3_finalize(kept->get);
    sqlite3_finalize(kept->put);
    sqlite3_finalize(kept->expire);
    sql_close(kept->db);
    kept->get = kept->put = kept->expire = NULL;
    kept->db = NULL;
    kept->is_open_transaction = 0;
}

static enum rc prepare(struct kept *kept, struct err *err)
{
    enum rc rc =
        sql_prepare(kept->db, "select value, checksum from kept where key = ?1", &kept->get, err);
    if (rc == RC_OK)
        rc = sql_prepare(kept->db,
                         "insert into kept values(?1, ?2, ?3, ?4) on conflict(key) do update set"
                         " at = excluded.at, checksum = excluded.checksum, value = excluded.value",
                         &kept->put, err);
    if (rc == RC_OK)
        rc = sql_prepare(kept->db,
                         "delete from kept where key >= ?1 and substr(key, 1, length(?1)) = ?1"
                         " and at < ?2",
                         &kept->expire, err);
    return rc;
}

/* Whole before it has its name, and no journal of an older file waits for it there. */
static enum rc build(struct kept *kept, const char *journal, struct err *err)
{
    char made[LIMIT_SPOOL_PATH_BYTES];
    sqlite3 *db;
    snprintf(made, sizeof(made), "%s.new", kept->path);
    enum rc rc = disk_unlink(made, err);
    if (rc == RC_OK)
        rc = disk_unlink(journal, err);
    if (rc == RC_OK)
        rc = disk_sync_parent(kept->path, err);
    if (rc != RC_OK)
        return rc;
    rc = sql_open(made, kept->vfs, SQL_WRITE,
                  "pragma journal_mode=memory; pragma synchronous=off;"
                  "create table kept(key text primary key, at integer not null,"
                  " checksum integer not null, value blob not null) without rowid;"
                  "create table opened(times integer not null);"
                  "insert into opened values(0)",
                  &db, err);
    if (rc != RC_OK)
        return rc;
    sql_close(db);
    rc = disk_sync_path(made, err);
    return rc == RC_OK ? disk_rename(made, kept->path, err) : rc;
}

static enum rc make_files(struct kept *kept, struct err *err)
{
    char journal[LIMIT_SPOOL_PATH_BYTES];
    int fd = -1;
    enum rc rc = RC_OK;
    snprintf(journal, sizeof(journal), "%s-journal", kept->path);
    if (!disk_is_there(kept->path))
        rc = build(kept, journal, err);
    if (rc == RC_OK)
        rc = disk_create(journal, &fd, err);
    if (fd >= 0)
        close(fd);
    return rc == RC_OK ? disk_sync_parent(kept->path, err) : rc;
}

static enum rc connect(struct kept *kept, struct err *err)
{
    enum rc rc = make_files(kept, err);
    if (rc == RC_OK)
        /* What is read may rest on a journal whose invalidation was never synced: a transaction
           that changes something for certain writes it anew. */
        rc = sql_open(kept->path, kept->vfs, SQL_WRITE,
                      "pragma journal_mode=persist; pragma cache_size=-256;"
                      "update opened set times = times + 1",
                      &kept->db, err);
    if (rc == RC_OK)
        rc = prepare(kept, err);
    if (rc != RC_OK)
        disconnect(kept);
    return rc;
}

static enum rc ready(struct kept *kept, struct err *err)
{
    return kept->db != NULL ? RC_OK : connect(kept, err);
}

/* Ends a call: a failure that is not the input's ends the connection too. */
static enum rc finish(struct kept *kept, enum rc rc)
{
    if (rc == RC_OK || rc == RC_REJECT)
        return rc;
    if (kept->db != NULL && rc == RC_FULL && !kept->is_open_transaction && sql_rollback(kept->db))
        return rc;
    disconnect(kept);
    return rc == RC_FATAL ? RC_RETRY : rc;
}

enum rc kept_open(const char *path, const char *vfs, struct kept **ret_kept, struct err *err)
{
    struct kept *kept = mem_zalloc(sizeof(*kept));
    if (kept == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    int n = snprintf(kept->path, sizeof(kept->path), "%s", path);
    kept->vfs = vfs;
    enum rc rc = n < 0 || (size_t)n + 16 >= sizeof(kept->path)
                     ? err_set(err, RC_REJECT, "path too long")
                     : finish(kept, connect(kept, err));
    if (rc != RC_OK) {
        if (err != NULL)
            err_prefix(err, "%.100s", path);
        kept_close(kept);
        return rc;
    }
    *ret_kept = kept;
    return RC_OK;
}

void kept_close(struct kept *kept)
{
    if (kept == NULL)
        return;
    kept_rollback(kept);
    disconnect(kept);
    mem_free(kept);
}

static int64_t checksum_of(const char *key, struct slice value)
{
    return (int64_t)XXH3_64bits_withSeed(value.data, value.size, XXH3_64bits(key, strlen(key)));
}

static enum rc get(struct kept *kept, const char *key, struct buf *out, int *ret_found,
                   struct err *err)
{
    sqlite3_bind_text(kept->get, 1, key, -1, SQLITE_STATIC);
    int code = sqlite3_step(kept->get);
    if (code == SQLITE_DONE) {
        *ret_found = 0;
        return RC_OK;
    }
    if (code != SQLITE_ROW)
        return sql_fail(kept->db, code, "read what is kept", err);
    const void *data = sqlite3_column_blob(kept->get, 0);
    struct slice value = slice_of(data, (size_t)sqlite3_column_bytes(kept->get, 0));
    if (sqlite3_column_int64(kept->get, 1) != checksum_of(key, value))
        return err_set(err, RC_CORRUPT, "could not read what is kept: its checksum does not match");
    buf_reset(out);
    buf_add(out, value.data, value.size);
    if (out->is_failed)
        return err_set(err, RC_REJECT, "what is kept is larger than %zu bytes", out->size_max);
    *ret_found = 1;
    return RC_OK;
}

enum rc kept_get(struct kept *kept, const char *key, struct buf *out, int *ret_found,
                 struct err *err)
{
    enum rc rc = ready(kept, err);
    if (rc == RC_OK) {
        rc = get(kept, key, out, ret_found, err);
        sqlite3_reset(kept->get);
    }
    return rc == RC_CORRUPT ? rc : finish(kept, rc);
}

enum rc kept_put(struct kept *kept, const char *key, struct slice value, int64_t at_us,
                 struct err *err)
{
    if (value.size > LIMIT_KEPT_BYTES)
        return err_set(err, RC_REJECT, "too much to keep: %zu bytes, at most %d", value.size,
                       LIMIT_KEPT_BYTES);
    enum rc rc = ready(kept, err);
    if (rc != RC_OK)
        return finish(kept, rc);
    const void *data = value.data != NULL ? (const void *)value.data : "";
    sqlite3_bind_text(kept->put, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(kept->put, 2, at_us);
    sqlite3_bind_int64(kept->put, 3, checksum_of(key, value));
    sqlite3_bind_blob(kept->put, 4, data, (int)value.size, SQLITE_STATIC);
    return finish(kept, sql_run(kept->db, kept->put, "keep", err));
}

enum rc kept_begin(struct kept *kept, struct err *err)
{
    enum rc rc = ready(kept, err);
    if (rc == RC_OK)
        rc = sql_exec(kept->db, "begin immediate", err);
    rc = finish(kept, rc);
    kept->is_open_transaction = rc == RC_OK;
    return rc;
}

enum rc kept_commit(struct kept *kept, struct err *err)
{
    /* A failed put inside the transaction has ended it: nothing of it is there. */
    if (!kept->is_open_transaction)
        return err_set(err, RC_RETRY, "could not keep: the transaction has failed before");
    kept->is_open_transaction = 0;
    return finish(kept, sql_exec(kept->db, "commit", err));
}

void kept_rollback(struct kept *kept)
{
    if (kept->is_open_transaction && !sql_rollback(kept->db))
        disconnect(kept);
    kept->is_open_transaction = 0;
}

enum rc kept_expire(struct kept *kept, const char *prefix, int64_t before_us, struct err *err)
{
    enum rc rc = ready(kept, err);
    if (rc != RC_OK)
        return finish(kept, rc);
    sqlite3_bind_text(kept->expire, 1, prefix, -1, SQLITE_STATIC);
    sqlite3_bind_int64(kept->expire, 2, before_us);
    return finish(kept, sql_run(kept->db, kept->expire, "forget", err));
}
