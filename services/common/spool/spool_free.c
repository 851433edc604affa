/* Giving room back. Invariant: a segment is removed only when the durable mark says that all of it
   is delivered; its log goes first, its file second, the folder is synced last, so whatever a power
   cut leaves is either whole, or delivered, or litter that opening clears. */
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/spool/disk.h"
#include "services/common/spool/spool_internal.h"

int64_t spool_bytes(const struct spool *spool)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < spool->segment_count; i++)
        bytes += spool->segments[i].bytes;
    return bytes;
}

void spool_drop_segment(struct spool *spool, size_t index)
{
    CHECK(index < spool->segment_count);
    if (spool->reader_first == spool->segments[index].first)
        spool_close_reader(spool);
    spool->segment_count--;
    memmove(&spool->segments[index], &spool->segments[index + 1],
            (spool->segment_count - index) * sizeof(spool->segments[0]));
}

static enum rc remove_files(struct spool *spool, uint64_t first, struct err *err)
{
    char path[LIMIT_SPOOL_PATH_BYTES];
    segment_path(path, spool->dir, first, "-wal");
    enum rc rc = disk_unlink(path, err);
    segment_path(path, spool->dir, first, "");
    return rc == RC_OK ? disk_unlink(path, err) : rc;
}

/* Removes segments[0]; the caller syncs the folder. */
static enum rc remove_first(struct spool *spool, struct err *err)
{
    const struct spool_segment *first = &spool->segments[0];
    CHECK(first->last <= spool->delivered);
    if (spool->mark.stored.delivered < first->last) {
        enum rc rc = spool_store_mark(spool, err);
        if (rc != RC_OK)
            return rc;
    }
    if (spool->reader_first == first->first)
        spool_close_reader(spool);
    enum rc rc = remove_files(spool, first->first, err);
    if (rc == RC_OK)
        spool_drop_segment(spool, 0);
    return rc;
}

static int is_freeable(const struct spool *spool)
{
    if (spool->segment_count == 0)
        return 0;
    const struct spool_segment *first = &spool->segments[0];
    return first->last <= spool->delivered && first->last >= first->first;
}

int spool_free_oldest(struct spool *spool)
{
    if (!is_freeable(spool))
        return 0;
    if (spool->segment_count == 1 && spool->writer != NULL) {
        /* No seal: the log would need room to move into a file that goes away. */
        segment_close(spool->writer);
        spool->writer = NULL;
    }
    return remove_first(spool, NULL) == RC_OK && disk_sync_path(spool->dir, NULL) == RC_OK;
}

/* Delivered segments that are not being written. */
static size_t count_kept(const struct spool *spool, int64_t *ret_bytes)
{
    size_t count = 0, sealed = spool->segment_count - (spool->writer != NULL);
    int64_t bytes = 0;
    while (count < sealed && spool->segments[count].last <= spool->delivered)
        bytes += spool->segments[count++].bytes;
    *ret_bytes = bytes;
    return count;
}

/* After a restart the age of a segment is in its newest row. One that cannot say is as young as can
 * be. */
static int64_t last_at_us(struct spool *spool, struct spool_segment *of)
{
    struct segment *door;
    struct segment_row row;
    int found = 0;
    if (of->last_at_us != 0)
        return of->last_at_us;
    of->last_at_us = spool->last_at_us;
    if (spool_door(spool, of, &door, NULL) == RC_OK &&
        segment_tail(door, of->last, &row, &found, NULL) == RC_OK && found && !row.is_bad)
        of->last_at_us = row.accepted_at_us;
    return of->last_at_us;
}

enum rc spool_free_old(struct spool *spool, struct err *err)
{
    int64_t bytes;
    size_t kept = count_kept(spool, &bytes);
    int64_t now_us = clock_now_us(spool->config.clock);
    int is_changed = 0;
    enum rc rc = RC_OK;
    if (now_us < spool->last_at_us)
        now_us = spool->last_at_us;
    while (rc == RC_OK && kept > 0) {
        struct spool_segment *first = &spool->segments[0];
        int64_t first_bytes = first->bytes;
        if (bytes <= spool->config.replay_bytes_max &&
            now_us - last_at_us(spool, first) < spool->config.replay_keep_us)
            break;
        rc = remove_first(spool, err);
        bytes -= first_bytes;
        kept--;
        is_changed = 1;
    }
    if (rc == RC_OK && is_changed)
        rc = disk_sync_path(spool->dir, err);
    return rc;
}
