#ifndef KASUMORI_AGENT_FOLLOW_H
#define KASUMORI_AGENT_FOLLOW_H

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/spool/kept.h"

/* Reads what was added to a growing file since last time, across renames (path becomes path.1, as
   logrotate does) and restarts. The position lives in the durable map and moves only by
   follow_advance, so that what was read and not yet stored is read again after a crash. */
struct follow {
    const char *path;
    struct kept *kept;
    uint64_t inode;  /* of the file read last */
    int64_t offset;  /* everything below is stored */
    int64_t read_to; /* what follow_read returned ends here */
};

/* path and kept are borrowed. */
enum rc follow_init(struct follow *follow, const char *path, struct kept *kept,
                    struct err *err) MUST_CHECK;

/* Replaces out's content by whole lines, at most out's limit; empty when there is nothing new. A
   file that does not exist yet is nothing new. RC_RETRY when it cannot be read; RC_REJECT for a
   line longer than out's limit, which follow_advance then skips. */
enum rc follow_read(struct follow *follow, struct buf *out, struct err *err) MUST_CHECK;

/* What follow_read returned last is stored. */
enum rc follow_advance(struct follow *follow, int64_t now_us, struct err *err) MUST_CHECK;

#endif
