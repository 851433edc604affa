#ifndef KASUMORI_AGENT_FORM_H
#define KASUMORI_AGENT_FORM_H

#include "services/agent/agent_config.h"
#include "services/agent/bundle.h"
#include "services/agent/caller.h"
#include "services/agent/form_draft.h"
#include "services/agent/keeper.h"
#include "services/agent/mask.h"
#include "services/agent/review.h"
#include "services/common/base/rc.h"
#include "services/common/http/http.h"
#include "services/common/loop/loop.h"
#include "services/common/metrics/metrics.h"

/* The staff form: pages, sessions and what they post. Its routes are open to whoever reaches the
   listener; what a browser posts must be JSON with the header X-Kasumori, from a page of this
   agent. Owned by the loop's thread. */
struct form;

struct form_config {
    struct loop *loop;
    const struct agent_config *agent;
    const struct bundle *bundle;
    const struct mask_roster *roster;
    struct keeper *keeper;
    struct caller *caller;
    struct review *review;
    struct metrics *metrics;
    struct clock clock;
};

/* config's pointers are borrowed. */
enum rc form_start(const struct form_config *config, struct form **ret_form,
                   struct err *err) MUST_CHECK;
/* Stores and answers what was posted. */
void form_stop(struct form *form);

/* Each takes the request. */
void form_handle_config(struct form *form, struct http_request *request);
void form_handle_sign_in(struct form *form, struct http_request *request);
void form_handle_sign_out(struct form *form, struct http_request *request);
void form_handle_entry(struct form *form, struct http_request *request, enum form_kind kind);
void form_handle_receipt(struct form *form, struct http_request *request);
void form_handle_caller(struct form *form, struct http_request *request);

#endif
