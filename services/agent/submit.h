#ifndef KASUMORI_AGENT_SUBMIT_H
#define KASUMORI_AGENT_SUBMIT_H

#include <stddef.h>

#include "services/agent/intake.h"
#include "services/agent/keeper.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/http/http.h"
#include "services/common/loop/loop.h"
#include "services/common/metrics/metrics.h"

/* POST /v1/records: bodies to the keeper, the keeper's answers to replies. Owned by the loop's
 * thread. */
struct submit;

struct submit_config {
    struct loop *loop;
    const struct bundle *bundle;
    const struct mask_roster *roster;
    struct metrics *metrics;
    struct clock clock;
};

/* config's pointers are borrowed. RC_RETRY when memory or descriptors are out. */
enum rc submit_new(const struct submit_config *config, struct submit **ret_submit,
                   struct err *err) MUST_CHECK;
/* Where records go; before the first request. */
void submit_use(struct submit *submit, struct keeper *keeper);
/* Gives the keeper what is still held together; before keeper_stop. */
void submit_flush(struct submit *submit);
/* After keeper_stop: replies to what the keeper answered last. */
void submit_free(struct submit *submit);

/* Takes the request; replies now (bad input, full) or when the keeper has answered. */
void submit_handle(struct submit *submit, struct http_request *request);

#endif
