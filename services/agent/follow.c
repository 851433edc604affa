/* A growing file, line by line. Invariant: offset is the start of a line of the file with that
 * inode. */
#include "services/agent/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 * 1024, STATE_BYTES = 64 };

static void name_key(const struct follow *follow, char *key, size_t size)
{
    snprintf(key, size, "file/%s", follow->path);
}

enum rc follow_init(struct follow *follow, const char *path, struct kept *kept, struct err *err)
{
    char key[PATH_MAX + 8];
    struct buf state;
    int is_found = 0;
    *follow = (struct follow){.path = path, .kept = kept};
    name_key(follow, key, sizeof(key));
    buf_init(&state, STATE_BYTES);
    enum rc rc = kept_get(kept, key, &state, &is_found, err);
    if (rc == RC_OK && is_found) {
        if (state.size != sizeof(uint64_t) + sizeof(int64_t)) {
            rc = err_set(err, RC_CORRUPT, "the stored position of %s cannot be read", path);
        } else {
            memcpy(&follow->inode, state.data, sizeof(follow->inode));
            memcpy(&follow->offset, state.data + sizeof(follow->inode), sizeof(follow->offset));
        }
    }
    follow->read_to = follow->offset;
    buf_done(&state);
    return rc;
}

/* Opens path if it is the file with this inode. -1 with errno ENOENT when it is another or none. */
static int open_inode(const char *path, uint64_t inode, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && (inode == 0 || st->st_ino == inode))
        return fd;
    close(fd);
    errno = ENOENT;
    return -1;
}

/* The file to read on in: the one known, under its name or its rotated name while it has more; then
   the one that bears the name now. */
static int open_current(struct follow *follow, int *ret_is_rotated)
{
    *ret_is_rotated = 0;
    struct stat st;
    char rotated[PATH_MAX];
    int fd = follow->inode == 0 ? -1 : open_inode(follow->path, follow->inode, &st);
    if (fd >= 0 && st.st_size >= follow->offset)
        return fd;
    if (fd >= 0) { /* cut short in place: a new content */
        follow->offset = 0;
        return fd;
    }
    int n = snprintf(rotated, sizeof(rotated), "%s.1", follow->path);
    if (follow->inode != 0 && n > 0 && (size_t)n < sizeof(rotated)) {
        fd = open_inode(rotated, follow->inode, &st);
        if (fd >= 0 && st.st_size > follow->offset) {
            *ret_is_rotated = 1;
            return fd;
        }
        if (fd >= 0)
            close(fd);
    }
    fd = open_inode(follow->path, 0, &st);
    if (fd >= 0) {
        follow->inode = st.st_ino;
        follow->offset = 0;
    }
    return fd;
}

static enum rc read_some(int fd, int64_t offset, struct buf *out, struct err *err)
{
    static _Thread_local char chunk[CHUNK_BYTES];
    buf_reset(out);
    while (out->size < out->size_max) {
        size_t room = out->size_max - out->size;
        ssize_t n = pread(fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk),
                          offset + (int64_t)out->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, RC_RETRY, "could not read: %m");
        if (n == 0)
            break;
        buf_add(out, chunk, (size_t)n);
    }
    return out->is_failed ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

enum rc follow_read(struct follow *follow, struct buf *out, struct err *err)
{
    struct err why;
    buf_reset(out);
    int is_rotated;
    int fd = open_current(follow, &is_rotated);
    if (fd < 0 && errno == ENOENT)
        return RC_OK;
    if (fd < 0)
        return err_set(err, RC_RETRY, "could not open %s: %m", follow->path);
    enum rc rc = read_some(fd, follow->offset, out, &why);
    close(fd);
    if (rc != RC_OK)
        return err_set(err, rc, "%s: %s", follow->path, why.text);
    const uint8_t *end = out->size == 0 ? NULL : memrchr(out->data, '\n', out->size);
    if (end == NULL && out->size == out->size_max) {
        follow->read_to = follow->offset + (int64_t)out->size;
        return err_set(err, RC_REJECT, "%s: a line longer than %zu bytes is skipped", follow->path,
                       out->size_max);
    }
    int is_complete = is_rotated && out->size < out->size_max; /* no more will be written to it */
    if (!is_complete)
        out->size = end == NULL ? 0 : (size_t)(end - out->data) + 1;
    follow->read_to = follow->offset + (int64_t)out->size;
    return RC_OK;
}

enum rc follow_advance(struct follow *follow, int64_t now_us, struct err *err)
{
    char key[PATH_MAX + 8];
    uint8_t state[sizeof(uint64_t) + sizeof(int64_t)];
    if (follow->read_to == follow->offset)
        return RC_OK;
    name_key(follow, key, sizeof(key));
    memcpy(state, &follow->inode, sizeof(follow->inode));
    memcpy(state + sizeof(follow->inode), &follow->read_to, sizeof(follow->read_to));
    enum rc rc = kept_put(follow->kept, key, slice_of(state, sizeof(state)), now_us, err);
    if (rc == RC_OK)
        follow->offset = follow->read_to;
    return rc;
}
