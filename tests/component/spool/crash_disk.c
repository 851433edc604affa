/* Invariant: every change of the folder is counted exactly once, in crash_disk_decide(), before it
 * happens. */
#include "tests/component/spool/crash_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/spool/disk.h"
#include "tests/component/spool/crash_model.h"

enum { NAMES_MAX = 256, FDS_MAX = 1024, PATH_BYTES = 4096, KINDS = 8 };

struct bytes {
    uint8_t *data;
    size_t size;
};

struct change { /* of a file's content: a write, or (data NULL) a truncation to at */
    size_t at;
    struct bytes data;
    struct change *next;
};

struct inode {
    struct bytes durable;
    struct change *pending, **pending_end;
    struct inode *next;
};

struct entry {
    char name[64];
    struct inode *inode;
};

struct names {
    struct entry entries[NAMES_MAX];
    size_t count;
};

struct name_change { /* from goes (if not empty), to becomes inode (if not empty) */
    char from[64], to[64];
    struct inode *inode;
    struct name_change *next;
};

static struct {
    char folder[PATH_BYTES], parent[PATH_BYTES];
    struct crash_plan plan;
    long count;
    const char *kinds[KINDS];
    long kind_counts[KINDS];
    int is_dead, has_struck, is_failing, is_next_sync_failing;
    enum crash_how failing_how;
    struct inode *inodes;
    struct names now, durable;
    struct name_change *pending, **pending_end;
    int is_folder_durable;
    struct inode *fds[FDS_MAX];
} disk;

static uint32_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* --- contents --- */

static void bytes_resize(struct bytes *bytes, size_t size)
{
    if (size > bytes->size) {
        bytes->data = mem_realloc(bytes->data, size);
        CHECK(bytes->data != NULL);
        memset(bytes->data + bytes->size, 0, size - bytes->size);
    }
    bytes->size = size;
}

static void apply(struct bytes *to, const struct change *change, size_t size)
{
    if (change->data.data == NULL) {
        if (change->at < to->size)
            to->size = change->at;
        return;
    }
    if (change->at + size > to->size)
        bytes_resize(to, change->at + size);
    memcpy(to->data + change->at, change->data.data, size);
}

static void change_free(struct change *change)
{
    mem_free(change->data.data);
    mem_free(change);
}

void crash_disk_write(struct inode *inode, const void *data, size_t size, size_t at)
{
    struct change *change = mem_zalloc(sizeof(*change));
    CHECK(change != NULL);
    change->at = at;
    if (data != NULL) {
        bytes_resize(&change->data, size != 0 ? size : 1);
        memcpy(change->data.data, data, size);
        change->data.size = size;
    }
    *inode->pending_end = change;
    inode->pending_end = &change->next;
}

/* is_durable 0: the writes are dropped, as after a failed fsync. */
static void settle(struct inode *inode, int is_durable)
{
    while (inode->pending != NULL) {
        struct change *change = inode->pending;
        inode->pending = change->next;
        if (is_durable)
            apply(&inode->durable, change, change->data.size);
        change_free(change);
    }
    inode->pending_end = &inode->pending;
}

/* --- names --- */

static struct entry *names_find(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->entries[i].name, name) == 0)
            return &names->entries[i];
    return NULL;
}

static void names_remove(struct names *names, const char *name)
{
    struct entry *entry = names_find(names, name);
    if (entry != NULL)
        *entry = names->entries[--names->count];
}

static void names_set(struct names *names, const char *name, struct inode *inode)
{
    names_remove(names, name);
    CHECK(names->count < NAMES_MAX);
    struct entry *entry = &names->entries[names->count++];
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->inode = inode;
}

static void names_apply(struct names *names, const struct name_change *change)
{
    if (change->from[0] != '\0')
        names_remove(names, change->from);
    if (change->to[0] != '\0')
        names_set(names, change->to, change->inode);
}

static void rename_in_model(const char *from, const char *to, struct inode *inode)
{
    struct name_change *change = mem_zalloc(sizeof(*change));
    CHECK(change != NULL);
    snprintf(change->from, sizeof(change->from), "%s", from);
    snprintf(change->to, sizeof(change->to), "%s", to);
    change->inode = inode;
    names_apply(&disk.now, change);
    *disk.pending_end = change;
    disk.pending_end = &change->next;
}

