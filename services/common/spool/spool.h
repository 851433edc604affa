#ifndef KASUMORI_SPOOL_SPOOL_H
#define KASUMORI_SPOOL_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/clock.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* A durable first-in-first-out of byte values in a directory of SQLite segments. What spool_append
   answered RC_OK for survives the process, the kernel and the power, as long as the disk does.
   Values are numbered without gaps from 1 within the spool's epoch. One thread owns a spool; it
   blocks. */
struct spool;

struct spool_config {
    const char *dir;            /* created (0700) when missing; locked against a second owner */
    int64_t segment_bytes_max;  /* roll to a new segment beyond this size … */
    int64_t segment_age_us_max; /* … or this age */
    int64_t bytes_max;          /* all segments; beyond: RC_FULL, recovers by itself */
    int64_t replay_keep_us;     /* delivered segments stay this long … */
    int64_t replay_bytes_max;   /* … within this size */
    struct clock clock;
    const char *vfs; /* SQLite VFS by name; NULL: the system's. The border to the disk. */
};

struct spool_item {
    uint64_t sequence;
    int64_t accepted_at_us; /* never below an earlier item's, whatever the wall clock does */
    struct slice value;     /* borrowed from the spool until the next call on it */
};

struct spool_stats {
    uint64_t epoch;              /* made when the directory was fresh: microseconds since 1970 */
    uint64_t sequence_last;      /* 0: none yet */
    uint64_t sequence_delivered; /* all up to here are delivered */
    uint64_t undelivered;        /* records */
    int64_t bytes;               /* on disk, all segments */
    int64_t oldest_undelivered_at_us; /* 0: none; as of the last tick */
    uint64_t segments;
    uint64_t segments_failed; /* closed for ever after a failed write or fsync, still draining */
    uint64_t corrupt_items;   /* since open: values whose checksum did not match, or unreadable */
    int is_clock_suspect;     /* the wall clock is below the spool's last time */
    int is_refusing;          /* the last append was refused for the disk or the limit; a tick
                                 that finds room again clears it */
};

/* Opens or creates; recomputes sizes from disk; verifies. RC_RETRY when the disk cannot be used
   now, RC_REJECT when dir belongs to another process or to no spool. */
enum rc spool_open(const struct spool_config *config, struct spool **ret_spool,
                   struct err *err) MUST_CHECK;
void spool_close(struct spool *spool);

/* Appends all values in one durable transaction, or none; at most LIMIT_COMMIT_RECORDS of at most
   LIMIT_VALUE_BYTES, else RC_REJECT. *ret_first: sequence of values[0].
   RC_FULL: no room (disk or limit); RC_RETRY: write or fsync failed, that segment is closed for
   ever and the next call tries a new one. After either, none of the values is promised; a value of
   a failed transaction is never delivered. */
enum rc spool_append(struct spool *spool, const struct slice *values, size_t count,
                     uint64_t *ret_first, struct err *err) MUST_CHECK;

/* Up to items_max committed items (and LIMIT_SPOOL_READ_BYTES) after the given sequence, in order;
   delivered ones still kept are readable too (replay). Sequences may jump where a stored item is
   lost to corruption: counted in corrupt_items. RC_RETRY: an I/O error that may pass; after a
   minute of it the item is stepped over. */
enum rc spool_read(struct spool *spool, uint64_t after, struct spool_item *items, size_t items_max,
                   size_t *ret_count, struct err *err) MUST_CHECK;

/* All up to sequence are in Kafka. Remembered at the latest with the next commit or tick; segments
   wholly delivered are freed when the replay window allows. Forgetting it in a crash only delivers
   again. */
enum rc spool_delivered(struct spool *spool, uint64_t sequence, struct err *err) MUST_CHECK;

/* Makes the delivered mark durable, rolls by age, frees by the replay window. Call about once a
 * second. */
enum rc spool_tick(struct spool *spool, struct err *err) MUST_CHECK;

void spool_stats(const struct spool *spool, struct spool_stats *ret_stats);

#endif
