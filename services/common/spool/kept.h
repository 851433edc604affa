#ifndef KASUMORI_SPOOL_KEPT_H
#define KASUMORI_SPOOL_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* A small durable map beside the spool, for what adapters must remember: the rows of a call seen so
   far, how far a file is read. One SQLite file (rollback journal, synchronous=FULL). One thread
   owns it; it blocks. */
struct kept;

/* vfs as in spool.h. */
enum rc kept_open(const char *path, const char *vfs, struct kept **ret_kept,
                  struct err *err) MUST_CHECK;
void kept_close(struct kept *kept);

/* Replaces out's content; *ret_found 0 when there is no such key. */
enum rc kept_get(struct kept *kept, const char *key, struct buf *out, int *ret_found,
                 struct err *err) MUST_CHECK;
/* Durable when RC_OK. at_us: age for kept_expire. */
enum rc kept_put(struct kept *kept, const char *key, struct slice value, int64_t at_us,
                 struct err *err) MUST_CHECK;
/* Between begin and commit puts are one transaction; otherwise each is its own. A put that fails
   with anything but RC_REJECT ends the transaction: commit then answers RC_RETRY. */
enum rc kept_begin(struct kept *kept, struct err *err) MUST_CHECK;
enum rc kept_commit(struct kept *kept, struct err *err) MUST_CHECK;
void kept_rollback(struct kept *kept);
/* Forgets keys that start with prefix and whose at_us is below before_us. */
enum rc kept_expire(struct kept *kept, const char *prefix, int64_t before_us,
                    struct err *err) MUST_CHECK;

#endif
