#ifndef KASUMORI_AGENT_DESK_H
#define KASUMORI_AGENT_DESK_H

#include "services/agent/agent_config.h"
#include "services/agent/bundle.h"
#include "services/agent/form_draft.h"
#include "services/agent/keeper.h"
#include "services/agent/mask.h"
#include "services/common/base/buf.h"
#include "services/common/base/clock.h"
#include "services/common/base/queue.h"
#include "services/common/base/rc.h"
#include "services/common/http/http.h"
#include "services/common/metrics/metrics.h"
#include "services/common/workers/workers.h"

/* The thread behind the staff form: it does what blocks (hashing PINs, receipts on disk, waiting
   for the keeper), one thing after the other. */
struct desk;

enum { DESK_JOBS = 32, DESK_BODY_BYTES = 64 * 1024 };

enum desk_kind {
    DESK_KIND_SIGN_IN, /* {"code","pin"} */
    DESK_KIND_FORM,    /* a body of form_read */
    DESK_KIND_RECEIPT, /* {"receipt"}, and "formId" of what was added to it */
};

/* The giver fills the first part and gets the job back on the desk's done queue with the second. */
struct desk_job {
    enum desk_kind kind;
    enum form_kind form;
    struct buf body;                     /* desk_job_done wipes and releases it */
    char worker[WORKERS_CODE_BYTES + 1]; /* of the session; empty: none */
    char peer[HTTP_PEER_GROUP_BYTES];    /* of http_peer_group */
    void *ctx;

    int status;                   /* of HTTP; below 300 answer is set, else code and why */
    const char *code;             /* of a problem, stable: "wrong_pin" */
    char place[FORM_PLACE_BYTES]; /* the member at fault, may be empty */
    struct err why;
    int retry_after_s;
    struct buf
        answer; /* JSON; of RECEIPT open at its end, for the rest is not the desk's to know */
    struct uuid record_id; /* RECEIPT: of the report … */
    int is_delivered;      /* … which headquarters has by the spool's mark */
    char signed_in[WORKERS_CODE_BYTES +
                   1]; /* SIGN_IN: whom; FORM with signed_out: nobody any more */
};

void desk_job_init(struct desk_job *job, enum desk_kind kind);
void desk_job_done(struct desk_job *job);

struct desk_config {
    const struct bundle *bundle;
    const struct mask_roster *roster;
    const struct config_list *spots; /* struct agent_spot */
    const char *workers_file;        /* NULL: nobody signs in; read at each use */
    const char *dir;                 /* of the spool: receipts lie beside it */
    struct keeper *keeper;
    struct metrics *metrics;
    struct clock clock;
    struct queue *done; /* with DESK_JOBS slots */
};

/* config's pointers are borrowed. */
enum rc desk_start(const struct desk_config *config, struct desk **ret_desk,
                   struct err *err) MUST_CHECK;
/* RC_FULL: DESK_JOBS wait. Never blocks. */
enum rc desk_give(struct desk *desk, struct desk_job *job) MUST_CHECK;
/* Does what was given, joins. */
void desk_stop(struct desk *desk);

#endif
