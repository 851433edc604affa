/* Making a segment. It is built under another name and renamed when it is whole and synced, so a
   file called *.seg that cannot be read is damage, never an unfinished start. Invariant: no log of
   an older file of the same name is there when the name appears, for SQLite would play it into the
   new file. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "services/common/base/check.h"
#include "services/common/spool/disk.h"
#include "services/common/spool/segment.h"
#include "services/common/spool/sql.h"

const char segment_litter[] = "new.seg";

void segment_path(char path[LIMIT_SPOOL_PATH_BYTES], const char *dir, uint64_t first,
                  const char *suffix)
{
    int n = snprintf(path, LIMIT_SPOOL_PATH_BYTES, "%s/%020" PRIu64 ".seg%s", dir, first, suffix);
    CHECK(n > 0 && n < LIMIT_SPOOL_PATH_BYTES);
}

uint64_t segment_first_of_name(const char *name)
{
    uint64_t first = 0;
    size_t digits = strspn(name, "0123456789");
    if (digits != 20 || name[0] != '0' || strncmp(name + digits, ".seg", 4) != 0)
        return 0;
    for (size_t i = 0; i < digits; i++)
        first = first * 10 + (uint64_t)(name[i] - '0');
    return first;
}

/* journal_mode becomes wal last, when nothing is left to log: the file is whole without a log. */
static enum rc fill(sqlite3 *db, const struct segment_place *place, struct err *err)
{
    uint64_t about[2] = {1, place->epoch};
    char sql[1024];
    int n = snprintf(sql, sizeof(sql),
                     "pragma page_size=%d; pragma journal_mode=memory; pragma synchronous=off;"
                     "begin;"
                     "create table about(format integer not null, epoch integer not null,"
                     " checksum integer not null);"
                     "create table item(sequence integer primary key, accepted_at integer not null,"
                     " delivered integer not null, checksum integer not null, value blob not null);"
                     "insert into about values(1, %" PRId64 ", %" PRId64 ");"
                     "commit;"
                     "pragma journal_mode=wal",
                     LIMIT_SPOOL_PAGE_BYTES, (int64_t)place->epoch,
                     (int64_t)XXH3_64bits(about, sizeof(about)));
    CHECK(n > 0 && (size_t)n < sizeof(sql));
    return sql_exec(db, sql, err);
}

static enum rc build(const struct segment_place *place, const char *path, struct err *err)
{
    sqlite3 *db;
    enum rc rc = sql_open(path, place->vfs, SQL_WRITE, NULL, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = fill(db, place, err);
    sql_close(db);
    return rc == RC_OK ? disk_sync_path(path, err) : rc;
}

static enum rc clear_litter_log(const char *path, struct err *err)
{
    char log[LIMIT_SPOOL_PATH_BYTES + 8];
    snprintf(log, sizeof(log), "%s-wal", path);
    return disk_unlink(log, err);
}

static enum rc clear_litter(const char *path, struct err *err)
{
    enum rc rc = clear_litter_log(path, err);
    return rc == RC_OK ? disk_unlink(path, err) : rc;
}

/* The file that had the name before held nothing valid, but its log may hold what must not come
 * back. */
static enum rc remove_old_log(const struct segment_place *place, uint64_t first, struct err *err)
{
    char log[LIMIT_SPOOL_PATH_BYTES];
    segment_path(log, place->dir, first, "-wal");
    if (!disk_is_there(log))
        return RC_OK;
    enum rc rc = disk_unlink(log, err);
    return rc == RC_OK ? disk_sync_path(place->dir, err) : rc;
}

enum rc segment_make(const struct segment_place *place, uint64_t first, struct err *err)
{
    char litter[LIMIT_SPOOL_PATH_BYTES], path[LIMIT_SPOOL_PATH_BYTES];
    int n = snprintf(litter, sizeof(litter), "%s/%s", place->dir, segment_litter);
    CHECK(n > 0 && n < LIMIT_SPOOL_PATH_BYTES);
    segment_path(path, place->dir, first, "");
    enum rc rc = clear_litter(litter, err);
    if (rc == RC_OK)
        rc = build(place, litter, err);
    if (rc == RC_OK)
        rc = clear_litter_log(litter, err);
    if (rc == RC_OK)
        rc = remove_old_log(place, first, err);
    if (rc == RC_OK)
        rc = disk_rename(litter, path, err);
    if (rc == RC_OK)
        return disk_sync_path(place->dir, err);
    /* What was built gives its room back now, or when the next making clears the way. */
    enum rc cleared = clear_litter(litter, NULL);
    (void)cleared;
    return rc;
}
