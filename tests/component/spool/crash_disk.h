#ifndef KASUMORI_TESTS_CRASH_DISK_H
#define KASUMORI_TESTS_CRASH_DISK_H

#include <stdint.h>

/* A disk that can lose its power, for one folder and one process: SQLite reaches it by the VFS
   CRASH_DISK_VFS, the spool's own steps by disk_replace. Real files hold what the process sees;
   beside them is kept what a power cut would leave: contents up to the last fsync of the file,
   names up to the last fsync of the folder. After a failed fsync the writes it should have covered
   count as dropped, as Linux does it: a later fsync does not bring them to the disk. */

#define CRASH_DISK_VFS "crash"

enum crash_how {
    CRASH_NEVER,
    CRASH_BEFORE, /* the operation does not happen, nor any after it */
    CRASH_AFTER,  /* it is the last one to happen */
    CRASH_TORN,   /* half of a write happens; others: as before */
    FAIL_EIO,     /* the operation fails, later ones work */
    FAIL_NOSPC,   /* as FAIL_EIO, with "no space" where an operation needs some */
    FAIL_ON_EIO,  /* this one and all after it fail until crash_disk_heal */
    FAIL_ON_NOSPC,
};

enum crash_loss {
    LOSS_NONE,     /* the process died, the kernel lives: all it wrote is there */
    LOSS_UNSYNCED, /* power cut: nothing is there that was not synced */
    LOSS_RANDOM,   /* power cut: of each unsynced write and name change all, a part or nothing is
                      there */
};

/* folder: of the spool, with its parent existing. Changes count from 1; how happens at number at,
   and at number second too if that is not 0 (as FAIL_EIO or a crash before). */
struct crash_plan {
    int keeps_failed_sync; /* the other thing a failed fsync may mean: it all reached the disk */
    enum crash_how how;
    long at;
    enum crash_how second_how;
    long second_at;
};

void crash_disk_start(const char *folder, const struct crash_plan *plan);
/* Puts the folder into the state after the crash and ends the simulation; the spool is closed. */
void crash_disk_stop(enum crash_loss loss, uint32_t seed);
void crash_disk_heal(void);
void crash_disk_fail_from_now(enum crash_how how); /* FAIL_ON_… */
void crash_disk_fail_next_sync(void);

int crash_disk_is_dead(void);
int crash_disk_has_struck(void);
long crash_disk_count(void);             /* changes so far */
long crash_disk_kinds(const char *what); /* how many of that kind so far */

#endif
