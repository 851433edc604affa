/* Finding out, from a folder, what is promised. Invariant: what this process takes for durable it
   has synced itself first, because after a kill -9 a log may hold values that no fsync has covered
   yet; were they delivered and then lost with the power, their sequences would be given out twice.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/spool/disk.h"
#include "services/common/spool/spool_internal.h"

static const char mark_name[] = "mark";

/* What may lie in a folder that is to become a spool: what mounting and the kept map make. */
static int is_harmless(const char *name)
{
    return name[0] == '.' || strstr(name, ".db") != NULL || strcmp(name, "lost+found") == 0 ||
           strncmp(name, segment_litter, strlen(segment_litter)) == 0;
}

enum rc spool_check_folder(const char *dir, struct err *err)
{
    DIR *stream = opendir(dir);
    if (stream == NULL)
        return err_set(err, RC_RETRY, "could not open folder %s: %m", dir);
    int is_spool = 0, is_foreign = 0;
    struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        const char *name = entry->d_name;
        is_spool |= strcmp(name, mark_name) == 0 || segment_first_of_name(name) != 0;
        is_foreign |= !is_harmless(name);
    }
    closedir(stream);
    if (is_foreign && !is_spool)
        return err_set(err, RC_REJECT, "%s is no spool: it holds other files", dir);
    return RC_OK;
}

/* A log whose file is gone: a removal was cut short. */
static enum rc clear_orphan(struct spool *spool, const char *name, uint64_t first, struct err *err)
{
    char path[LIMIT_SPOOL_PATH_BYTES];
    segment_path(path, spool->dir, first, "");
    if (strlen(name) == strlen("00000000000000000000.seg") || disk_is_there(path))
        return RC_OK;
    int n = snprintf(path, sizeof(path), "%s/%s", spool->dir, name);
    CHECK(n > 0 && (size_t)n < sizeof(path));
    return disk_unlink(path, err);
}

static enum rc scan_entry(struct spool *spool, const char *name, struct err *err)
{
    uint64_t first = segment_first_of_name(name);
    if (first == 0)
        return RC_OK;
    if (name[strlen("00000000000000000000.seg")] == '\0')
        return spool_add_segment(spool, first, err);
    return strcmp(strrchr(name, '.'), ".seg-wal") == 0 ? clear_orphan(spool, name, first, err)
                                                       : RC_OK;
}

static int by_first(const void *a, const void *b)
{
    uint64_t x = ((const struct spool_segment *)a)->first;
    uint64_t y = ((const struct spool_segment *)b)->first;
    return x < y ? -1 : x > y;
}

static void measure(struct spool *spool)
{
    char path[LIMIT_SPOOL_PATH_BYTES];
    for (size_t i = 0; i < spool->segment_count; i++) {
        struct spool_segment *segment = &spool->segments[i];
        segment_path(path, spool->dir, segment->first, "");
        segment->bytes = disk_size_bytes(path);
        segment_path(path, spool->dir, segment->first, "-wal");
        segment->bytes += disk_size_bytes(path);
        if (i + 1 < spool->segment_count)
            segment->last = spool->segments[i + 1].first - 1;
    }
}

enum rc spool_scan(struct spool *spool, struct err *err)
{
    DIR *stream = opendir(spool->dir);
    if (stream == NULL)
        return err_set(err, RC_RETRY, "could not open folder %s: %m", spool->dir);
    enum rc rc = RC_OK;
    struct dirent *entry;
    while (rc == RC_OK && (errno = 0, entry = readdir(stream)) != NULL)
        rc = scan_entry(spool, entry->d_name, err);
    if (rc == RC_OK && errno != 0)
        rc = err_set(err, RC_RETRY, "could not list folder %s: %m", spool->dir);
    closedir(stream);
    if (rc != RC_OK)
        return rc;
    if (spool->segment_count > 1)
        qsort(spool->segments, spool->segment_count, sizeof(spool->segments[0]), by_first);
    measure(spool);
    return RC_OK;
}

/* The newest segment may hold what only the kernel knows yet. */
static enum rc sync_newest(struct spool *spool)
{
    char path[LIMIT_SPOOL_PATH_BYTES];
    const struct spool_segment *last = spool_last_segment(spool);
    segment_path(path, spool->dir, last->first, "");
    enum rc rc = disk_sync_path(path, NULL);
    segment_path(path, spool->dir, last->first, "-wal");
    return rc == RC_OK && disk_is_there(path) ? disk_sync_path(path, NULL) : rc;
}

