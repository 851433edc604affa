/* A first-in-first-out that survives what the disk survives: a folder of SQLite segments, a mark
   file.

   Why segments: after a failed fsync the kernel may report success for pages it dropped, so a file
   that failed once is never written again; and room is given back by unlink, never by deletes.

   Invariant: sequence_last counts exactly the values that are promised, in this process or, at
   opening, those that are found. A segment's values are those from its name up to the next one's
   name; what lies beyond is void. So a transaction in doubt (its commit failed, yet it may be on
   disk) is void as soon as anything newer exists: the next segment is named by the first sequence
   of the doubt and gives those sequences out again, without a gap. Until then the mark holds a cut,
   stored before the failure is answered, that says the same. A reader of this process is bounded by
   sequence_last anyway. Only if the mark cannot be stored either and the process dies before the
   next success can values of a transaction that was answered RC_RETRY be found as if they had been
   accepted.

   Order of steps. A new segment: built aside, synced, old log of its name removed and that synced,
   renamed, folder synced, cut cleared, then used. First commit in it: SQLite syncs the log but
   ignores the folder's fsync, so the folder is synced here before the answer. The delivered mark:
   in memory, with every row, in the mark file at each tick and before any unlink.

   A segment is written only by the process that made it: after a restart the old ones are only
   read, so there is no question what a half-known tail does to new values. */
#include "services/common/spool/spool.h"

#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/spool/disk.h"
#include "services/common/spool/spool_internal.h"

enum rc spool_store_mark(struct spool *spool, struct err *err)
{
    struct mark_state state = {
        .epoch = spool->place.epoch,
        .delivered = spool->delivered,
        .sequence_last = spool->sequence_last,
        .last_at_us = spool->last_at_us,
        .cut_first = spool->cut_first,
        .cut_last = spool->cut_last,
    };
    return mark_store(&spool->mark, &state, err);
}

struct spool_segment *spool_last_segment(struct spool *spool)
{
    CHECK(spool->segment_count > 0);
    return &spool->segments[spool->segment_count - 1];
}

enum rc spool_add_segment(struct spool *spool, uint64_t first, struct err *err)
{
    if (spool->segment_count == spool->segment_slots) {
        size_t slots = spool->segment_slots != 0 ? 2 * spool->segment_slots : 16;
        void *grown = mem_realloc(spool->segments, slots * sizeof(spool->segments[0]));
        if (grown == NULL)
            return err_set(err, RC_RETRY, "out of memory");
        spool->segments = grown;
        spool->segment_slots = slots;
    }
    spool->segments[spool->segment_count++] =
        (struct spool_segment){.first = first, .last = first - 1};
    return RC_OK;
}

void spool_seal_writer(struct spool *spool)
{
    if (spool->writer == NULL)
        return;
    struct spool_segment *last = spool_last_segment(spool);
    char path[LIMIT_SPOOL_PATH_BYTES];
    enum rc rc = segment_seal(spool->writer, NULL);
    spool->writer = NULL;
    last->is_failed |= rc != RC_OK && rc != RC_FULL;
    segment_path(path, spool->dir, last->first, "");
    last->bytes = disk_size_bytes(path);
    segment_path(path, spool->dir, last->first, "-wal");
    last->bytes += disk_size_bytes(path);
}

/* Nothing is written to this segment any more. What it holds beyond sequence_last is void. */
static void fail_writer(struct spool *spool)
{
    struct spool_segment *last = spool_last_segment(spool);
    last->is_failed = 1;
    segment_close(spool->writer);
    spool->writer = NULL;
    spool->cut_first = last->first;
    spool->cut_last = spool->sequence_last;
    /* A mark that cannot be stored stays to be stored: by the next tick, or by the next segment. */
    enum rc rc = spool_store_mark(spool, NULL);
    (void)rc;
}

static int is_roll_due(struct spool *spool)
{
    const struct spool_segment *last = spool_last_segment(spool);
    int64_t age_us = clock_mono_us(spool->config.clock) - spool->writer_since_mono_us;
    return last->last >= last->first && (last->bytes >= spool->config.segment_bytes_max ||
                                         age_us >= spool->config.segment_age_us_max);
}

