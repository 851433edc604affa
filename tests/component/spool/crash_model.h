#ifndef KASUMORI_TESTS_CRASH_MODEL_H
#define KASUMORI_TESTS_CRASH_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* Between crash_disk.c (the model and the spool's own steps) and crash_vfs.c (SQLite's). */

struct inode;

enum verdict { GO, GO_THEN_DIE, TEAR, REFUSE };

/* Counts a change before it happens and says what becomes of it; errno is set with REFUSE. */
enum verdict crash_disk_decide(const char *what);
/* After the change: the process may be dead now. */
void crash_disk_done(enum verdict verdict);

/* The name inside the folder; NULL when path is elsewhere. */
const char *crash_disk_name(const char *path);
/* NULL: path is not in the folder, or not there. */
struct inode *crash_disk_inode(const char *path);
struct inode *crash_disk_add(const char *path);
/* data NULL: the file is cut at at. */
void crash_disk_write(struct inode *inode, const void *data, size_t size, size_t at);
/* The fsync of a file came back with success or failure. */
void crash_disk_synced(struct inode *inode, int is_ok);
int crash_disk_unlink(const char *path);
int crash_disk_sync_path(const char *path);

void crash_vfs_register(void);

#endif
