/* Two slots, each whole on its own page, each with a generation and a checksum. Invariant: a store
   never touches the slot that holds what is known to be durable, so a torn or failed write costs
   the new state only; after a failure the same slot is written again. */
#include "services/common/spool/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include "services/common/spool/disk.h"

enum { MARK_WORDS = 8, MARK_VERSION = 1 };

static const uint8_t magic[7] = "ksmark";

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
    return at + 8;
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

void mark_encode(const struct mark_state *state, uint64_t generation,
                 uint8_t out[MARK_ENCODED_BYTES])
{
    memcpy(out, magic, sizeof(magic));
    out[sizeof(magic)] = MARK_VERSION;
    uint8_t *at = out + 8;
    at = put_u64(at, generation);
    at = put_u64(at, state->epoch);
    at = put_u64(at, state->delivered);
    at = put_u64(at, state->sequence_last);
    at = put_u64(at, (uint64_t)state->last_at_us);
    at = put_u64(at, state->cut_first);
    at = put_u64(at, state->cut_last);
    put_u64(at, XXH3_64bits(out, (size_t)(at - out)));
}

enum rc mark_decode(const uint8_t in[MARK_ENCODED_BYTES], struct mark_state *ret_state,
                    uint64_t *ret_generation)
{
    if (memcmp(in, magic, sizeof(magic)) != 0)
        return RC_CORRUPT;
    if (in[sizeof(magic)] > MARK_VERSION)
        return RC_REJECT;
    uint64_t words[MARK_WORDS];
    for (int i = 0; i < MARK_WORDS; i++)
        words[i] = get_u64(in + 8 + 8 * i);
    if (words[7] != XXH3_64bits(in, MARK_ENCODED_BYTES - 8) || words[0] == 0)
        return RC_CORRUPT;
    *ret_generation = words[0];
    *ret_state = (struct mark_state){
        .epoch = words[1],
        .delivered = words[2],
        .sequence_last = words[3],
        .last_at_us = (int64_t)words[4],
        .cut_first = words[5],
        .cut_last = words[6],
    };
    return RC_OK;
}

static int read_slot(int fd, int slot, uint8_t out[MARK_ENCODED_BYTES])
{
    ssize_t n;
    do
        n = pread(fd, out, MARK_ENCODED_BYTES, (off_t)slot * MARK_SLOT_BYTES);
    while (n < 0 && errno == EINTR);
    return n == MARK_ENCODED_BYTES;
}

static enum rc load(struct mark *mark, int *ret_is_valid, struct err *err)
{
    int is_valid = 0;
    for (int slot = 0; slot < 2; slot++) {
        uint8_t bytes[MARK_ENCODED_BYTES];
        struct mark_state state;
        uint64_t generation;
        if (!read_slot(mark->fd, slot, bytes))
            continue;
        enum rc rc = mark_decode(bytes, &state, &generation);
        if (rc == RC_REJECT)
            return err_set(err, RC_REJECT, "a newer version of this program made it");
        if (rc != RC_OK || (is_valid && generation < mark->generation))
            continue;
        mark->slot = slot;
        mark->generation = generation;
        mark->stored = state;
        is_valid = 1;
    }
    *ret_is_valid = is_valid;
    return RC_OK;
}

/* Both slots get their blocks now, so that no later store needs room. */
static enum rc allocate(struct mark *mark, struct err *err)
{
    static const uint8_t zeros[2 * MARK_SLOT_BYTES];
    return disk_write_at(mark->fd, zeros, sizeof(zeros), 0, err);
}

enum rc mark_open(const char *path, struct mark *mark, int *ret_is_valid, struct err *err)
{
    struct mark opened = {.fd = -1, .slot = 1};
    int is_valid;
    enum rc rc = disk_create(path, &opened.fd, err);
    if (rc != RC_OK)
        return rc;
    if (flock(opened.fd, LOCK_EX | LOCK_NB) != 0) {
        rc = err_set(
            err, errno == EWOULDBLOCK ? RC_REJECT : RC_RETRY,
            errno == EWOULDBLOCK ? "%s is held by another process" : "could not lock %s: %m", path);
        goto failed;
    }
    rc = load(&opened, &is_valid, err);
    if (rc != RC_OK) {
        if (err != NULL)
            err_prefix(err, "%s", path);
        goto failed;
    }
    if (!is_valid) {
        rc = allocate(&opened, err);
        if (rc != RC_OK)
            goto failed;
    }
    *mark = opened;
    *ret_is_valid = is_valid;
    return RC_OK;
failed:
    mark_close(&opened);
    return rc;
}

void mark_close(struct mark *mark)
{
    if (mark->fd >= 0)
        close(mark->fd);
    mark->fd = -1;
}

enum rc mark_store(struct mark *mark, const struct mark_state *state, struct err *err)
{
    uint8_t bytes[MARK_ENCODED_BYTES];
    int slot = 1 - mark->slot;
    mark_encode(state, mark->generation + 1, bytes);
    mark->is_doubtful = 1;
    enum rc rc =
        disk_write_at(mark->fd, bytes, sizeof(bytes), (int64_t)slot * MARK_SLOT_BYTES, err);
    if (rc == RC_OK)
        rc = disk_sync_fd(mark->fd, err);
    if (rc != RC_OK) {
        if (err != NULL)
            err_prefix(err, "mark");
        return rc;
    }
    mark->slot = slot;
    mark->generation++;
    mark->stored = *state;
    mark->is_doubtful = 0;
    return RC_OK;
}
