/* The thread that asks. Invariant: a job given is in exactly one of: the jobs queue, the list of
   those under way, its done queue; at most LIMIT_FETCH_JOBS are before the last. */
#include "services/common/fetch/fetch.h"

#include <pthread.h>
#include <stdatomic.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/fetch/fetch_transfer.h"

#define PROBE_FIRST_US (250 * CLOCK_US_PER_MS)
#define PROBE_MOST_US (2 * CLOCK_US_PER_S)
#define PROBE_TIMEOUT_US (1 * CLOCK_US_PER_S)

enum { IDLE_MS = 1000 };

struct fetch {
    struct fetch_config config;
    struct fetch_peer peer;
    struct queue *jobs;
    pthread_t thread;
    atomic_size_t outstanding;
    atomic_int is_open; /* the circuit: nothing flows */

    /* the thread's own */
    CURLM *multi;
    struct fetch_job *active[LIMIT_FETCH_JOBS];
    size_t active_count;
    CURL *probe;
    int64_t probe_at_us;
    int64_t probe_pause_us;
};

static int64_t now_us(void)
{
    return clock_mono_us(clock_real());
}

static void give_back(struct fetch *fetch, struct fetch_job *job, enum fetch_outcome outcome)
{
    job->outcome = outcome;
    atomic_fetch_sub(&fetch->outstanding, 1);
    enum rc rc = queue_give(job->done, job);
    CHECK(rc == RC_OK);
}

static void open_circuit(struct fetch *fetch)
{
    if (atomic_exchange(&fetch->is_open, 1))
        return;
    fetch->probe_pause_us = PROBE_FIRST_US;
    fetch->probe_at_us = now_us() + PROBE_FIRST_US;
}

static void begin(struct fetch *fetch, struct fetch_job *job)
{
    int64_t left_us = job->deadline_us - now_us();
    CURL *easy = left_us <= 0 ? NULL : fetch_transfer_new(&fetch->peer, job, left_us);
    if (easy != NULL && curl_multi_add_handle(fetch->multi, easy) == CURLM_OK) {
        job->transfer = easy;
        fetch->active[fetch->active_count++] = job;
        return;
    }
    curl_easy_cleanup(easy);
    give_back(fetch, job, left_us <= 0 ? FETCH_OUTCOME_TIMED_OUT : FETCH_OUTCOME_FAILED);
}

