/* Reading across segments. Invariant: what lies within a segment's range and does not verify is
   counted once and stepped over, so a damaged value never stops those behind it; an I/O error,
   which may pass, holds the reader for LIMIT_SPOOL_READ_PATIENCE_US before it counts as damage. */
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/spool/spool_internal.h"

struct reading {
    uint64_t after;
    struct spool_item *items;
    size_t items_max;
    size_t count;
    size_t bytes; /* used of read_bytes */
};

void spool_close_reader(struct spool *spool)
{
    segment_close(spool->reader);
    spool->reader = NULL;
    spool->reader_first = 0;
}

enum rc spool_door(struct spool *spool, const struct spool_segment *of,
                   struct segment **ret_segment, struct err *err)
{
    if (spool->writer != NULL && of == spool_last_segment(spool)) {
        *ret_segment = spool->writer;
        return RC_OK;
    }
    if (spool->reader == NULL || spool->reader_first != of->first) {
        spool_close_reader(spool);
        enum rc rc = segment_open_read(&spool->place, of->first, &spool->reader, err);
        if (rc != RC_OK)
            return rc;
        spool->reader_first = of->first;
    }
    *ret_segment = spool->reader;
    return RC_OK;
}

/* first..last are within a segment but cannot be had. Below the delivered mark they are nobody's
 * loss. */
static void count_lost(struct spool *spool, uint64_t first, uint64_t last)
{
    uint64_t from = spool->corrupt_upto > spool->delivered ? spool->corrupt_upto : spool->delivered;
    if (first <= from)
        first = from + 1;
    if (first > last)
        return;
    spool->corrupt_items += last - first + 1;
    spool->corrupt_upto = last;
}

/* The first segment with values after the sequence; NULL when there is none. */
static const struct spool_segment *find(const struct spool *spool, uint64_t after)
{
    size_t low = 0, high = spool->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spool->segments[middle].last > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low < spool->segment_count ? &spool->segments[low] : NULL;
}

/* 0 when the row does not fit any more. */
static int take(struct spool *spool, struct reading *reading, const struct segment_row *row)
{
    if (row->value.size > LIMIT_SPOOL_READ_BYTES - reading->bytes)
        return 0;
    uint8_t *to = spool->read_bytes + reading->bytes;
    if (row->value.size > 0)
        memcpy(to, row->value.data, row->value.size);
    reading->bytes += row->value.size;
    reading->items[reading->count++] = (struct spool_item){
        .sequence = row->sequence,
        .accepted_at_us = row->accepted_at_us,
        .value = slice_of(to, row->value.size),
    };
    return 1;
}

/* 1 when the I/O error has lasted long enough to be taken for damage. */
static int is_patience_over(struct spool *spool)
{
    int64_t now_us = clock_mono_us(spool->config.clock);
    if (spool->stuck_since_mono_us == 0)
        spool->stuck_since_mono_us = now_us != 0 ? now_us : 1;
    return now_us - spool->stuck_since_mono_us >= LIMIT_SPOOL_READ_PATIENCE_US;
}

/* What to do about a failed door or step: RC_OK to step over, RC_RETRY for the caller. */
static enum rc judge(struct spool *spool, enum rc rc)
{
    if (rc == RC_CORRUPT)
        return RC_OK;
    spool_close_reader(spool);
    return rc == RC_FATAL && is_patience_over(spool) ? RC_OK : RC_RETRY;
}

static void step_over_segment(struct spool *spool, const struct spool_segment *of, uint64_t *after)
{
    /* How many were in it nobody knows when even its end is a guess: count the damage as one. */
    count_lost(spool, of->is_guessed ? of->last : *after + 1, of->last);
    *after = of->last;
}

/* Reads on within one segment: up to its end, or until the caller's array or the bytes are full. */
static enum rc read_rows(struct spool *spool, const struct spool_segment *of, struct segment *door,
                         struct reading *reading, struct err *err)
{
    struct segment_row row;
    int found;
    segment_seek(door, reading->after, of->last);
    while (reading->count < reading->items_max) {
        enum rc rc = segment_step(door, &row, &found, err);
        if (rc != RC_OK)
            return rc;
        uint64_t next = found ? row.sequence : of->last + 1;
        if (next > reading->after + 1 && !of->is_guessed)
            count_lost(spool, reading->after + 1, next - 1);
        if (!found) {
            reading->after = of->last;
            return RC_OK;
        }
        if (row.is_bad)
            count_lost(spool, row.sequence, row.sequence);
        else if (!take(spool, reading, &row))
            return RC_FULL;
        reading->after = row.sequence;
        spool->stuck_since_mono_us = 0;
    }
    return RC_OK;
}

/* RC_OK: go on at reading->after. RC_FULL: the bytes are full. RC_RETRY: as spool_read. */
static enum rc read_segment(struct spool *spool, const struct spool_segment *of,
                            struct reading *reading, struct err *err)
{
    struct segment *door;
    enum rc rc = spool_door(spool, of, &door, err);
    if (rc != RC_OK) {
        rc = judge(spool, rc);
        if (rc == RC_OK)
            step_over_segment(spool, of, &reading->after);
        return rc;
    }
    rc = read_rows(spool, of, door, reading, err);
    segment_rest(door);
    if (rc == RC_OK || rc == RC_FULL)
        return rc;
    rc = judge(spool, rc);
    if (rc == RC_OK && of->is_guessed) {
        step_over_segment(spool, of, &reading->after);
    } else if (rc == RC_OK) {
        reading->after++;
        count_lost(spool, reading->after, reading->after);
    }
    return rc;
}

enum rc spool_read(struct spool *spool, uint64_t after, struct spool_item *items, size_t items_max,
                   size_t *ret_count, struct err *err)
{
    struct reading reading = {.after = after, .items = items, .items_max = items_max};
    const struct spool_segment *of;
    while (reading.count < items_max && (of = find(spool, reading.after)) != NULL) {
        if (reading.after + 1 < of->first) {
            /* Freed, or a file is gone that was not delivered. */
            count_lost(spool, reading.after + 1, of->first - 1);
            reading.after = of->first - 1;
        }
        enum rc rc = read_segment(spool, of, &reading, err);
        if (rc == RC_FULL || (rc != RC_OK && reading.count > 0))
            break;
        if (rc != RC_OK)
            return rc;
    }
    *ret_count = reading.count;
    return RC_OK;
}

void spool_refresh_oldest(struct spool *spool)
{
    if (spool->delivered == spool->sequence_last) {
        spool->oldest_undelivered_at_us = 0;
        return;
    }
    const struct spool_segment *of = find(spool, spool->delivered);
    struct segment *door;
    struct segment_row row;
    int found;
    if (of == NULL || spool_door(spool, of, &door, NULL) != RC_OK)
        return;
    segment_seek(door, spool->delivered, of->last);
    enum rc rc = segment_step(door, &row, &found, NULL);
    if (rc == RC_OK && found && !row.is_bad)
        spool->oldest_undelivered_at_us = row.accepted_at_us;
    segment_rest(door);
}
