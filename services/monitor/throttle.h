#ifndef KASUMORI_MONITOR_THROTTLE_H
#define KASUMORI_MONITOR_THROTTLE_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Waits that double with each failure, by account and by peer, and a cap on how many passwords are
   compared at once. Known and unknown accounts are treated alike. Kept in memory: a restart forgets
   it. Any thread. */
struct throttle;

/* How many failures cost no wait; a peer may be a whole site behind one address. */
enum { THROTTLE_FREE_BY_ACCOUNT = 3, THROTTLE_FREE_BY_PEER = 20, THROTTLE_WAIT_MAX_S = 900 };

struct throttle *throttle_new(void) MUST_CHECK;
void throttle_free(struct throttle *throttle);

/* 0: go on; else how many seconds to wait, rounded up. now_us: monotonic. */
int throttle_wait_s(struct throttle *throttle, struct slice who, uint32_t free_failures,
                    int64_t now_us);
/* After a failure: the first that is not free makes wait 1 s, the next 2 s, 4 s, … up to
   THROTTLE_WAIT_MAX_S. All are forgotten after an hour without another. */
void throttle_fail(struct throttle *throttle, struct slice who, int64_t now_us);
void throttle_forget(struct throttle *throttle, struct slice who);

/* A place for one comparison, which takes 64 MiB: 0 when both are taken. */
int throttle_take_place(struct throttle *throttle);
void throttle_give_place(struct throttle *throttle);

#endif
