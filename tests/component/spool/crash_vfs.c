/* The crash disk as SQLite sees it: a layer on the system's VFS. Invariant: a change of a file in
   the folder goes to the real file and to the model alike, or to neither. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/check.h"
#include "tests/component/spool/crash_disk.h"
#include "tests/component/spool/crash_model.h"

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
    enum verdict verdict = crash->inode != NULL ? crash_disk_decide("write") : GO;
    if (verdict == REFUSE)
        return code_of_errno(SQLITE_IOERR_WRITE);
    int take = verdict == TEAR ? size / 2 : size;
    int code = SQLITE_OK;
    if (take > 0)
        code = crash->real->pMethods->xWrite(crash->real, data, take, at);
    if (crash->inode != NULL && take > 0)
        crash_disk_write(crash->inode, data, (size_t)take, (size_t)at);
    crash_disk_done(verdict);
    return crash_disk_is_dead() ? SQLITE_IOERR_WRITE : code;
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct crash_file *crash = crash_of(file);
    enum verdict verdict = crash->inode != NULL ? crash_disk_decide("truncate") : GO;
    if (verdict == REFUSE || verdict == TEAR)
        return SQLITE_IOERR_TRUNCATE;
    int code = crash->real->pMethods->xTruncate(crash->real, size);
    if (crash->inode != NULL)
        crash_disk_write(crash->inode, NULL, 0, (size_t)size);
    crash_disk_done(verdict);
    return crash_disk_is_dead() ? SQLITE_IOERR_TRUNCATE : code;
}

static int vfs_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    struct crash_file *crash = crash_of(file);
    if (crash->inode == NULL)
        return SQLITE_OK;
    enum verdict verdict = crash_disk_decide("sync");
    if (verdict == REFUSE || verdict == TEAR) {
        if (!crash_disk_is_dead())
            crash_disk_synced(crash->inode, 0);
        return SQLITE_IOERR_FSYNC;
    }
    crash_disk_synced(crash->inode, 1);
    crash_disk_done(verdict);
    return crash_disk_is_dead() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
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
    struct inode *inode = crash_disk_inode(path);
    int is_new = crash_disk_name(path) != NULL && inode == NULL;
    enum verdict verdict = GO;
    *crash = (struct crash_file){.real = (sqlite3_file *)(crash + 1)};
    crash->real->pMethods = NULL;
    if (is_new && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    if (is_new)
        verdict = crash_disk_decide("create");
    if (verdict == REFUSE || verdict == TEAR)
        return code_of_errno(SQLITE_CANTOPEN);
    int code = real_vfs->xOpen(real_vfs, path, crash->real, flags, ret_flags);
    crash->inode = is_new && code == SQLITE_OK ? crash_disk_add(path) : inode;
    if (crash->real->pMethods != NULL)
        crash->base.pMethods = &crash_methods;
    crash_disk_done(verdict);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
    (void)vfs;
    if (crash_disk_name(path) == NULL)
        return real_vfs->xDelete(real_vfs, path, sync_dir);
    if (crash_disk_unlink(path) != 0)
        return errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
    char folder[4096];
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    if (sync_dir && crash_disk_sync_path(folder) != 0)
        return SQLITE_IOERR_DIR_FSYNC;
    return SQLITE_OK;
}

void crash_vfs_register(void)
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
