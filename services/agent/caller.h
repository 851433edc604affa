#ifndef KASUMORI_AGENT_CALLER_H
#define KASUMORI_AGENT_CALLER_H

#include "services/agent/agent_config.h"
#include "services/agent/bundle.h"
#include "services/agent/origin.h"
#include "services/common/base/rc.h"
#include "services/common/http/http.h"
#include "services/common/loop/loop.h"
#include "services/common/metrics/metrics.h"

/* What headquarters knows of a number: the site makes its tokens, the center never sees it. The
   answer is known, unknown, unavailable or (a number that is nobody's) not_asked; never "clean".
   Owned by the loop's thread. */
struct caller;

struct caller_config {
    struct loop *loop;
    const struct agent_config *agent;
    const struct bundle *bundle;
    struct metrics *metrics;
};

/* config's pointers are borrowed. */
enum rc caller_start(const struct caller_config *config, struct caller **ret_caller,
                     struct err *err) MUST_CHECK;
/* What is under way is answered as unavailable. */
void caller_stop(struct caller *caller);

/* POST /v1/caller of machines, and of the board of lookup.allow_origin. Takes the request. */
void caller_handle(struct caller *caller, struct http_request *request);
/* OPTIONS before it. */
void caller_preflight(struct caller *caller, struct http_request *request);
/* The question alone, from somebody who was found to be allowed. */
void caller_ask(struct caller *caller, struct http_request *request, enum origin origin);

#endif
