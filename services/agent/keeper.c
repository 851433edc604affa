/* Store, answer, publish: one thread, so that spool and producer need no lock. Invariant: an answer
   RC_OK is given only after spool_append returned RC_OK, and a record leaves the spool's
   undelivered part only by publisher_collect seeing its delivery report. */
#include "services/agent/keeper.h"

#include <poll.h>
#include <pthread.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/publisher.h"
#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/log/log.h"

enum { TICK_US = 1000000, STOP_DRAIN_US = 5000000, STOP_STALL_US = 1000000, GROUP_JOBS = 512 };

struct keeper {
    struct keeper_config config;
    struct spool *spool;
    struct publisher *publisher;
    struct queue *jobs;
    pthread_t thread;
    int64_t next_tick_us; /* monotonic */
    struct slice values[LIMIT_COMMIT_RECORDS];
    struct keeper_job *group[GROUP_JOBS];
    struct keeper_job *taken[GROUP_JOBS]; /* from the queue, not in a group yet */
    size_t taken_first, taken_count;
};

/* Jobs of one giver go back together, so that it wakes once. */
static void answer(struct keeper_job *const *jobs, size_t count, enum rc rc, const struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        jobs[i]->rc = rc;
        jobs[i]->err = *err;
    }
    for (size_t from = 0, to; from < count; from = to) {
        struct queue *done = jobs[from]->done;
        for (to = from + 1; to < count && jobs[to]->done == done;)
            to++;
        enum rc given = queue_give_all(done, (void *const *)(jobs + from), to - from);
        CHECK(given == RC_OK);
    }
}

/* The next waiting job, left where it is; NULL: none. */
static struct keeper_job *peek(struct keeper *keeper)
{
    if (keeper->taken_count == 0) {
        keeper->taken_first = 0;
        keeper->taken_count = queue_take(keeper->jobs, (void **)keeper->taken, GROUP_JOBS);
    }
    return keeper->taken_count == 0 ? NULL : keeper->taken[keeper->taken_first];
}

/* Fills group and values with waiting jobs, as many as fit one transaction. */
static size_t take_group(struct keeper *keeper, size_t *ret_values)
{
    size_t jobs = 0, values = 0;
    for (struct keeper_job *job; jobs < GROUP_JOBS && (job = peek(keeper)) != NULL;) {
        if (values + job->count > LIMIT_COMMIT_RECORDS)
            break;
        for (size_t i = 0; i < job->count; i++)
            keeper->values[values++] = job->values[i];
        keeper->group[jobs++] = job;
        keeper->taken_first++;
        keeper->taken_count--;
    }
    *ret_values = values;
    return jobs;
}

static void publish_stats(struct keeper *keeper)
{
    struct spool_stats stats;
    struct metrics *metrics = keeper->config.metrics;
    spool_stats(keeper->spool, &stats);
    metrics_set(metrics, AGENT_METRIC_SPOOL_UNDELIVERED, (int64_t)stats.undelivered);
    metrics_set(metrics, AGENT_METRIC_SPOOL_BYTES, stats.bytes);
    metrics_set(metrics, AGENT_METRIC_SPOOL_OLDEST_AT_MS, stats.oldest_undelivered_at_us / 1000);
    metrics_set(metrics, AGENT_METRIC_SPOOL_SEGMENTS, (int64_t)stats.segments);
    metrics_set(metrics, AGENT_METRIC_SPOOL_SEGMENTS_FAILED, (int64_t)stats.segments_failed);
    metrics_set(metrics, AGENT_METRIC_SPOOL_CORRUPT, (int64_t)stats.corrupt_items);
    metrics_set(metrics, AGENT_METRIC_SPOOL_IS_REFUSING, stats.is_refusing);
    metrics_set(metrics, AGENT_METRIC_CLOCK_IS_SUSPECT, stats.is_clock_suspect);
    metrics_set(metrics, AGENT_METRIC_SPOOL_EPOCH, (int64_t)stats.epoch);
    metrics_set(metrics, AGENT_METRIC_SPOOL_SEQUENCE_DELIVERED, (int64_t)stats.sequence_delivered);
}

static void number(struct keeper *keeper, size_t jobs, uint64_t first)
{
    struct spool_stats stats;
    spool_stats(keeper->spool, &stats);
    for (size_t i = 0; i < jobs; i++) {
        keeper->group[i]->epoch = stats.epoch;
        keeper->group[i]->sequence = first;
        first += keeper->group[i]->count;
    }
}

/* One group commit. Returns whether there was anything to store. */
static int store_group(struct keeper *keeper)
{
    size_t values;
    size_t jobs = take_group(keeper, &values);
    if (jobs == 0)
        return 0;
    struct err err = {0};
    uint64_t first;
    enum rc rc = spool_append(keeper->spool, keeper->values, values, &first, &err);
    struct metrics *metrics = keeper->config.metrics;
    metrics_add(metrics, AGENT_METRIC_COMMITS, 1);
    if (rc == RC_OK) {
        metrics_add(metrics, AGENT_METRIC_ACCEPTED, (int64_t)values);
        number(keeper, jobs, first);
        publish_stats(keeper); /* who reads the metrics after an answer sees its record waiting */
    } else {
        metrics_add(metrics, AGENT_METRIC_REFUSED_STORAGE, (int64_t)values);
        log_error("could not store %zu records: %s", values, err.text);
    }
    answer(keeper->group, jobs, rc, &err);
    return 1;
}