static void end(struct fetch *fetch, size_t at, enum fetch_outcome outcome)
{
    struct fetch_job *job = fetch->active[at];
    long status = 0;
    fetch->active[at] = fetch->active[--fetch->active_count];
    curl_easy_getinfo(job->transfer, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(fetch->multi, job->transfer);
    curl_easy_cleanup(job->transfer);
    job->transfer = NULL;
    job->status = (int)status;
    if (outcome == FETCH_OUTCOME_TIMED_OUT || outcome == FETCH_OUTCOME_UNREACHABLE ||
        outcome == FETCH_OUTCOME_UNTRUSTED)
        open_circuit(fetch);
    give_back(fetch, job, outcome);
}

/* -- the circuit -- */

static void begin_probe(struct fetch *fetch)
{
    fetch->probe = fetch_transfer_new(&fetch->peer, NULL, PROBE_TIMEOUT_US);
    if (fetch->probe != NULL && curl_multi_add_handle(fetch->multi, fetch->probe) == CURLM_OK)
        return;
    curl_easy_cleanup(fetch->probe);
    fetch->probe = NULL;
    fetch->probe_at_us = now_us() + fetch->probe_pause_us;
}

static void end_probe(struct fetch *fetch, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(fetch->probe, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(fetch->multi, fetch->probe);
    curl_easy_cleanup(fetch->probe);
    fetch->probe = NULL;
    if (code == CURLE_OK && status >= 200 && status < 300) {
        atomic_store(&fetch->is_open, 0);
        return;
    }
    fetch->probe_pause_us *= 2;
    if (fetch->probe_pause_us > PROBE_MOST_US)
        fetch->probe_pause_us = PROBE_MOST_US;
    fetch->probe_at_us = now_us() + fetch->probe_pause_us;
}

/* -- the thread -- */

static void collect(struct fetch *fetch)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(fetch->multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        if (easy == fetch->probe) {
            end_probe(fetch, code);
            continue;
        }
        for (size_t i = 0; i < fetch->active_count; i++) {
            if (fetch->active[i]->transfer == easy) {
                end(fetch, i, fetch_transfer_outcome(code));
                break;
            }
        }
    }
}

static int wait_ms(const struct fetch *fetch)
{
    if (!atomic_load(&fetch->is_open) || fetch->probe != NULL)
        return IDLE_MS;
    int64_t left_us = fetch->probe_at_us - now_us();
    return left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
}

static void *run(void *ctx)
{
    struct fetch *fetch = ctx;
    while (!queue_is_over(fetch->jobs)) {
        struct fetch_job *job;
        int running;
        while (queue_take(fetch->jobs, (void **)&job, 1) == 1)
            begin(fetch, job);
        if (atomic_load(&fetch->is_open) && fetch->probe == NULL && now_us() >= fetch->probe_at_us)
            begin_probe(fetch);
        curl_multi_perform(fetch->multi, &running);
        collect(fetch);
        struct curl_waitfd fd = {.fd = queue_fd(fetch->jobs), .events = CURL_WAIT_POLLIN};
        curl_multi_poll(fetch->multi, &fd, 1, wait_ms(fetch), NULL);
    }
    while (fetch->active_count > 0)
        end(fetch, 0, FETCH_OUTCOME_FAILED);
    if (fetch->probe != NULL)
        end_probe(fetch, CURLE_ABORTED_BY_CALLBACK);
    return NULL;
}

static void fetch_free(struct fetch *fetch)
{
    if (fetch->multi != NULL)
        curl_multi_cleanup(fetch->multi);
    queue_free(fetch->jobs);
    fetch_peer_done(&fetch->peer);
    mem_free(fetch);
    curl_global_cleanup();
}

enum rc fetch_start(const struct fetch_config *config, struct fetch **ret_fetch, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, RC_RETRY, "could not start libcurl");
    struct fetch *fetch = mem_zalloc(sizeof(*fetch));
    if (fetch == NULL) {
        curl_global_cleanup();
        return err_set(err, RC_RETRY, "out of memory");
    }
    fetch->config = *config;
    enum rc rc = fetch_peer_init(&fetch->peer, &fetch->config, err);
    if (rc != RC_OK)
        goto err0;
    fetch->jobs = queue_new(LIMIT_FETCH_JOBS);
    fetch->multi = curl_multi_init();
    if (fetch->jobs == NULL || fetch->multi == NULL) {
        rc = err_set(err, RC_RETRY, "out of memory or descriptors");
        goto err0;
    }
    if (pthread_create(&fetch->thread, NULL, run, fetch) != 0) {
        rc = err_set(err, RC_RETRY, "could not start the thread that asks: %m");
        goto err0;
    }
    *ret_fetch = fetch;
    return RC_OK;
err0:
    fetch_free(fetch);
    return rc;
}

enum rc fetch_give(struct fetch *fetch, struct fetch_job *job)
{
    if (atomic_load(&fetch->is_open))
        return RC_RETRY;
    if (atomic_fetch_add(&fetch->outstanding, 1) >= LIMIT_FETCH_JOBS) {
        atomic_fetch_sub(&fetch->outstanding, 1);
        return RC_FULL;
    }
    buf_init(&job->answer, LIMIT_FETCH_ANSWER_BYTES);
    job->deadline_us = now_us() + fetch->config.timeout_us;
    enum rc rc = queue_give(fetch->jobs, job);
    if (rc != RC_OK)
        atomic_fetch_sub(&fetch->outstanding, 1);
    return rc;
}

void fetch_stop(struct fetch *fetch)
{
    if (fetch == NULL)
        return;
    queue_close(fetch->jobs);
    pthread_join(fetch->thread, NULL);
    fetch_free(fetch);
}
