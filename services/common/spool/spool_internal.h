#ifndef KASUMORI_SPOOL_INTERNAL_H
#define KASUMORI_SPOOL_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/spool/mark.h"
#include "services/common/spool/segment.h"
#include "services/common/spool/spool.h"

/* Shared by the files of the spool only. */

/* A segment as the spool knows it: values first..last; last is first - 1 when it holds none. */
struct spool_segment {
    uint64_t first;
    uint64_t last;
    int64_t bytes;
    int64_t last_at_us; /* accepted_at of its newest value; 0: not looked up yet */
    int is_failed;      /* never to be written again, its log stays */
    int is_guessed;     /* unreadable at opening: last is an upper bound */
};

struct spool {
    struct spool_config config;
    char dir[LIMIT_SPOOL_PATH_BYTES];
    struct segment_place place;
    struct mark mark;

    struct spool_segment *segments; /* by first, ascending; ranges touch */
    size_t segment_count;
    size_t segment_slots;

    struct segment *writer; /* of the last segment, or NULL: the next append makes a new one */
    int64_t writer_since_mono_us;
    int is_writer_entry_synced; /* the log's name is durable too */

    struct segment *reader; /* of the segment reader_first, or NULL */
    uint64_t reader_first;

    uint64_t sequence_last;
    uint64_t delivered;
    int64_t last_at_us;
    uint64_t cut_first, cut_last; /* to be in the mark until a newer segment is there */
    int64_t oldest_undelivered_at_us;

    uint64_t corrupt_items;
    uint64_t corrupt_upto;       /* those up to here are counted already */
    int64_t stuck_since_mono_us; /* reading fails by I/O error since then; 0: it does not */

    int is_clock_suspect;
    int is_refusing;

    uint8_t *read_bytes; /* LIMIT_SPOOL_READ_BYTES, for the values of the last spool_read */
};

/* spool_open.c: the steps of opening that need many lines */
enum rc spool_recover(struct spool *spool, int is_mark_valid, struct err *err) MUST_CHECK;
enum rc spool_scan(struct spool *spool, struct err *err) MUST_CHECK;
/* RC_REJECT when the folder holds something and is no spool. */
enum rc spool_check_folder(const char *dir, struct err *err) MUST_CHECK;

/* spool.c */
enum rc spool_store_mark(struct spool *spool, struct err *err) MUST_CHECK;
enum rc spool_add_segment(struct spool *spool, uint64_t first, struct err *err) MUST_CHECK;
/* The writer's segment, CHECKed to exist. */
struct spool_segment *spool_last_segment(struct spool *spool);
/* Closes the writer for good, its log moved into the file if that works. */
void spool_seal_writer(struct spool *spool);

/* spool_free.c */
/* Removes the oldest segment when it is wholly delivered, whatever the replay window; 0: it cannot.
 */
int spool_free_oldest(struct spool *spool);
/* Removes what the replay window no longer wants. */
enum rc spool_free_old(struct spool *spool, struct err *err) MUST_CHECK;
void spool_drop_segment(struct spool *spool, size_t index);
int64_t spool_bytes(const struct spool *spool);

/* spool_read.c */
/* The open door to a segment; borrowed until the next call. */
enum rc spool_door(struct spool *spool, const struct spool_segment *of,
                   struct segment **ret_segment, struct err *err) MUST_CHECK;
void spool_close_reader(struct spool *spool);
/* Looks up when the oldest undelivered value was accepted; leaves the old answer when it cannot. */
void spool_refresh_oldest(struct spool *spool);

#endif