/* How many values a file of this size can hold at the very most. */
static uint64_t guess_last(const struct spool_segment *segment)
{
    return segment->first + (uint64_t)segment->bytes / LIMIT_SPOOL_ROW_BYTES_MIN;
}

/* RC_OK with *ret_found 0 also when the segment cannot be read: its end is then a guess. RC_RETRY
   when memory or descriptors are out. */
static enum rc inspect(struct spool *spool, struct spool_segment *segment, uint64_t until,
                       struct segment_row *ret_row, int *ret_found, struct err *err)
{
    struct segment *door;
    struct segment_row row = {.is_bad = 1};
    int found = 0;
    enum rc rc = spool_door(spool, segment, &door, err);
    if (rc == RC_OK)
        rc = segment_tail(door, until, &row, &found, err);
    if (rc == RC_RETRY)
        return rc;
    segment->is_guessed = rc != RC_OK || (found && row.sequence > guess_last(segment));
    *ret_found = found && !row.is_bad && !segment->is_guessed;
    *ret_row = row;
    return RC_OK;
}

/* The end of the newest segment. */
static enum rc recover_end(struct spool *spool, struct spool_segment *last, uint64_t until,
                           struct segment_row *ret_row, int *ret_found, struct err *err)
{
    enum rc rc = inspect(spool, last, until, ret_row, ret_found, err);
    if (rc != RC_OK)
        return rc;
    if (last->is_guessed)
        last->last = guess_last(last) < until ? guess_last(last) : until;
    else if (ret_row->sequence >= last->first)
        last->last = ret_row->sequence;
    return RC_OK;
}

/* The end of the spool, and what its newest sound row remembers of time and delivery. The newest
   segment may hold none: its first append may have failed or never come. */
static enum rc recover_newest(struct spool *spool, struct err *err)
{
    struct spool_segment *last = spool_last_segment(spool);
    uint64_t until = INT64_MAX;
    struct segment_row row;
    int found;
    last->is_failed = sync_newest(spool) != RC_OK;
    if (spool->cut_first == last->first) {
        last->is_failed = 1;
        until = spool->cut_last;
    }
    enum rc rc = recover_end(spool, last, until, &row, &found, err);
    for (size_t i = spool->segment_count - 1; rc == RC_OK && !found && i-- > 0;) {
        rc = inspect(spool, &spool->segments[i], spool->segments[i].last, &row, &found, err);
        spool->segments[i].is_guessed = 0; /* its end is the next one's beginning */
    }
    if (rc != RC_OK || !found)
        return rc;
    if (row.delivered > spool->delivered)
        spool->delivered = row.delivered;
    if (row.accepted_at_us > spool->last_at_us)
        spool->last_at_us = row.accepted_at_us;
    return RC_OK;
}

/* Without a mark: the epoch is in every segment. *ret_epoch 0: no segment can say. */
static enum rc find_epoch(struct spool *spool, uint64_t *ret_epoch, struct err *err)
{
    uint64_t epoch = 0;
    for (size_t i = spool->segment_count; i-- > 0 && epoch == 0;) {
        struct segment *door;
        enum rc rc = spool_door(spool, &spool->segments[i], &door, err);
        if (rc == RC_OK)
            rc = segment_epoch(door, &epoch, err);
        if (rc == RC_RETRY)
            return rc;
    }
    spool_close_reader(spool);
    *ret_epoch = epoch;
    return RC_OK;
}

/* Nothing of the folder says who it is: its segments are put aside for people, under names the
   spool does not read, and a new epoch begins. */
static enum rc put_aside(struct spool *spool, struct err *err)
{
    while (spool->segment_count > 0) {
        char from[LIMIT_SPOOL_PATH_BYTES], to[LIMIT_SPOOL_PATH_BYTES + 8];
        segment_path(from, spool->dir, spool->segments[0].first, "");
        snprintf(to, sizeof(to), "%.*s.bad", (int)(strlen(from) - strlen(".seg")), from);
        enum rc rc = disk_rename(from, to, err);
        if (rc != RC_OK)
            return rc;
        spool_drop_segment(spool, 0);
        spool->corrupt_items++;
    }
    return RC_OK;
}

static enum rc begin_epoch(struct spool *spool, struct err *err)
{
    int64_t now_us = clock_now_us(spool->config.clock);
    enum rc rc = put_aside(spool, err);
    spool->place.epoch = now_us > 0 ? (uint64_t)now_us : 1;
    return rc;
}