static void settle_names(int is_durable)
{
    while (disk.pending != NULL) {
        struct name_change *change = disk.pending;
        disk.pending = change->next;
        if (is_durable)
            names_apply(&disk.durable, change);
        mem_free(change);
    }
    disk.pending_end = &disk.pending;
}

static struct inode *inode_new(void)
{
    struct inode *inode = mem_zalloc(sizeof(*inode));
    CHECK(inode != NULL);
    inode->pending_end = &inode->pending;
    inode->next = disk.inodes;
    disk.inodes = inode;
    return inode;
}

const char *crash_disk_name(const char *path)
{
    size_t size = strlen(disk.folder);
    if (path == NULL || strncmp(path, disk.folder, size) != 0 || path[size] != '/')
        return NULL;
    return path + size + 1;
}

struct inode *crash_disk_inode(const char *path)
{
    const char *name = crash_disk_name(path);
    struct entry *entry = name != NULL ? names_find(&disk.now, name) : NULL;
    return entry != NULL ? entry->inode : NULL;
}

struct inode *crash_disk_add(const char *path)
{
    struct inode *inode = inode_new();
    rename_in_model("", crash_disk_name(path), inode);
    return inode;
}

void crash_disk_synced(struct inode *inode, int is_ok)
{
    settle(inode, is_ok || disk.plan.keeps_failed_sync);
}

/* --- the plan --- */

static void count_kind(const char *what)
{
    for (int i = 0; i < KINDS; i++) {
        if (disk.kinds[i] != NULL && strcmp(disk.kinds[i], what) != 0)
            continue;
        disk.kinds[i] = what;
        disk.kind_counts[i]++;
        return;
    }
}

static enum verdict strike(enum crash_how how)
{
    disk.has_struck = 1;
    switch (how) {
    case CRASH_NEVER:
        return GO;
    case CRASH_BEFORE:
        disk.is_dead = 1;
        return REFUSE;
    case CRASH_AFTER:
        return GO_THEN_DIE;
    case CRASH_TORN:
        disk.is_dead = 1;
        return TEAR;
    case FAIL_EIO:
    case FAIL_NOSPC:
    case FAIL_ON_EIO:
    case FAIL_ON_NOSPC:
        disk.failing_how = how;
        disk.is_failing = how == FAIL_ON_EIO || how == FAIL_ON_NOSPC;
        return REFUSE;
    }
    return GO;
}

/* On a full disk only what needs room fails: new names, writes. (Overwriting in place is taken to
   need none only for the mark, which is the one file that is allocated ahead.) */
static int needs_room(const char *what)
{
    return strcmp(what, "write") == 0 || strcmp(what, "create") == 0 || strcmp(what, "mkdir") == 0;
}

enum verdict crash_disk_decide(const char *what)
{
    if (disk.is_dead) {
        errno = EIO;
        return REFUSE;
    }
    disk.count++;
    count_kind(what);
    enum verdict verdict = GO;
    if (disk.is_next_sync_failing && strcmp(what, "sync") == 0) {
        disk.is_next_sync_failing = 0;
        verdict = REFUSE;
    } else if (disk.is_failing)
        verdict = REFUSE;
    else if (disk.count == disk.plan.at)
        verdict = strike(disk.plan.how);
    else if (disk.count == disk.plan.second_at)
        verdict = strike(disk.plan.second_how);
    int is_full = disk.failing_how == FAIL_NOSPC || disk.failing_how == FAIL_ON_NOSPC;
    if (verdict == REFUSE && !disk.is_dead && is_full && !needs_room(what))
        verdict = GO;
    if (verdict == REFUSE)
        errno = !disk.is_dead && is_full ? ENOSPC : EIO;
    return verdict;
}

void crash_disk_done(enum verdict verdict)
{
    if (verdict == GO_THEN_DIE)
        disk.is_dead = 1;
}

/* The process learns nothing of what happened after its death. */
static int answer(int result)
{
    if (disk.is_dead) {
        errno = EIO;
        return -1;
    }
    return result;
}