/* The cut belongs to an older file; under the same name it would void the new one's values. */
static enum rc clear_cut(struct spool *spool, struct err *err)
{
    spool->cut_first = 0;
    spool->cut_last = 0;
    if (spool->mark.stored.cut_first == 0 && !spool->mark.is_doubtful)
        return RC_OK;
    return spool_store_mark(spool, err);
}

static enum rc make_writer(struct spool *spool, struct err *err)
{
    uint64_t first = spool->sequence_last + 1;
    if (spool->segment_count > 0 && spool_last_segment(spool)->first == first)
        spool_drop_segment(spool, spool->segment_count - 1);
    enum rc rc = segment_make(&spool->place, first, err);
    if (rc == RC_OK)
        rc = spool_add_segment(spool, first, err);
    if (rc == RC_OK)
        rc = clear_cut(spool, err);
    if (rc == RC_OK)
        rc = segment_open_write(&spool->place, first, &spool->writer, err);
    if (rc != RC_OK)
        return rc == RC_FULL ? RC_FULL : RC_RETRY;
    spool_last_segment(spool)->bytes = segment_size_bytes(spool->writer);
    spool->writer_since_mono_us = clock_mono_us(spool->config.clock);
    spool->is_writer_entry_synced = 0;
    return RC_OK;
}

static enum rc ready_writer(struct spool *spool, struct err *err)
{
    if (spool->writer != NULL && is_roll_due(spool))
        spool_seal_writer(spool);
    return spool->writer != NULL ? RC_OK : make_writer(spool, err);
}

static enum rc check_batch(const struct slice *values, size_t count, int64_t *ret_bytes,
                           struct err *err)
{
    if (count > LIMIT_COMMIT_RECORDS)
        return err_set(err, RC_REJECT, "too many values at once: %zu, at most %d", count,
                       LIMIT_COMMIT_RECORDS);
    int64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i].size > LIMIT_VALUE_BYTES)
            return err_set(err, RC_REJECT, "value %zu is too large: %zu bytes, at most %d", i + 1,
                           values[i].size, LIMIT_VALUE_BYTES);
        bytes += (int64_t)values[i].size + LIMIT_SPOOL_ROW_BYTES;
    }
    *ret_bytes = bytes;
    return RC_OK;
}

static int64_t next_at_us(struct spool *spool)
{
    int64_t now_us = clock_now_us(spool->config.clock);
    spool->is_clock_suspect = now_us < spool->last_at_us;
    return spool->is_clock_suspect ? spool->last_at_us : now_us;
}

/* The batch is durable: make it known. */
static void count_batch(struct spool *spool, const struct segment_batch *batch)
{
    struct spool_segment *last = spool_last_segment(spool);
    if (spool->sequence_last == spool->delivered)
        spool->oldest_undelivered_at_us = batch->accepted_at_us;
    spool->sequence_last += batch->count;
    spool->last_at_us = batch->accepted_at_us;
    last->last = spool->sequence_last;
    last->last_at_us = batch->accepted_at_us;
}

static enum rc write_batch(struct spool *spool, const struct segment_batch *batch, struct err *err)
{
    enum rc rc = segment_append(spool->writer, batch, err);
    if (rc == RC_FULL)
        return rc;
    if (rc == RC_OK && !spool->is_writer_entry_synced) {
        rc = disk_sync_path(spool->dir, err);
        spool->is_writer_entry_synced = rc == RC_OK;
    }
    if (rc != RC_OK) {
        fail_writer(spool);
        return RC_RETRY;
    }
    count_batch(spool, batch);
    /* The values are safe in the log whatever comes of this. */
    rc = segment_checkpoint_if_due(spool->writer, NULL);
    spool_last_segment(spool)->bytes = segment_size_bytes(spool->writer);
    if (rc != RC_OK && rc != RC_FULL)
        fail_writer(spool);
    return RC_OK;
}

