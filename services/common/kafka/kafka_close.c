/* librdkafka's close and destroy may hang (its issues 4486, 4527, 4724; a name look-up in progress
   also blocks them), and a service must be able to stop. Invariant: the shared struct is freed by
   whichever side is second. */
#include "services/common/kafka/kafka_close.h"

#include <pthread.h>
#include <stdatomic.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/base/queue.h"

struct closing {
    rd_kafka_t *rk;
    int is_leaving;
    struct queue *done; /* one item: finished */
    atomic_int sides_done;
};

static void closing_release(struct closing *closing)
{
    if (atomic_fetch_add(&closing->sides_done, 1) == 0)
        return;
    queue_free(closing->done);
    mem_free(closing);
}

static void *closing_main(void *arg)
{
    struct closing *closing = arg;
    if (closing->is_leaving)
        rd_kafka_consumer_close(closing->rk);
    /* The flag means nothing to a producer. A consumer that was not told to leave must not: a
       static member's partitions wait for its successor, that is what the instance id is for. */
    rd_kafka_destroy_flags(closing->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    CHECK(queue_give(closing->done, closing) == RC_OK);
    closing_release(closing);
    return NULL;
}

int kafka_close_bounded(rd_kafka_t *rk, int is_leaving, int wait_ms)
{
    pthread_t thread;
    void *item;
    struct closing *closing = mem_zalloc(sizeof(*closing));
    if (closing == NULL)
        return 0; /* the handle is leaked: destroying it here could block for ever */
    closing->rk = rk;
    closing->is_leaving = is_leaving;
    closing->done = queue_new(1);
    if (closing->done == NULL || pthread_create(&thread, NULL, closing_main, closing) != 0) {
        queue_free(closing->done);
        mem_free(closing);
        return 0;
    }
    pthread_detach(thread);
    int is_done = queue_wait(closing->done, &item, 1, wait_ms) == 1;
    closing_release(closing);
    return is_done;
}
