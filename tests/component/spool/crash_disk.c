/* Invariant: every change of the folder is counted exactly once, in decide(), before it happens. */
#include "tests/component/spool/crash_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/spool/disk.h"

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
    const char *what;
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

static void add_change(struct inode *inode, const void *data, size_t size, size_t at)
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

/* The name inside the folder; NULL when path is elsewhere. */
static const char *inside(const char *path)
{
    size_t size = strlen(disk.folder);
    if (path == NULL || strncmp(path, disk.folder, size) != 0 || path[size] != '/')
        return NULL;
    return path + size + 1;
}

/* --- the plan --- */

enum verdict { GO, GO_THEN_DIE, TEAR, REFUSE };

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

static enum verdict strike(enum crash_how how, const char *what)
{
    disk.has_struck = 1;
    disk.what = what;
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
        disk.failing_how = how;
        return REFUSE;
    case FAIL_ON_EIO:
    case FAIL_ON_NOSPC:
        disk.failing_how = how;
        disk.is_failing = 1;
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

static enum verdict decide(const char *what)
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
        verdict = strike(disk.plan.how, what);
    else if (disk.count == disk.plan.second_at)
        verdict = strike(disk.plan.second_how, what);
    int is_full = disk.failing_how == FAIL_NOSPC || disk.failing_how == FAIL_ON_NOSPC;
    if (verdict == REFUSE && !disk.is_dead && is_full && !needs_room(what))
        verdict = GO;
    if (verdict == REFUSE)
        errno = !disk.is_dead && is_full ? ENOSPC : EIO;
    return verdict;
}

static void done(enum verdict verdict)
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
    enum verdict verdict = decide("mkdir");
    if (verdict == REFUSE || verdict == TEAR)
        return -1;
    int result = mkdir(path, 0700);
    done(verdict);
    return answer(result);
}

static int crash_create(const char *path)
{
    const char *name = inside(path);
    CHECK(name != NULL);
    struct entry *entry = names_find(&disk.now, name);
    enum verdict verdict = GO;
    if (entry == NULL) {
        verdict = decide("create");
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
    done(verdict);
    if (disk.is_dead) {
        close(fd);
        errno = EIO;
        return -1;
    }
    return fd;
}

static int crash_write_at(int fd, const void *data, size_t size, int64_t at)
{
    enum verdict verdict = decide("overwrite");
    if (verdict == REFUSE)
        return -1;
    size_t take = verdict == TEAR ? size / 2 : size;
    CHECK(pwrite(fd, data, take, at) == (ssize_t)take);
    add_change(disk.fds[fd], data, take, (size_t)at);
    done(verdict);
    return answer(0);
}

static int crash_sync_fd(int fd)
{
    enum verdict verdict = decide("sync");
    if (verdict == REFUSE || verdict == TEAR) {
        if (!disk.is_dead)
            settle(disk.fds[fd], disk.plan.keeps_failed_sync);
        return -1;
    }
    settle(disk.fds[fd], 1);
    done(verdict);
    return answer(0);
}

static int crash_rename(const char *from, const char *to)
{
    enum verdict verdict = decide("rename");
    if (verdict == REFUSE || verdict == TEAR)
        return -1;
    struct entry *entry = names_find(&disk.now, inside(from));
    CHECK(entry != NULL);
    rename_in_model(inside(from), inside(to), entry->inode);
    CHECK(rename(from, to) == 0);
    done(verdict);
    return answer(0);
}

static int crash_unlink(const char *path)
{
    if (names_find(&disk.now, inside(path)) == NULL) {
        errno = ENOENT;
        return -1;
    }
    enum verdict verdict = decide("unlink");
    if (verdict == REFUSE || verdict == TEAR)
        return -1;
    rename_in_model(inside(path), "", NULL);
    CHECK(unlink(path) == 0);
    done(verdict);
    return answer(0);
}

static int crash_sync_path(const char *path)
{
    enum verdict verdict = decide("sync");
    int is_bad = verdict == REFUSE || verdict == TEAR;
    if (is_bad && disk.is_dead)
        return -1;
    if (strcmp(path, disk.parent) == 0) {
        disk.is_folder_durable |= !is_bad;
    } else if (strcmp(path, disk.folder) == 0) {
        if (!is_bad)
            settle_names(1);
    } else {
        struct entry *entry = names_find(&disk.now, inside(path));
        CHECK(entry != NULL);
        settle(entry->inode, !is_bad || disk.plan.keeps_failed_sync);
    }
    if (is_bad)
        return -1;
    done(verdict);
    return answer(0);
}

static const struct disk_ops crash_ops = {
    .make_dir = crash_make_dir,
    .create = crash_create,
    .write_at = crash_write_at,
    .sync_fd = crash_sync_fd,
    .rename = crash_rename,
    .unlink = crash_unlink,
    .sync_path = crash_sync_path,
};

/* --- SQLite's steps --- */

struct crash_file {
    sqlite3_file base;
    struct inode *inode; /* NULL: not in the folder */
    sqlite3_file *real;  /* lies behind this struct */
};

static sqlite3_vfs *real_vfs;

static struct crash_file *crash_of(sqlite3_file *file)
{
    return (struct crash_file *)file;
}

static int code_of_errno(int code)
{
    return errno == ENOSPC ? SQLITE_FULL : code;
}

static int vfs_close(sqlite3_file *file)
{
    struct crash_file *crash = crash_of(file);
    return crash->real->pMethods != NULL ? crash->real->pMethods->xClose(crash->real) : SQLITE_OK;
}

static int vfs_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
    sqlite3_file *real = crash_of(file)->real;
    return real->pMethods->xRead(real, out, size, at);
}

