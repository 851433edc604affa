#ifndef KASUMORI_AGENT_DESK_INTERNAL_H
#define KASUMORI_AGENT_DESK_INTERNAL_H

#include <pthread.h>

#include "services/agent/desk.h"
#include "services/agent/intake.h"
#include "services/agent/throttle.h"
#include "services/common/spool/kept.h"

/* Shared by desk.c and desk_form.c. */
struct desk {
    struct desk_config config;
    struct kept *kept;
    struct intake intake;
    struct arena *arena; /* of the form being read; the intake's own is the record's */
    struct queue *jobs;
    struct queue *stored; /* where the keeper answers */
    /* apart, so that cheap guesses of one kind cannot push out the locks of another */
    struct throttle codes, peers, receipts;
    struct worker nobody; /* hashed for when a code is unknown, so that both take as long */
    pthread_t thread;
    int64_t expire_at_us;
};

/* Sets the problem. */
void desk_refuse(struct desk_job *job, int status, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Whether key may try; else the job is refused with 429. */
int desk_may_try(struct desk *desk, struct desk_job *job, const struct throttle *throttle,
                 const char *key);

void desk_form(struct desk *desk, struct desk_job *job);
void desk_receipt(struct desk *desk, struct desk_job *job);

#endif