static enum rc try_append(struct spool *spool, const struct slice *values, size_t count,
                          int64_t bytes, struct err *err)
{
    if (spool_bytes(spool) + bytes > spool->config.bytes_max)
        return err_set(err, RC_FULL, "the spool in %s has reached its limit of %lld bytes",
                       spool->dir, (long long)spool->config.bytes_max);
    enum rc rc = ready_writer(spool, err);
    if (rc != RC_OK)
        return rc;
    struct segment_batch batch = {
        .first = spool->sequence_last + 1,
        .values = values,
        .count = count,
        .accepted_at_us = next_at_us(spool),
        .delivered = spool->delivered,
    };
    return write_batch(spool, &batch, err);
}

enum rc spool_append(struct spool *spool, const struct slice *values, size_t count,
                     uint64_t *ret_first, struct err *err)
{
    int64_t bytes;
    uint64_t first = spool->sequence_last + 1;
    enum rc rc = check_batch(values, count, &bytes, err);
    if (rc != RC_OK)
        return rc;
    if (count > 0) {
        /* Room for new values goes before the replay window. */
        do
            rc = try_append(spool, values, count, bytes, err);
        while (rc == RC_FULL && spool_free_oldest(spool));
        spool->is_refusing = rc != RC_OK;
    }
    if (rc == RC_OK)
        *ret_first = first;
    return rc;
}

enum rc spool_delivered(struct spool *spool, uint64_t sequence, struct err *err)
{
    if (sequence > spool->sequence_last)
        return err_set(err, RC_REJECT, "sequence %llu was never given out",
                       (unsigned long long)sequence);
    if (sequence <= spool->delivered)
        return RC_OK;
    spool->delivered = sequence;
    if (sequence == spool->sequence_last)
        spool->oldest_undelivered_at_us = 0;
    return RC_OK;
}

static int is_mark_due(const struct spool *spool)
{
    const struct mark *mark = &spool->mark;
    return mark->is_doubtful || mark->stored.delivered != spool->delivered ||
           mark->stored.cut_first != spool->cut_first || mark->stored.cut_last != spool->cut_last;
}

/* A service that asks nobody to append while it refuses must learn somehow that it can again. */
static enum rc probe(struct spool *spool, struct err *err)
{
    if (spool_bytes(spool) >= spool->config.bytes_max ||
        disk_free_bytes(spool->dir) < LIMIT_SPOOL_ROOM_BYTES)
        return RC_OK;
    enum rc rc = ready_writer(spool, err);
    spool->is_refusing = rc != RC_OK;
    return rc;
}

enum rc spool_tick(struct spool *spool, struct err *err)
{
    enum rc rc = RC_OK;
    spool->is_clock_suspect = clock_now_us(spool->config.clock) < spool->last_at_us;
    if (is_mark_due(spool))
        rc = spool_store_mark(spool, err);
    if (spool->writer != NULL && is_roll_due(spool))
        spool_seal_writer(spool);
    if (rc == RC_OK)
        rc = spool_free_old(spool, err);
    if (rc == RC_OK && spool->is_refusing)
        rc = probe(spool, err);
    spool_refresh_oldest(spool);
    return rc == RC_OK ? RC_OK : RC_RETRY;
}

void spool_stats(const struct spool *spool, struct spool_stats *ret_stats)
{
    struct spool_stats stats = {
        .epoch = spool->place.epoch,
        .sequence_last = spool->sequence_last,
        .sequence_delivered = spool->delivered,
        .undelivered = spool->sequence_last - spool->delivered,
        .bytes = spool_bytes(spool),
        .oldest_undelivered_at_us = spool->oldest_undelivered_at_us,
        .segments = spool->segment_count,
        .corrupt_items = spool->corrupt_items,
        .is_clock_suspect = spool->is_clock_suspect,
        .is_refusing = spool->is_refusing,
    };
    for (size_t i = 0; i < spool->segment_count; i++)
        stats.segments_failed +=
            spool->segments[i].is_failed && spool->segments[i].last > spool->delivered;
    *ret_stats = stats;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    if (spool->mark.fd >= 0 && spool->place.epoch != 0 && is_mark_due(spool)) {
        /* Forgetting it only delivers again. */
        enum rc rc = spool_store_mark(spool, NULL);
        (void)rc;
    }
    spool_seal_writer(spool);
    spool_close_reader(spool);
    mark_close(&spool->mark);
    mem_free(spool->segments);
    mem_free(spool->read_bytes);
    mem_free(spool);
}