/* --- the spool's own steps --- */

static int crash_make_dir(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        errno = EEXIST;
        return -1;
    }
    enum verdict verdict = crash_disk_decide("mkdir");
    if (verdict == REFUSE || verdict == TEAR)
        return -1;
    int result = mkdir(path, 0700);
    crash_disk_done(verdict);
    return answer(result);
}

static int crash_create(const char *path)
{
    const char *name = crash_disk_name(path);
    CHECK(name != NULL);
    struct entry *entry = names_find(&disk.now, name);
    enum verdict verdict = GO;
    if (entry == NULL) {
        verdict = crash_disk_decide("create");
        if (verdict == REFUSE || verdict == TEAR)
            return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && fd < FDS_MAX);
    if (entry == NULL) {
        rename_in_model("", name, inode_new());
        entry = names_find(&disk.now, name);
    }
    disk.fds[fd] = entry->inode;
    crash_disk_done(verdict);
    if (disk.is_dead) {
        close(fd);
        errno = EIO;
        return -1;
    }
    return fd;
}

static int crash_write_at(int fd, const void *data, size_t size, int64_t at)
{
    enum verdict verdict = crash_disk_decide("overwrite");
    if (verdict == REFUSE)
        return -1;
    size_t take = verdict == TEAR ? size / 2 : size;
    CHECK(pwrite(fd, data, take, at) == (ssize_t)take);
    crash_disk_write(disk.fds[fd], data, take, (size_t)at);
    crash_disk_done(verdict);
    return answer(0);
}

static int crash_sync_fd(int fd)
{
    enum verdict verdict = crash_disk_decide("sync");
    if (verdict == REFUSE || verdict == TEAR) {
        if (!disk.is_dead)
            settle(disk.fds[fd], disk.plan.keeps_failed_sync);
        return -1;
    }
    settle(disk.fds[fd], 1);
    crash_disk_done(verdict);
    return answer(0);
}

static int crash_rename(const char *from, const char *to)
{
    enum verdict verdict = crash_disk_decide("rename");
    if (verdict == REFUSE || verdict == TEAR)
        return -1;
    struct entry *entry = names_find(&disk.now, crash_disk_name(from));
    CHECK(entry != NULL);
    rename_in_model(crash_disk_name(from), crash_disk_name(to), entry->inode);
    CHECK(rename(from, to) == 0);
    crash_disk_done(verdict);
    return answer(0);
}

int crash_disk_unlink(const char *path)
{
    if (names_find(&disk.now, crash_disk_name(path)) == NULL) {
        errno = ENOENT;
        return -1;
    }
    enum verdict verdict = crash_disk_decide("unlink");
    if (verdict == REFUSE || verdict == TEAR)
        return -1;
    rename_in_model(crash_disk_name(path), "", NULL);
    CHECK(unlink(path) == 0);
    crash_disk_done(verdict);
    return answer(0);
}

int crash_disk_sync_path(const char *path)
{
    enum verdict verdict = crash_disk_decide("sync");
    int is_bad = verdict == REFUSE || verdict == TEAR;
    if (is_bad && disk.is_dead)
        return -1;
    if (strcmp(path, disk.parent) == 0) {
        disk.is_folder_durable |= !is_bad;
    } else if (strcmp(path, disk.folder) == 0) {
        if (!is_bad)
            settle_names(1);
    } else {
        struct entry *entry = names_find(&disk.now, crash_disk_name(path));
        CHECK(entry != NULL);
        settle(entry->inode, !is_bad || disk.plan.keeps_failed_sync);
    }
    if (is_bad)
        return -1;
    crash_disk_done(verdict);
    return answer(0);
}

static const struct disk_ops crash_ops = {
    .make_dir = crash_make_dir,
    .create = crash_create,
    .write_at = crash_write_at,
    .sync_fd = crash_sync_fd,
    .rename = crash_rename,
    .unlink = crash_disk_unlink,
    .sync_path = crash_disk_sync_path,
};

/* --- start and stop --- */

