#include "tests/support/unit.h"

#include <poll.h>
#include <pthread.h>

#include "services/common/base/queue.h"

enum { GIVERS = 4, ITEMS = 20000 };

static int is_readable(const struct queue *queue)
{
    struct pollfd fd = {.fd = queue_fd(queue), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void order_bound_and_close(void **state)
{
    (void)state;
    int items[4];
    void *out[4];
    struct queue *queue = queue_new(3);
    assert_false(is_readable(queue));
    for (int i = 0; i < 3; i++)
        assert_int_equal(queue_give(queue, &items[i]), RC_OK);
    assert_int_equal(queue_give(queue, &items[3]), RC_FULL);
    assert_true(is_readable(queue));
    assert_int_equal(queue_take(queue, out, 2), 2);
    assert_ptr_equal(out[0], &items[0]);
    assert_ptr_equal(out[1], &items[1]);
    assert_true(is_readable(queue));
    assert_int_equal(queue_give(queue, &items[3]), RC_OK);
    assert_int_equal(queue_wait(queue, out, 4, -1), 2);
    assert_ptr_equal(out[1], &items[3]);
    assert_false(is_readable(queue));
    assert_int_equal(queue_wait(queue, out, 4, 1), 0);
    assert_int_equal(queue_give(queue, &items[0]), RC_OK);
    queue_close(queue);
    assert_int_equal(queue_give(queue, &items[0]), RC_FATAL);
    assert_false(queue_is_over(queue));
    assert_int_equal(queue_wait(queue, out, 4, -1), 1);
    assert_true(queue_is_over(queue));
    assert_int_equal(queue_wait(queue, out, 4, -1), 0);
    queue_free(queue);
    queue_free(NULL);
}

static void all_or_none_are_given(void **state)
{
    (void)state;
    int items[3];
    void *given[3] = {&items[0], &items[1], &items[2]};
    void *out[4];
    struct queue *queue = queue_new(4);
    assert_int_equal(queue_give_all(queue, given, 0), RC_OK);
    assert_false(is_readable(queue));
    assert_int_equal(queue_give(queue, &items[2]), RC_OK);
    assert_int_equal(queue_take(queue, out, 4), 1); /* so that the ring wraps */
    assert_int_equal(queue_give_all(queue, given, 3), RC_OK);
    assert_true(is_readable(queue));
    assert_int_equal(queue_give_all(queue, given, 2), RC_FULL);
    assert_int_equal(queue_count(queue), 3);
    assert_int_equal(queue_give_all(queue, given, 1), RC_OK);
    assert_int_equal(queue_take(queue, out, 4), 4);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(out[i], &items[i]);
    assert_ptr_equal(out[3], &items[0]);
    assert_false(is_readable(queue));
    queue_close(queue);
    assert_int_equal(queue_give_all(queue, given, 1), RC_FATAL);
    queue_free(queue);
}

struct giver {
    struct queue *queue;
    uintptr_t first;
};

static void *give_all(void *ctx)
{
    struct giver *giver = ctx;
    for (uintptr_t i = 0; i < ITEMS; i++) {
        enum rc rc;
        do
            rc = queue_give(giver->queue, (void *)(giver->first + i));
        while (rc == RC_FULL);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    struct queue *queue = queue_new(64);
    struct giver givers[GIVERS];
    pthread_t threads[GIVERS];
    uintptr_t next[GIVERS] = {0};
    for (uintptr_t i = 0; i < GIVERS; i++) {
        givers[i] = (struct giver){.queue = queue, .first = 1 + i * ITEMS};
        pthread_create(&threads[i], NULL, give_all, &givers[i]);
    }
    for (size_t taken = 0; taken < (size_t)GIVERS * ITEMS;) {
        void *items[16];
        size_t n = queue_wait(queue, items, 16, -1);
        for (size_t i = 0; i < n; i++) {
            uintptr_t giver = ((uintptr_t)items[i] - 1) / ITEMS;
            assert_int_equal(((uintptr_t)items[i] - 1) % ITEMS, next[giver]++);
        }
        taken += n;
    }
    for (size_t i = 0; i < GIVERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(queue_count(queue), 0);
    queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_bound_and_close),
        cmocka_unit_test(all_or_none_are_given),
        cmocka_unit_test(threads_lose_nothing),
    };
    return UNIT_MAIN(tests);
}
