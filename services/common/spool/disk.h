#ifndef KASUMORI_SPOOL_DISK_H
#define KASUMORI_SPOOL_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"

/* What the spool itself does to the disk beside SQLite, whose own border is its VFS. Each returns
   0, or -1 with errno; create returns a descriptor. */
struct disk_ops {
    int (*make_dir)(const char *path); /* 0700 */
    int (*create)(const char *path);   /* opens for reading and writing, 0600, new when missing */
    int (*write_at)(int fd, const void *data, size_t size, int64_t at); /* all of it */
    int (*sync_fd)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*sync_path)(const char *path); /* fsync of a file or a folder by name */
};

/* Tests put their own in, for the whole process; NULL: the system's again. Not thread-safe. */
void disk_replace(const struct disk_ops *ops);

/* All answer RC_FULL when the disk has no room, RC_RETRY for any other failure; they block. */
enum rc disk_make_dir(const char *path,
                      struct err *err) MUST_CHECK; /* durable; an existing one is fine */
enum rc disk_create(const char *path, int *ret_fd, struct err *err) MUST_CHECK;
enum rc disk_write_at(int fd, const void *data, size_t size, int64_t at,
                      struct err *err) MUST_CHECK;
enum rc disk_sync_fd(int fd, struct err *err) MUST_CHECK;
enum rc disk_rename(const char *from, const char *to, struct err *err) MUST_CHECK;
enum rc disk_unlink(const char *path, struct err *err) MUST_CHECK; /* a missing one is fine */
enum rc disk_sync_path(const char *path, struct err *err) MUST_CHECK;
/* Makes path's own entry in its folder last. */
enum rc disk_sync_parent(const char *path, struct err *err) MUST_CHECK;

int disk_is_there(const char *path);
int64_t disk_size_bytes(const char *path); /* 0 when there is none */
/* What the file system of path still has for this process; INT64_MAX when it does not say. */
int64_t disk_free_bytes(const char *path);

#endif
