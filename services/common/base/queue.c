/* Bounded queue + eventfd. The only mutex of the program lives here. Invariant: when the ring is
   not empty or the queue is closed, the eventfd is readable. */
#include "services/common/base/queue.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"

struct queue {
    pthread_mutex_t mutex;
    void **ring;
    size_t slots;
    size_t first;
    size_t count;
    int fd;
    int is_closed;
};

struct queue *queue_new(size_t slots)
{
    CHECK(slots >= 1 && slots <= 1u << 20);
    struct queue *queue = mem_zalloc(sizeof(*queue));
    if (queue == NULL)
        return NULL;
    queue->slots = slots;
    queue->ring = mem_zalloc_array(slots, sizeof(void *));
    queue->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&queue->mutex, NULL);
    if (queue->ring == NULL || queue->fd < 0) {
        queue_free(queue);
        return NULL;
    }
    return queue;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    if (queue->fd >= 0)
        close(queue->fd);
    pthread_mutex_destroy(&queue->mutex);
    mem_free(queue->ring);
    mem_free(queue);
}

static void signal_fd(struct queue *queue)
{
    uint64_t one = 1;
    ssize_t n = write(queue->fd, &one, sizeof(one));
    CHECK(n == (ssize_t)sizeof(one) || errno == EAGAIN);
}

static void clear_fd(struct queue *queue)
{
    uint64_t count;
    ssize_t n = read(queue->fd, &count, sizeof(count));
    CHECK(n == (ssize_t)sizeof(count) || errno == EAGAIN);
}

static void put(struct queue *queue, void *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        queue->ring[(queue->first + queue->count + i) % queue->slots] = items[i];
    if (queue->count == 0 && count > 0)
        signal_fd(queue);
    queue->count += count;
}

enum rc queue_give_all(struct queue *queue, void *const *items, size_t count)
{
    enum rc rc = RC_OK;
    pthread_mutex_lock(&queue->mutex);
    if (queue->is_closed)
        rc = RC_FATAL;
    else if (queue->slots - queue->count < count)
        rc = RC_FULL;
    else
        put(queue, items, count);
    pthread_mutex_unlock(&queue->mutex);
    return rc;
}

enum rc queue_give(struct queue *queue, void *item)
{
    return queue_give_all(queue, &item, 1);
}

size_t queue_take(struct queue *queue, void **items, size_t items_max)
{
    pthread_mutex_lock(&queue->mutex);
    size_t n = queue->count < items_max ? queue->count : items_max;
    for (size_t i = 0; i < n; i++)
        items[i] = queue->ring[(queue->first + i) % queue->slots];
    queue->first = (queue->first + n) % queue->slots;
    queue->count -= n;
    if (n > 0 && queue->count == 0 && !queue->is_closed)
        clear_fd(queue);
    pthread_mutex_unlock(&queue->mutex);
    return n;
}

int queue_is_over(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    int is_over = queue->is_closed && queue->count == 0;
    pthread_mutex_unlock(&queue->mutex);
    return is_over;
}

size_t queue_wait(struct queue *queue, void **items, size_t items_max, int wait_ms)
{
    for (;;) {
        size_t n = queue_take(queue, items, items_max);
        if (n > 0 || queue_is_over(queue))
            return n;
        struct pollfd pollfd = {.fd = queue->fd, .events = POLLIN};
        int ready = poll(&pollfd, 1, wait_ms);
        if (ready == 0)
            return queue_take(queue, items, items_max);
    }
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->is_closed = 1;
    signal_fd(queue);
    pthread_mutex_unlock(&queue->mutex);
}

int queue_fd(const struct queue *queue)
{
    return queue->fd;
}

size_t queue_count(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->mutex);
    return count;
}
