#ifndef KASUMORI_AGENT_API_H
#define KASUMORI_AGENT_API_H

#include "services/agent/caller.h"
#include "services/agent/form.h"
#include "services/agent/imports.h"
#include "services/agent/submit.h"
#include "services/common/base/rc.h"
#include "services/common/http/http.h"
#include "services/common/loop/loop.h"
#include "services/common/metrics/metrics.h"

/* The agent's HTTP face: api.c has the routes, docs/agent-openapi.yaml describes them. */
struct api;

struct api_config {
    struct loop *loop;
    const struct http_config *http;
    struct metrics *metrics;
    struct clock clock;
};

/* RC_REJECT for a bad setting, RC_RETRY when an address cannot be bound. */
enum rc api_new(const struct api_config *config, struct api **ret_api, struct err *err) MUST_CHECK;
/* What the routes hand requests to; before the loop runs. All are borrowed until api_stop. */
struct api_users {
    struct submit *submit;
    struct imports *imports;
    struct form *form;
    struct caller *caller;
};
void api_use(struct api *api, const struct api_users *users);
/* No new connections. */
void api_stop(struct api *api);
/* Lets replies under way go out, for up to 300 ms. */
void api_flush(struct api *api);
void api_free(struct api *api);
int api_port(const struct api *api);

#endif
