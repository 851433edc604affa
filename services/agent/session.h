#ifndef KASUMORI_AGENT_SESSION_H
#define KASUMORI_AGENT_SESSION_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/workers/workers.h"

/* Who has signed in on the form: random ids in a cookie, kept in memory only. One thread. */
enum { SESSIONS_MAX = 128, SESSION_ID_BYTES = 32, SESSION_TEXT_BYTES = 2 * SESSION_ID_BYTES + 1 };

struct sessions {
    int64_t idle_us, most_us; /* a session ends so long after its last use, its begin */
    struct session {
        uint8_t id[SESSION_ID_BYTES];
        char worker[WORKERS_CODE_BYTES + 1]; /* empty: free */
        int64_t begun_us, used_us;           /* monotonic */
    } items[SESSIONS_MAX];
};

/* The least used one gives way when all are taken. RC_RETRY without randomness. */
enum rc session_begin(struct sessions *sessions, const char *worker, int64_t now_us,
                      char ret_id[SESSION_TEXT_BYTES], struct err *err) MUST_CHECK;
/* The worker of the session in a Cookie header (NULL: none), NULL when there is none; counts as
   use. */
const char *session_worker(struct sessions *sessions, const char *cookie, int64_t now_us);
void session_end(struct sessions *sessions, const char *cookie);
/* All of a worker who is no more. */
void session_end_worker(struct sessions *sessions, const char *worker);

#define SESSION_COOKIE "kasumori-worker"

#endif
