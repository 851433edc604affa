#ifndef KASUMORI_MONITOR_SERVE_JOB_H
#define KASUMORI_MONITOR_SERVE_JOB_H

#include "services/monitor/batch.h"
#include "services/monitor/caller.h"
#include "services/monitor/pool.h"

/* One request on its way, for serve.c and for routes whose requests are answered together. */
struct serve_job {
    struct pool_task task;
    struct batch_item item;
    struct http_request *request;
    struct caller caller;
    enum caller_way way;
    struct call call;
};

struct serve_job *serve_job_of(struct batch_item *item);

/* Whether the row lets the caller in, with what it shows. RC_REJECT after a problem. */
enum rc serve_check(struct serve_job *job) MUST_CHECK;

/* Puts a failure in words that the handler did not put in words itself. */
void serve_fail(struct serve_job *job, enum rc rc, const struct err *err);

/* Replies and frees. On the loop's thread. */
void serve_finish(struct serve_job *job);

#endif
