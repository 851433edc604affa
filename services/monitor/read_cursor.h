#ifndef KASUMORI_MONITOR_READ_CURSOR_H
#define KASUMORI_MONITOR_READ_CURSOR_H

#include "services/monitor/read.h"

/* Where a list goes on: the key "number.id" of its last line and a hash of what was asked, so that
   a cursor is good for the same question only. Opaque to callers, no secret: it opens nothing. */

/* Adds the cursor as text of the base64url alphabet. */
void read_cursor_write(struct buf *out, struct slice key, uint64_t question);
/* Adds after_at and after_id to args. 0: it is none of ours, or another question's. */
int read_cursor_read(struct read_args *args, const char *text, enum read_type id,
                     uint64_t question);
/* FNV-1a, 64 bits; hash: of what went before, 0 at the start. */
uint64_t read_cursor_hash(uint64_t hash, struct slice text);

#endif
