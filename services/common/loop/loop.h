#ifndef KASUMORI_LOOP_LOOP_H
#define KASUMORI_LOOP_LOOP_H

#include <stdint.h>

#include "services/common/base/rc.h"

/* One event loop, owned by one thread. Nothing called from it may block. loop_new makes the process
   ignore SIGPIPE: libevent writes to sockets without MSG_NOSIGNAL, and a peer that went away must
   be an error on its connection, not the end of the process. */
struct loop;
struct loop_watch; /* a timer, a descriptor, a signal or a call that waits to be woken */

struct event_base; /* libevent's, for common/http only */

enum rc loop_new(struct loop **ret_loop, struct err *err) MUST_CHECK;
void loop_free(struct loop *loop);
struct event_base *loop_base(struct loop *loop);

/* Returns when loop_stop was called, at once when it was called before. RC_FATAL when the kernel
   refuses to wait. */
enum rc loop_run(struct loop *loop, struct err *err) MUST_CHECK;
/* From the loop's thread. */
void loop_stop(struct loop *loop);

typedef void loop_call(void *ctx);

/* All return NULL when memory is out; freed by loop_watch_free, before loop_free, also from within
   their own call. period_us: at least 1 ms. fd stays the caller's; call runs as long as it is
   readable (level-triggered). signo is taken from its default action until the watch is freed. */
struct loop_watch *loop_every(struct loop *loop, int64_t period_us, loop_call *call,
                              void *ctx) MUST_CHECK;
struct loop_watch *loop_readable(struct loop *loop, int fd, loop_call *call, void *ctx) MUST_CHECK;
struct loop_watch *loop_signal(struct loop *loop, int signo, loop_call *call, void *ctx) MUST_CHECK;
/* Its call runs once after each time it was woken, when all that was ready by then is dealt with.
 */
struct loop_watch *loop_woken(struct loop *loop, loop_call *call, void *ctx) MUST_CHECK;
/* From the loop's thread; waking it again before its call has run changes nothing. */
void loop_wake(struct loop_watch *watch);
void loop_watch_free(struct loop_watch *watch);

#endif
