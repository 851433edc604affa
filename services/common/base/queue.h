#ifndef KASUMORI_BASE_QUEUE_H
#define KASUMORI_BASE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"

/* The one way threads talk: a bounded first-in-first-out ring of pointers with an eventfd that is
   readable whenever the ring may hold something. Any number of threads on both sides. */
struct queue;

/* slots: 1..2^20. NULL when memory or descriptors are out. */
struct queue *queue_new(size_t slots) MUST_CHECK;
/* The items still inside are the caller's: drain first. */
void queue_free(struct queue *queue);

/* RC_FULL when there is no slot, RC_FATAL after queue_close. Never blocks. On success the queue
   owns the item until it is popped. */
enum rc queue_give(struct queue *queue, void *item) MUST_CHECK;
/* The same for all of count items in order, or for none: the other side wakes once. */
enum rc queue_give_all(struct queue *queue, void *const *items, size_t count) MUST_CHECK;

/* Pops up to items_max; returns how many, 0 when empty. Never blocks. Clears the eventfd. */
size_t queue_take(struct queue *queue, void **items, size_t items_max);

/* As queue_take, but waits up to wait_ms (-1: for ever) for the first item; 0 also after close. */
size_t queue_wait(struct queue *queue, void **items, size_t items_max, int wait_ms);

/* No more gives; waiters wake. */
void queue_close(struct queue *queue);

/* Closed and nothing left inside. */
int queue_is_over(struct queue *queue);

int queue_fd(const struct queue *queue);
size_t queue_count(struct queue *queue);

#endif
