#ifndef KASUMORI_BASE_FILE_H
#define KASUMORI_BASE_FILE_H

#include <stddef.h>

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"

/* Replaces out's content by the file's. RC_RETRY when it cannot be opened or read, RC_REJECT when
   it is larger than out's limit. The message names the path. */
enum rc file_read(const char *path, struct buf *out, struct err *err) MUST_CHECK;

/* As file_read; RC_REJECT when group or others have any permission on it, or it is not a plain
 * file. */
enum rc file_read_secret(const char *path, struct buf *out, struct err *err) MUST_CHECK;

/* Writes a new file (mode 0600), fsyncs it, renames it over path and fsyncs the folder. */
enum rc file_write_secret(const char *path, struct slice content, struct err *err) MUST_CHECK;

/* fsync on a folder, so that renames and unlinks in it last. */
enum rc file_sync_dir(const char *path, struct err *err) MUST_CHECK;

#endif