static void tick(struct keeper *keeper)
{
    int64_t now_us = clock_mono_us(keeper->config.spool.clock);
    if (now_us < keeper->next_tick_us)
        return;
    keeper->next_tick_us = now_us + TICK_US;
    struct err err;
    if (spool_tick(keeper->spool, &err) != RC_OK)
        log_error("could not tidy the spool: %s", err.text);
    publisher_tick(keeper->publisher);
    publish_stats(keeper);
}

static void wait_for_work(struct keeper *keeper)
{
    int64_t left_us = keeper->next_tick_us - clock_mono_us(keeper->config.spool.clock);
    int wait_ms = left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
    struct pollfd fds[2] = {
        {.fd = queue_fd(keeper->jobs), .events = POLLIN},
        {.fd = publisher_fd(keeper->publisher), .events = POLLIN},
    };
    (void)poll(fds, 2, wait_ms);
}

static int is_closing(struct keeper *keeper)
{
    return queue_is_over(keeper->jobs) && keeper->taken_count == 0;
}

/* Delivers on while reports keep coming. */
static void drain(struct keeper *keeper)
{
    struct clock clock = keeper->config.spool.clock;
    int64_t now_us = clock_mono_us(clock);
    int64_t deadline_us = now_us + STOP_DRAIN_US;
    int64_t stalled_us = now_us + STOP_STALL_US;
    uint64_t left = UINT64_MAX;
    for (; now_us < deadline_us && now_us < stalled_us; now_us = clock_mono_us(clock)) {
        struct spool_stats stats;
        publisher_run(keeper->publisher);
        spool_stats(keeper->spool, &stats);
        if (stats.undelivered == 0)
            return;
        if (stats.undelivered < left)
            stalled_us = now_us + STOP_STALL_US;
        left = stats.undelivered;
        struct pollfd fd = {.fd = publisher_fd(keeper->publisher), .events = POLLIN};
        (void)poll(&fd, 1, 50);
    }
    log_info("%llu records stay in the spool and are sent after the next start",
             (unsigned long long)left);
}

static void *run(void *ctx)
{
    struct keeper *keeper = ctx;
    for (;;) {
        int has_stored = store_group(keeper);
        int has_more = publisher_run(keeper->publisher);
        tick(keeper);
        if (is_closing(keeper))
            break;
        if (!has_stored && !has_more)
            wait_for_work(keeper);
    }
    drain(keeper);
    struct err err;
    if (spool_tick(keeper->spool, &err) != RC_OK)
        log_error("could not tidy the spool: %s", err.text);
    return NULL;
}

static void keeper_free(struct keeper *keeper)
{
    publisher_free(keeper->publisher);
    queue_free(keeper->jobs);
    spool_close(keeper->spool);
    mem_free(keeper);
}

enum rc keeper_start(const struct keeper_config *config, struct keeper **ret_keeper,
                     struct err *err)
{
    struct keeper *keeper = mem_zalloc(sizeof(*keeper));
    if (keeper == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    keeper->config = *config;
    enum rc rc = spool_open(&config->spool, &keeper->spool, err);
    if (rc != RC_OK)
        goto err0;
    keeper->jobs = queue_new(LIMIT_INTAKE_QUEUE);
    const struct publisher_config publisher = {
        .bundle = config->bundle,
        .spool = keeper->spool,
        .clock = config->spool.clock,
        .heartbeat_every_us = config->heartbeat_every_us,
        .metrics = config->metrics,
        .producer_new = config->producer_new,
    };
    keeper->publisher = publisher_new(&publisher);
    if (keeper->jobs == NULL || keeper->publisher == NULL) {
        rc = err_set(err, RC_RETRY, "out of memory");
        goto err0;
    }
    publish_stats(keeper);
    if (pthread_create(&keeper->thread, NULL, run, keeper) != 0) {
        rc = err_set(err, RC_RETRY, "could not start the keeper's thread: %m");
        goto err0;
    }
    *ret_keeper = keeper;
    return RC_OK;
err0:
    keeper_free(keeper);
    return rc;
}

enum rc keeper_give(struct keeper *keeper, struct keeper_job *job)
{
    return keeper_give_all(keeper, &job, 1);
}

enum rc keeper_give_all(struct keeper *keeper, struct keeper_job *const *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK(jobs[i]->count >= 1 && jobs[i]->count <= LIMIT_COMMIT_RECORDS);
    return queue_give_all(keeper->jobs, (void *const *)jobs, count);
}

void keeper_stop(struct keeper *keeper)
{
    if (keeper == NULL)
        return;
    queue_close(keeper->jobs);
    pthread_join(keeper->thread, NULL);
    keeper_free(keeper);
}
