#ifndef KASUMORI_SPOOL_SEGMENT_H
#define KASUMORI_SPOOL_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/limits.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* One SQLite file of the spool. Its name is the sequence of its first value. */
struct segment;

struct segment_place {
    const char *dir;
    const char *vfs;
    uint64_t epoch;    /* goes into every checksum */
    int log_pages_max; /* a longer log is moved into the file */
};

struct segment_batch {
    uint64_t first; /* sequence of values[0] */
    const struct slice *values;
    size_t count;
    int64_t accepted_at_us;
    uint64_t delivered; /* remembered with the batch */
};

struct segment_row {
    uint64_t sequence;
    int64_t accepted_at_us;
    uint64_t delivered;
    struct slice value; /* until the next step or rest */
    int is_bad;         /* the checksum does not match: nothing but sequence can be trusted */
};

/* dir/<first, 20 digits>.seg<suffix>. CHECKs the length, which spool_open bounds. */
void segment_path(char path[LIMIT_SPOOL_PATH_BYTES], const char *dir, uint64_t first,
                  const char *suffix);
/* The sequence in a name made by segment_path without suffix; 0 when it is none. */
uint64_t segment_first_of_name(const char *name);

/* An empty segment under its final name, durable when RC_OK. Replaces one of that name that holds
   nothing valid. Built in the file segment_litter first. */
enum rc segment_make(const struct segment_place *place, uint64_t first, struct err *err) MUST_CHECK;
extern const char segment_litter[];

/* Opens for appending; only right after segment_make. */
enum rc segment_open_write(const struct segment_place *place, uint64_t first,
                           struct segment **ret_segment, struct err *err) MUST_CHECK;
/* Opens for reading, with the log when there is one; changes nothing on disk. */
enum rc segment_open_read(const struct segment_place *place, uint64_t first,
                          struct segment **ret_segment, struct err *err) MUST_CHECK;
/* Leaves the files as they are. NULL is fine. */
void segment_close(struct segment *segment);
/* Moves the log into the file, then takes (closes) the segment in any case. What fails leaves the
   log in place, where readers find it. */
enum rc segment_seal(struct segment *take, struct err *err) MUST_CHECK;

/* One durable transaction. RC_FULL: rolled back, the segment can go on. Any other failure: in
   doubt, it may be on disk, and the segment must not be written again. */
enum rc segment_append(struct segment *segment, const struct segment_batch *batch,
                       struct err *err) MUST_CHECK;
/* Moves the log into the file when it is long. RC_FULL is no harm. */
enum rc segment_checkpoint_if_due(struct segment *segment, struct err *err) MUST_CHECK;
int64_t segment_size_bytes(const struct segment *segment); /* file and log */

/* Reading is seek, any number of steps, rest. Rows after..until in order. */
void segment_seek(struct segment *segment, uint64_t after, uint64_t until);
enum rc segment_step(struct segment *segment, struct segment_row *ret_row, int *ret_found,
                     struct err *err) MUST_CHECK;
void segment_rest(struct segment *segment);

/* The newest row not above until, and the newest of those whose checksum matches (is_bad when none
   does). *ret_found 0: no row at all. */
enum rc segment_tail(struct segment *segment, uint64_t until, struct segment_row *ret_row,
                     int *ret_found, struct err *err) MUST_CHECK;
/* The epoch written at its making; RC_CORRUPT when it does not verify. */
enum rc segment_epoch(struct segment *segment, uint64_t *ret_epoch, struct err *err) MUST_CHECK;

#endif