static enum rc recover_identity(struct spool *spool, int is_mark_valid, struct err *err)
{
    const struct mark_state *stored = &spool->mark.stored;
    uint64_t epoch;
    if (is_mark_valid) {
        spool->place.epoch = stored->epoch;
        spool->delivered = stored->delivered;
        spool->sequence_last = stored->sequence_last;
        spool->last_at_us = stored->last_at_us;
        spool->cut_first = stored->cut_first;
        spool->cut_last = stored->cut_last;
        return RC_OK;
    }
    enum rc rc = find_epoch(spool, &epoch, err);
    if (rc != RC_OK)
        return rc;
    if (epoch == 0)
        return begin_epoch(spool, err);
    spool->place.epoch = epoch;
    return RC_OK;
}

enum rc spool_recover(struct spool *spool, int is_mark_valid, struct err *err)
{
    enum rc rc = recover_identity(spool, is_mark_valid, err);
    if (rc == RC_OK && spool->segment_count > 0)
        rc = recover_newest(spool, err);
    if (rc != RC_OK)
        return rc;
    if (spool->sequence_last < spool->delivered)
        spool->sequence_last = spool->delivered;
    if (spool->segment_count > 0) {
        struct spool_segment *last = spool_last_segment(spool);
        if (last->last > spool->sequence_last)
            spool->sequence_last = last->last;
        /* Values known to have been given out and not found are missed when they are read. */
        last->last = spool->sequence_last;
    }
    spool_close_reader(spool);
    /* Epoch and newest sequence are durable before they are used, and so is the mark's name.
       Written anew, because what was read may be in the page cache only, after an fsync that
       failed. */
    rc = spool_store_mark(spool, err);
    return rc == RC_OK ? disk_sync_path(spool->dir, err) : rc;
}

static enum rc prepare(struct spool *spool, struct err *err)
{
    char mark[LIMIT_SPOOL_PATH_BYTES];
    int is_mark_valid = 0;
    snprintf(mark, sizeof(mark), "%s/%s", spool->dir, mark_name);
    enum rc rc = disk_make_dir(spool->dir, err);
    if (rc == RC_OK)
        rc = spool_check_folder(spool->dir, err);
    if (rc == RC_OK)
        rc = mark_open(mark, &spool->mark, &is_mark_valid, err);
    if (rc == RC_OK)
        rc = spool_scan(spool, err);
    if (rc == RC_OK)
        rc = spool_recover(spool, is_mark_valid, err);
    return rc;
}

/* The log is a part of a segment's size: at most a quarter of it. */
static int log_pages_max(int64_t segment_bytes_max)
{
    int64_t pages = segment_bytes_max / 4 / LIMIT_SPOOL_PAGE_BYTES;
    return pages < LIMIT_SPOOL_LOG_PAGES ? (int)pages : LIMIT_SPOOL_LOG_PAGES;
}

enum rc spool_open(const struct spool_config *config, struct spool **ret_spool, struct err *err)
{
    /* Room for "/", a segment's name and SQLite's "-journal". */
    if (strlen(config->dir) + 48 > LIMIT_SPOOL_PATH_BYTES)
        return err_set(err, RC_REJECT, "the spool's path is too long");
    struct spool *spool = mem_zalloc(sizeof(*spool));
    if (spool == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    snprintf(spool->dir, sizeof(spool->dir), "%s", config->dir);
    spool->config = *config;
    spool->config.dir = spool->dir;
    spool->place = (struct segment_place){
        .dir = spool->dir,
        .vfs = config->vfs,
        .log_pages_max = log_pages_max(config->segment_bytes_max),
    };
    spool->mark.fd = -1;
    spool->read_bytes = mem_alloc(LIMIT_SPOOL_READ_BYTES);
    enum rc rc =
        spool->read_bytes != NULL ? prepare(spool, err) : err_set(err, RC_RETRY, "out of memory");
    if (rc != RC_OK) {
        spool->place.epoch = 0; /* half open: nothing to remember */
        spool_close(spool);
        return rc == RC_REJECT ? RC_REJECT : RC_RETRY;
    }
    spool->is_clock_suspect = clock_now_us(config->clock) < spool->last_at_us;
    spool_refresh_oldest(spool);
    *ret_spool = spool;
    return RC_OK;
}
