/* The spool's own steps on the disk, behind one replaceable table so that a test can stop, fail or
   tear each of them. Invariant: every change the spool makes without SQLite passes through ops. */
#include "services/common/spool/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int real_make_dir(const char *path)
{
    return mkdir(path, 0700);
}

static int real_create(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int real_write_at(int fd, const void *data, size_t size, int64_t at)
{
    const char *from = data;
    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        from += n;
        size -= (size_t)n;
        at += n;
    }
    return 0;
}

static int real_sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int failed = fsync(fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return failed;
}

static const struct disk_ops real_ops = {
    .make_dir = real_make_dir,
    .create = real_create,
    .write_at = real_write_at,
    .sync_fd = fdatasync,
    .rename = rename,
    .unlink = unlink,
    .sync_path = real_sync_path,
};

static const struct disk_ops *ops = &real_ops;

void disk_replace(const struct disk_ops *new_ops)
{
    ops = new_ops != NULL ? new_ops : &real_ops;
}

static enum rc rc_of_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? RC_FULL : RC_RETRY;
}

enum rc disk_make_dir(const char *path, struct err *err)
{
    /* One that is there may be from a start that failed before its name was durable: sync it too.
     */
    if (ops->make_dir(path) == 0 || errno == EEXIST)
        return disk_sync_parent(path, err);
    return err_set(err, rc_of_errno(), "could not make folder %s: %m", path);
}

enum rc disk_create(const char *path, int *ret_fd, struct err *err)
{
    int fd = ops->create(path);
    if (fd < 0)
        return err_set(err, rc_of_errno(), "could not create %s: %m", path);
    *ret_fd = fd;
    return RC_OK;
}

enum rc disk_write_at(int fd, const void *data, size_t size, int64_t at, struct err *err)
{
    if (ops->write_at(fd, data, size, at) != 0)
        return err_set(err, rc_of_errno(), "could not write: %m");
    return RC_OK;
}

enum rc disk_sync_fd(int fd, struct err *err)
{
    if (ops->sync_fd(fd) != 0)
        return err_set(err, rc_of_errno(), "could not fsync: %m");
    return RC_OK;
}

enum rc disk_rename(const char *from, const char *to, struct err *err)
{
    if (ops->rename(from, to) != 0)
        return err_set(err, rc_of_errno(), "could not rename %s: %m", from);
    return RC_OK;
}

enum rc disk_unlink(const char *path, struct err *err)
{
    if (ops->unlink(path) != 0 && errno != ENOENT)
        return err_set(err, rc_of_errno(), "could not remove %s: %m", path);
    return RC_OK;
}

enum rc disk_sync_path(const char *path, struct err *err)
{
    if (ops->sync_path(path) != 0)
        return err_set(err, rc_of_errno(), "could not fsync %s: %m", path);
    return RC_OK;
}

enum rc disk_sync_parent(const char *path, struct err *err)
{
    char parent[PATH_MAX];
    int n = snprintf(parent, sizeof(parent), "%s", path);
    if (n < 0 || (size_t)n >= sizeof(parent))
        return err_set(err, RC_REJECT, "path too long");
    while (n > 1 && parent[n - 1] == '/')
        parent[--n] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        return disk_sync_path(".", err);
    slash[slash == parent ? 1 : 0] = '\0';
    return disk_sync_path(parent, err);
}

int disk_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

int64_t disk_size_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

int64_t disk_free_bytes(const char *path)
{
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return INT64_MAX;
    return (int64_t)st.f_bavail * (int64_t)st.f_frsize;
}
