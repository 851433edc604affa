#ifndef KASUMORI_SPOOL_MARK_H
#define KASUMORI_SPOOL_MARK_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"

/* The spool's small facts in one preallocated file of two slots, written in turn: storing never
   needs new room, so a full disk can still learn what is delivered and so become empty again. The
   file is also the lock of the folder. */

enum { MARK_SLOT_BYTES = 4096, MARK_ENCODED_BYTES = 72 };

struct mark_state {
    uint64_t epoch;
    uint64_t delivered;
    uint64_t sequence_last; /* at least this one was given out */
    int64_t last_at_us;     /* the newest accepted_at */
    uint64_t cut_first;     /* 0: no cut; else the segment of that name … */
    uint64_t cut_last;      /* … holds nothing valid after this sequence */
};

struct mark {
    int fd;
    int slot;                 /* holds stored; the other one is written next */
    uint64_t generation;      /* of stored */
    struct mark_state stored; /* what is durable */
    int is_doubtful;          /* the last store failed: what it tried may be on disk or not */
};

/* RC_CORRUPT when the bytes are no mark, RC_REJECT when a newer program made them. Pure. */
void mark_encode(const struct mark_state *state, uint64_t generation,
                 uint8_t out[MARK_ENCODED_BYTES]);
enum rc mark_decode(const uint8_t in[MARK_ENCODED_BYTES], struct mark_state *ret_state,
                    uint64_t *ret_generation) MUST_CHECK;

/* Opens or creates and locks. RC_REJECT when another owner holds it. *ret_is_valid 0: nothing is
   stored, or both slots are unreadable. */
enum rc mark_open(const char *path, struct mark *mark, int *ret_is_valid,
                  struct err *err) MUST_CHECK;
void mark_close(struct mark *mark);

/* Durable when RC_OK; otherwise what was stored before is still there. */
enum rc mark_store(struct mark *mark, const struct mark_state *state, struct err *err) MUST_CHECK;

#endif
