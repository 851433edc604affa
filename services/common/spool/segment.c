/* Rows of one segment: appended in one durable transaction, read back with their checksums checked.
   Invariant: outside segment_append and between segment_rest and segment_seek no statement is open,
   so a checkpoint always sees the whole log and the log starts again from its beginning. */
#include "services/common/spool/segment.h"

#include <sqlite3.h>
#include <xxhash.h>

#include "services/common/base/mem.h"
#include "services/common/spool/disk.h"
#include "services/common/spool/sql.h"

struct segment {
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *commit, *read;
    uint64_t epoch;
    int log_pages_max;
    int log_frames; /* in the log after the last commit */
    char path[LIMIT_SPOOL_PATH_BYTES];
    char log[LIMIT_SPOOL_PATH_BYTES];
};

static int on_commit(void *ctx, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct segment *)ctx)->log_frames = frames;
    return SQLITE_OK;
}

/* Binds a value to its place: a row copied elsewhere, or from another spool, does not match. */
static int64_t row_checksum(uint64_t epoch, const struct segment_row *row)
{
    uint64_t head[4] = {epoch, row->sequence, (uint64_t)row->accepted_at_us, row->delivered};
    XXH64_hash_t seed = XXH3_64bits(head, sizeof(head));
    return (int64_t)XXH3_64bits_withSeed(row->value.data, row->value.size, seed);
}

static struct segment *segment_new(const struct segment_place *place, uint64_t first)
{
    struct segment *segment = mem_zalloc(sizeof(*segment));
    if (segment == NULL)
        return NULL;
    segment->epoch = place->epoch;
    segment->log_pages_max = place->log_pages_max;
    segment_path(segment->path, place->dir, first, "");
    segment_path(segment->log, place->dir, first, "-wal");
    return segment;
}

static enum rc prepare_read(struct segment *segment, struct err *err)
{
    return sql_prepare(segment->db,
                       "select sequence, accepted_at, delivered, checksum, value from item"
                       " where sequence > ?1 and sequence <= ?2 order by sequence",
                       &segment->read, err);
}