static void load_folder(void)
{
    struct stat st;
    disk.is_folder_durable = stat(disk.folder, &st) == 0;
    if (!disk.is_folder_durable)
        return;
    DIR *stream = opendir(disk.folder);
    CHECK(stream != NULL);
    struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        char path[PATH_BYTES + 300];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", disk.folder, entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0 && fstat(fd, &st) == 0);
        struct inode *inode = inode_new();
        bytes_resize(&inode->durable, (size_t)st.st_size);
        CHECK(pread(fd, inode->durable.data, inode->durable.size, 0) == st.st_size);
        close(fd);
        names_set(&disk.now, entry->d_name, inode);
        names_set(&disk.durable, entry->d_name, inode);
    }
    closedir(stream);
}

void crash_disk_start(const char *folder, const struct crash_plan *plan)
{
    crash_vfs_register();
    memset(&disk, 0, sizeof(disk));
    disk.pending_end = &disk.pending;
    disk.plan = *plan;
    snprintf(disk.folder, sizeof(disk.folder), "%s", folder);
    snprintf(disk.parent, sizeof(disk.parent), "%s", folder);
    *strrchr(disk.parent, '/') = '\0';
    load_folder();
    disk_replace(&crash_ops);
}

static void lose(enum crash_loss loss)
{
    for (struct inode *inode = disk.inodes; inode != NULL; inode = inode->next) {
        while (loss == LOSS_RANDOM && inode->pending != NULL) {
            struct change *change = inode->pending;
            uint32_t dice = next_random() % 4;
            size_t take = dice < 2 ? change->data.size : next_random() % (change->data.size + 1);
            inode->pending = change->next;
            if (dice != 3)
                apply(&inode->durable, change, take);
            change_free(change);
        }
        settle(inode, 0);
    }
    while (loss == LOSS_RANDOM && disk.pending != NULL) {
        struct name_change *change = disk.pending;
        disk.pending = change->next;
        if (next_random() % 2 == 0)
            names_apply(&disk.durable, change);
        mem_free(change);
    }
    settle_names(0);
}

static void empty_folder(void)
{
    DIR *stream = opendir(disk.folder);
    struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        char path[PATH_BYTES + 300];
        snprintf(path, sizeof(path), "%s/%s", disk.folder, entry->d_name);
        if (entry->d_name[0] != '.')
            CHECK(unlink(path) == 0);
    }
    if (stream != NULL)
        closedir(stream);
}

static void write_folder(void)
{
    for (size_t i = 0; i < disk.durable.count; i++) {
        const struct entry *entry = &disk.durable.entries[i];
        char path[PATH_BYTES + 300];
        snprintf(path, sizeof(path), "%s/%s", disk.folder, entry->name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        CHECK(fd >= 0);
        const struct bytes *bytes = &entry->inode->durable;
        CHECK(write(fd, bytes->data, bytes->size) == (ssize_t)bytes->size);
        close(fd);
    }
}

void crash_disk_stop(enum crash_loss loss, uint32_t seed)
{
    random_state = seed;
    disk_replace(NULL);
    lose(loss);
    /* While the kernel lives, what the process saw is what there is, dropped or not. */
    if (loss != LOSS_NONE) {
        empty_folder();
        if (disk.is_folder_durable)
            write_folder();
        else
            rmdir(disk.folder);
    }
    while (disk.inodes != NULL) {
        struct inode *inode = disk.inodes;
        disk.inodes = inode->next;
        mem_free(inode->durable.data);
        mem_free(inode);
    }
}

void crash_disk_heal(void)
{
    disk.is_failing = 0;
    disk.failing_how = CRASH_NEVER;
}

void crash_disk_fail_from_now(enum crash_how how)
{
    disk.is_failing = 1;
    disk.failing_how = how;
}

void crash_disk_fail_next_sync(void)
{
    disk.is_next_sync_failing = 1;
}

int crash_disk_is_dead(void)
{
    return disk.is_dead;
}

int crash_disk_has_struck(void)
{
    return disk.has_struck;
}

long crash_disk_count(void)
{
    return disk.count;
}

long crash_disk_kinds(const char *what)
{
    for (int i = 0; i < KINDS; i++)
        if (disk.kinds[i] != NULL && strcmp(disk.kinds[i], what) == 0)
            return disk.kind_counts[i];
    return 0;
}
