/* Small whole files: configuration and secrets. */
#include "services/common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/base/mem.h"

static enum rc read_fd(int fd, const char *path, struct buf *out, struct err *err)
{
    uint8_t chunk[4096];
    buf_reset(out);
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n == 0)
            return RC_OK;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, RC_RETRY, "could not read %s: %m", path);
        buf_add(out, chunk, (size_t)n);
        if (out->is_failed)
            return err_set(err, RC_REJECT, "%s is larger than %zu bytes", path, out->size_max);
    }
}

static enum rc read_file(const char *path, int is_secret, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, RC_RETRY, "could not open %s: %m", path);
    struct stat st;
    enum rc rc;
    if (fstat(fd, &st) != 0)
        rc = err_set(err, RC_RETRY, "could not look at %s: %m", path);
    else if (is_secret && !S_ISREG(st.st_mode))
        rc = err_set(err, RC_REJECT, "%s is not a plain file", path);
    else if (is_secret && (st.st_mode & 077) != 0)
        rc = err_set(err, RC_REJECT, "%s can be read by others: its mode is %04o, want 0600", path,
                     (unsigned)(st.st_mode & 07777));
    else
        rc = read_fd(fd, path, out, err);
    close(fd);
    return rc;
}

enum rc file_read(const char *path, struct buf *out, struct err *err)
{
    return read_file(path, 0, out, err);
}

enum rc file_read_secret(const char *path, struct buf *out, struct err *err)
{
    return read_file(path, 1, out, err);
}

static enum rc write_all(int fd, const char *path, struct slice content, struct err *err)
{
    while (content.size > 0) {
        ssize_t n = write(fd, content.data, content.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, RC_RETRY, "could not write %s: %m", path);
        content = slice_of(content.data + n, content.size - (size_t)n);
    }
    if (fsync(fd) != 0)
        return err_set(err, RC_RETRY, "could not fsync %s: %m", path);
    return RC_OK;
}

static enum rc sync_parent(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return file_sync_dir(".", err);
    char *dir = mem_strdup(path);
    if (dir == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    dir[slash == path ? 1 : slash - path] = '\0';
    enum rc rc = file_sync_dir(dir, err);
    mem_free(dir);
    return rc;
}

enum rc file_write_secret(const char *path, struct slice content, struct err *err)
{
    char temp[4096];
    int n = snprintf(temp, sizeof(temp), "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof(temp))
        return err_set(err, RC_REJECT, "path too long");
    unlink(temp);
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, RC_RETRY, "could not create %s: %m", temp);
    enum rc rc = write_all(fd, temp, content, err);
    close(fd);
    if (rc != RC_OK) {
        unlink(temp);
        return rc;
    }
    if (rename(temp, path) != 0)
        return err_set(err, RC_RETRY, "could not rename %s to %s: %m", temp, path);
    return sync_parent(path, err);
}

enum rc file_sync_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, RC_RETRY, "could not open folder %s: %m", path);
    enum rc rc = RC_OK;
    if (fsync(fd) != 0)
        rc = err_set(err, RC_RETRY, "could not fsync folder %s: %m", path);
    close(fd);
    return rc;
}
