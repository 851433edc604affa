#ifndef KASUMORI_FETCH_FETCH_H
#define KASUMORI_FETCH_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/buf.h"
#include "services/common/base/queue.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Asking one HTTP server questions that are worth nothing when late, from a thread of its own with
   kept connections. After a time-out or a broken connection the circuit is open: questions are
   turned away at once while the thread probes the server, until it answers a probe with 2xx. */
struct fetch;

struct fetch_config {
    const char *url;        /* "https://host:port"; "http://" to a loopback address only */
    const char *key_file;   /* 0600, sent as "Authorization: Bearer …"; NULL: none */
    const char *ca_file;    /* PEM; NULL: the system's */
    const char *probe_path; /* "/readyz" */
    int64_t timeout_us;     /* from fetch_give to the last byte of the answer; at least 1 ms */
};

enum fetch_outcome {
    FETCH_OUTCOME_ANSWERED, /* status and answer are set, whatever the status */
    FETCH_OUTCOME_TIMED_OUT,
    FETCH_OUTCOME_UNREACHABLE, /* no such host, refused, broken off */
    FETCH_OUTCOME_UNTRUSTED,   /* its certificate does not prove who it is */
    FETCH_OUTCOME_OVERSIZED,   /* more than LIMIT_FETCH_ANSWER_BYTES */
    FETCH_OUTCOME_FAILED,      /* out of memory, stopping, or not HTTP */
};

/* One POST of JSON. The giver fills the first part, gives it, and gets it back on its done queue,
   which must have a slot for each it has outstanding; between, it belongs to the thread. */
struct fetch_job {
    const char *path;
    struct slice body;
    struct queue *done;
    void *ctx; /* the giver's */

    enum fetch_outcome outcome;
    int status;
    struct buf answer; /* the giver's to release with buf_done, set up by fetch_give */

    int64_t deadline_us; /* the thread's own */
    void *transfer;
};

/* config's strings are borrowed. RC_REJECT for a bad URL or key file, RC_RETRY when a file cannot
   be read or memory or threads are out. Does not connect. */
enum rc fetch_start(const struct fetch_config *config, struct fetch **ret_fetch,
                    struct err *err) MUST_CHECK;

/* Any thread; never blocks. RC_RETRY: the circuit is open; RC_FULL: LIMIT_FETCH_JOBS are under way;
   RC_FATAL: stopping. */
enum rc fetch_give(struct fetch *fetch, struct fetch_job *job) MUST_CHECK;

/* What is under way comes back as FAILED; joins the thread. */
void fetch_stop(struct fetch *fetch);

/* Whether url is one that fetch_start takes. */
enum rc fetch_check_url(const char *url, struct err *err) MUST_CHECK;

#endif