static int vfs_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    struct crash_file *crash = crash_of(file);
    enum verdict verdict = crash->inode != NULL ? decide("write") : GO;
    if (verdict == REFUSE)
        return code_of_errno(SQLITE_IOERR_WRITE);
    int take = verdict == TEAR ? size / 2 : size;
    int code = SQLITE_OK;
    if (take > 0)
        code = crash->real->pMethods->xWrite(crash->real, data, take, at);
    if (crash->inode != NULL && take > 0)
        add_change(crash->inode, data, (size_t)take, (size_t)at);
    done(verdict);
    return disk.is_dead ? SQLITE_IOERR_WRITE : code;
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct crash_file *crash = crash_of(file);
    enum verdict verdict = crash->inode != NULL ? decide("truncate") : GO;
    if (verdict == REFUSE || verdict == TEAR)
        return SQLITE_IOERR_TRUNCATE;
    int code = crash->real->pMethods->xTruncate(crash->real, size);
    if (crash->inode != NULL)
        add_change(crash->inode, NULL, 0, (size_t)size);
    done(verdict);
    return disk.is_dead ? SQLITE_IOERR_TRUNCATE : code;
}

static int vfs_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    struct crash_file *crash = crash_of(file);
    if (crash->inode == NULL)
        return SQLITE_OK;
    enum verdict verdict = decide("sync");
    if (verdict == REFUSE || verdict == TEAR) {
        if (!disk.is_dead)
            settle(crash->inode, disk.plan.keeps_failed_sync);
        return SQLITE_IOERR_FSYNC;
    }
    settle(crash->inode, 1);
    done(verdict);
    return disk.is_dead ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int vfs_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = crash_of(file)->real;
    return real->pMethods->xFileSize(real, size);
}

static int vfs_lock(sqlite3_file *file, int lock)
{
    sqlite3_file *real = crash_of(file)->real;
    return real->pMethods->xLock(real, lock);
}

static int vfs_unlock(sqlite3_file *file, int lock)
{
    sqlite3_file *real = crash_of(file)->real;
    return real->pMethods->xUnlock(real, lock);
}

static int vfs_check_lock(sqlite3_file *file, int *is_reserved)
{
    sqlite3_file *real = crash_of(file)->real;
    return real->pMethods->xCheckReservedLock(real, is_reserved);
}

static int vfs_control(sqlite3_file *file, int op, void *arg)
{
    sqlite3_file *real = crash_of(file)->real;
    return real->pMethods->xFileControl(real, op, arg);
}

static int vfs_sector(sqlite3_file *file)
{
    sqlite3_file *real = crash_of(file)->real;
    return real->pMethods->xSectorSize(real);
}

static int vfs_traits(sqlite3_file *file)
{
    sqlite3_file *real = crash_of(file)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

/* Version 1: no shared memory, no mapping. The spool needs neither. */
static const sqlite3_io_methods crash_methods = {
    .iVersion = 1,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_lock,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_traits,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    (void)vfs;
    struct crash_file *crash = crash_of(file);
    const char *name = inside(path);
    struct entry *entry = name != NULL ? names_find(&disk.now, name) : NULL;
    enum verdict verdict = GO;
    *crash = (struct crash_file){.real = (sqlite3_file *)(crash + 1)};
    crash->real->pMethods = NULL;
    if (name != NULL && entry == NULL) {
        if (!(flags & SQLITE_OPEN_CREATE))
            return SQLITE_CANTOPEN;
        verdict = decide("create");
        if (verdict == REFUSE || verdict == TEAR)
            return code_of_errno(SQLITE_CANTOPEN);
    }
    int code = real_vfs->xOpen(real_vfs, path, crash->real, flags, ret_flags);
    if (code == SQLITE_OK && name != NULL && entry == NULL) {
        rename_in_model("", name, inode_new());
        entry = names_find(&disk.now, name);
    }
    crash->inode = entry != NULL ? entry->inode : NULL;
    if (crash->real->pMethods != NULL)
        crash->base.pMethods = &crash_methods;
    done(verdict);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
    (void)vfs;
    if (inside(path) == NULL)
        return real_vfs->xDelete(real_vfs, path, sync_dir);
    if (crash_unlink(path) != 0)
        return errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
    if (sync_dir && crash_sync_path(disk.folder) != 0)
        return SQLITE_IOERR_DIR_FSYNC;
    return SQLITE_OK;
}

static void register_vfs(void)
{
    static sqlite3_vfs vfs;
    if (real_vfs != NULL)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = CRASH_DISK_VFS;
    vfs.pNext = NULL;
    vfs.szOsFile = (int)sizeof(struct crash_file) + real_vfs->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

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
    register_vfs();
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

const char *crash_disk_what(void)
{
    return disk.what != NULL ? disk.what : "nothing";
}

long crash_disk_kinds(const char *what)
{
    for (int i = 0; i < KINDS; i++)
        if (disk.kinds[i] != NULL && strcmp(disk.kinds[i], what) == 0)
            return disk.kind_counts[i];
    return 0;
}