enum rc segment_open_write(const struct segment_place *place, uint64_t first,
                           struct segment **ret_segment, struct err *err)
{
    struct segment *segment = segment_new(place, first);
    if (segment == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = sql_open(segment->path, place->vfs, SQL_WRITE, "pragma cache_size=-1024",
                          &segment->db, err);
    if (rc == RC_OK)
        rc = prepare_read(segment, err);
    if (rc == RC_OK)
        rc = sql_prepare(segment->db, "begin immediate", &segment->begin, err);
    if (rc == RC_OK)
        rc = sql_prepare(segment->db, "commit", &segment->commit, err);
    if (rc == RC_OK)
        rc = sql_prepare(segment->db, "insert into item values(?1, ?2, ?3, ?4, ?5)",
                         &segment->insert, err);
    if (rc != RC_OK) {
        segment_close(segment);
        return rc;
    }
    sqlite3_wal_hook(segment->db, on_commit, segment);
    *ret_segment = segment;
    return RC_OK;
}

enum rc segment_open_read(const struct segment_place *place, uint64_t first,
                          struct segment **ret_segment, struct err *err)
{
    struct segment *segment = segment_new(place, first);
    if (segment == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    if (!disk_is_there(segment->path)) {
        segment_close(segment);
        return err_set(err, RC_CORRUPT, "a segment is missing");
    }
    /* Sealed segments have no log; the others keep theirs for good. */
    enum sql_mode mode = disk_is_there(segment->log) ? SQL_READ : SQL_READ_ONLY;
    enum rc rc =
        sql_open(segment->path, place->vfs, mode, "pragma cache_size=-256", &segment->db, err);
    if (rc == RC_OK)
        rc = prepare_read(segment, err);
    if (rc != RC_OK) {
        segment_close(segment);
        return rc;
    }
    *ret_segment = segment;
    return RC_OK;
}

void segment_close(struct segment *segment)
{
    if (segment == NULL)
        return;
    sqlite3_finalize(segment->begin);
    sqlite3_finalize(segment->insert);
    sqlite3_finalize(segment->commit);
    sqlite3_finalize(segment->read);
    sql_close(segment->db);
    mem_free(segment);
}

static enum rc checkpoint(struct segment *segment, struct err *err)
{
    int frames = 0, moved = 0;
    int code =
        sqlite3_wal_checkpoint_v2(segment->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
    if (code != SQLITE_OK)
        return sql_fail(segment->db, code, "checkpoint", err);
    if (moved != frames)
        return err_set(err, RC_RETRY, "could not checkpoint: the log is in use");
    return RC_OK;
}

enum rc segment_seal(struct segment *take, struct err *err)
{
    enum rc rc = checkpoint(take, err);
    char log[LIMIT_SPOOL_PATH_BYTES];
    memcpy(log, take->log, sizeof(log));
    segment_close(take);
    /* Should the log come back after a power cut, it says again what the file says. */
    return rc == RC_OK ? disk_unlink(log, err) : rc;
}

enum rc segment_checkpoint_if_due(struct segment *segment, struct err *err)
{
    if (segment->log_frames < segment->log_pages_max)
        return RC_OK;
    return checkpoint(segment, err);
}

static enum rc insert(struct segment *segment, const struct segment_row *row, struct err *err)
{
    sqlite3_stmt *stmt = segment->insert;
    const void *data = row->value.data != NULL ? (const void *)row->value.data : "";
    sqlite3_bind_int64(stmt, 1, (int64_t)row->sequence);
    sqlite3_bind_int64(stmt, 2, row->accepted_at_us);
    sqlite3_bind_int64(stmt, 3, (int64_t)row->delivered);
    sqlite3_bind_int64(stmt, 4, row_checksum(segment->epoch, row));
    sqlite3_bind_blob(stmt, 5, data, (int)row->value.size, SQLITE_STATIC);
    return sql_run(segment->db, stmt, "append", err);
}

enum rc segment_append(struct segment *segment, const struct segment_batch *batch, struct err *err)
{
    struct segment_row row = {
        .sequence = batch->first,
        .accepted_at_us = batch->accepted_at_us,
        .delivered = batch->delivered,
    };
    enum rc rc = sql_run(segment->db, segment->begin, "begin", err);
    for (size_t i = 0; rc == RC_OK && i < batch->count; i++) {
        row.value = batch->values[i];
        rc = insert(segment, &row, err);
        row.sequence++;
    }
    if (rc == RC_OK)
        rc = sql_run(segment->db, segment->commit, "commit", err);
    if (rc != RC_OK && !sql_rollback(segment->db) && rc == RC_FULL)
        rc = RC_RETRY;
    return rc;
}

int64_t segment_size_bytes(const struct segment *segment)
{
    return disk_size_bytes(segment->path) + disk_size_bytes(segment->log);
}

void segment_seek(struct segment *segment, uint64_t after, uint64_t until)
{
    sqlite3_reset(segment->read);
    sqlite3_bind_int64(segment->read, 1, (int64_t)after);
    sqlite3_bind_int64(segment->read, 2, (int64_t)until);
}

static void take_row(const struct segment *segment, sqlite3_stmt *stmt, struct segment_row *row)
{
    row->sequence = (uint64_t)sqlite3_column_int64(stmt, 0);
    row->accepted_at_us = sqlite3_column_int64(stmt, 1);
    row->delivered = (uint64_t)sqlite3_column_int64(stmt, 2);
    const void *data = sqlite3_column_blob(stmt, 4);
    row->value = slice_of(data, (size_t)sqlite3_column_bytes(stmt, 4));
    row->is_bad = (row->value.size > 0 && data == NULL) ||
                  sqlite3_column_int64(stmt, 3) != row_checksum(segment->epoch, row);
}

enum rc segment_step(struct segment *segment, struct segment_row *ret_row, int *ret_found,
                     struct err *err)
{
    int code = sqlite3_step(segment->read);
    if (code == SQLITE_ROW)
        take_row(segment, segment->read, ret_row);
    else if (code != SQLITE_DONE)
        return sql_fail(segment->db, code, "read", err);
    *ret_found = code == SQLITE_ROW;
    return RC_OK;
}

void segment_rest(struct segment *segment)
{
    sqlite3_reset(segment->read);
}

enum rc segment_tail(struct segment *segment, uint64_t until, struct segment_row *ret_row,
                     int *ret_found, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum rc rc = sql_prepare(segment->db,
                             "select sequence, accepted_at, delivered, checksum, value from item"
                             " where sequence <= ?1 order by sequence desc",
                             &stmt, err);
    if (rc != RC_OK)
        return rc;
    struct segment_row row = {.is_bad = 1};
    uint64_t newest = 0;
    int code = SQLITE_DONE;
    sqlite3_bind_int64(stmt, 1, (int64_t)until);
    while (row.is_bad && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        take_row(segment, stmt, &row);
        newest = newest != 0 ? newest : row.sequence;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        rc = sql_fail(segment->db, code, "read", err);
    sqlite3_finalize(stmt);
    if (rc != RC_OK)
        return rc;
    row.sequence = newest;
    row.value = slice_of(NULL, 0);
    *ret_row = row;
    *ret_found = newest != 0;
    return RC_OK;
}

enum rc segment_epoch(struct segment *segment, uint64_t *ret_epoch, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum rc rc = sql_prepare(segment->db, "select format, epoch, checksum from about", &stmt, err);
    if (rc != RC_OK)
        return rc;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        uint64_t about[2] = {(uint64_t)sqlite3_column_int64(stmt, 0),
                             (uint64_t)sqlite3_column_int64(stmt, 1)};
        if (sqlite3_column_int64(stmt, 2) == (int64_t)XXH3_64bits(about, sizeof(about)))
            *ret_epoch = about[1];
        else
            rc = err_set(err, RC_CORRUPT, "could not read: its first row does not verify");
    } else {
        rc = sql_fail(segment->db, code == SQLITE_DONE ? SQLITE_CORRUPT : code, "read", err);
    }
    sqlite3_finalize(stmt);
    return rc;
}
