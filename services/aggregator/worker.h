#ifndef KASUMORI_AGGREGATOR_WORKER_H
#define KASUMORI_AGGREGATOR_WORKER_H

#include <stdint.h>

#include "services/common/base/queue.h"
#include "services/common/base/rc.h"

/* A thread that blocks where the loop may not: a lane, the health reader, the keeper of partitions.
   It stamps its progress for the watchdog, and reports its own end through a queue. */
struct worker;

/* Returns RC_OK when it was asked to stop, else why it cannot go on. */
typedef enum rc worker_run(void *ctx, struct worker *worker, struct err *err);

/* name and ctx are borrowed for the worker's life. When run returns, the worker is given to ends.
 */
enum rc worker_start(const char *name, worker_run *run, void *ctx, struct queue *ends,
                     struct worker **ret_worker, struct err *err) MUST_CHECK;

/* From any thread. */
const char *worker_name(const struct worker *worker);
void worker_ask_stop(struct worker *worker);
int worker_is_ready(const struct worker *worker);
int64_t worker_silent_us(const struct worker *worker); /* since its last stamp */
/* Waits for its end until the monotonic instant; 1 when it has ended. Then *ret_end says how. */
int worker_join(struct worker *worker, int64_t until_mono_us, struct err *ret_end);
/* Only after worker_join has answered 1. NULL is allowed. */
void worker_free(struct worker *worker);

/* From the worker's own thread. */
int worker_is_stopping(struct worker *worker);
void worker_stamp(struct worker *worker);
void worker_set_ready(struct worker *worker, int is_ready);
/* Waits; returns at once when asked to stop. Stamps. */
void worker_pause(struct worker *worker, int wait_ms);

/* Doubling waits with jitter after failures in a row; {0} at first and after a success. */
struct back_off {
    int wait_ms;
};
void worker_back_off(struct back_off *back_off, struct worker *worker);

#endif
