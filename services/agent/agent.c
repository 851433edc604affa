/* The agent as one start-up array. Stopping runs it backwards: listeners close, imports and the
   keeper store what they were given, the last answers go out, then the loop ends. */
#include "services/agent/agent.h"

#include <signal.h>
#include <string.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/api.h"
#include "services/agent/roster.h"
#include "services/common/base/stages.h"
#include "services/common/log/log.h"

struct agent {
    const struct agent_config *config;
    const struct bundle *bundle;
    struct metrics *metrics;
    struct mask_roster *roster;
    struct loop *loop;
    struct loop_watch *sigterm, *sigint;
    struct keeper *keeper;
    struct submit *submit;
    struct imports *imports;
    struct caller *caller;
    struct review *review;
    struct form *form;
    struct api *api;
};

static enum rc start_metrics(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    agent->metrics = agent_metrics_new();
    return agent->metrics == NULL ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

static void stop_metrics(void *ctx)
{
    struct agent *agent = ctx;
    metrics_free(agent->metrics);
}

static enum rc start_roster(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    if (agent->config->roster_file == NULL)
        return RC_OK;
    return roster_load(agent->config->roster_file, &agent->roster, err);
}

static void stop_roster(void *ctx)
{
    struct agent *agent = ctx;
    mask_roster_free(agent->roster);
}

static void on_signal(void *ctx)
{
    struct agent *agent = ctx;
    log_info("stopping");
    loop_stop(agent->loop);
}

static enum rc start_loop(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    enum rc rc = loop_new(&agent->loop, err);
    if (rc != RC_OK)
        return rc;
    agent->sigterm = loop_signal(agent->loop, SIGTERM, on_signal, agent);
    agent->sigint = loop_signal(agent->loop, SIGINT, on_signal, agent);
    if (agent->sigterm != NULL && agent->sigint != NULL)
        return RC_OK;
    loop_watch_free(agent->sigterm);
    loop_watch_free(agent->sigint);
    loop_free(agent->loop);
    return err_set(err, RC_RETRY, "out of memory");
}

static void stop_loop(void *ctx)
{
    struct agent *agent = ctx;
    loop_watch_free(agent->sigterm);
    loop_watch_free(agent->sigint);
    loop_free(agent->loop);
}

static enum rc start_http(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    const struct agent_config *config = agent->config;
    const struct http_config http = {
        .address = config->http.address,
        .port = (int)config->http.port,
        .unix_path = config->http.unix_path,
        .key_file = config->http.key_file,
        .tls_certificate_file = config->http.tls_certificate_file,
        .tls_key_file = config->http.tls_key_file,
    };
    const struct api_config api = {
        .loop = agent->loop, .http = &http, .metrics = agent->metrics, .clock = clock_real()};
    return api_new(&api, &agent->api, err);
}

static void stop_http(void *ctx)
{
    struct agent *agent = ctx;
    api_free(agent->api);
}

static enum rc start_submit(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    const struct submit_config submit = {
        .loop = agent->loop,
        .bundle = agent->bundle,
        .roster = agent->roster,
        .metrics = agent->metrics,
        .clock = clock_real(),
    };
    return submit_new(&submit, &agent->submit, err);
}

static void stop_submit(void *ctx)
{
    struct agent *agent = ctx;
    submit_free(agent->submit);
    api_flush(agent->api);
}

static enum rc start_keeper(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    const struct agent_config *config = agent->config;
    const struct keeper_config keeper = {
        .bundle = agent->bundle,
        .spool = {.dir = config->spool.dir,
                  .segment_bytes_max = config->spool.segment_bytes,
                  .segment_age_us_max = config->spool.segment_age_us,
                  .bytes_max = config->spool.bytes_max,
                  .replay_keep_us = config->spool.replay_keep_us,
                  .replay_bytes_max = config->spool.replay_bytes,
                  .clock = clock_real()},
        .heartbeat_every_us = config->heartbeat_every_us,
        .metrics = agent->metrics,
        .producer_new = kafka_producer_new,
    };
    enum rc rc = keeper_start(&keeper, &agent->keeper, err);
    if (rc == RC_OK)
        submit_use(agent->submit, agent->keeper);
    return rc;
}

static void stop_keeper(void *ctx)
{
    struct agent *agent = ctx;
    submit_flush(agent->submit);
    keeper_stop(agent->keeper);
}

static enum rc start_imports(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    const struct imports_config imports = {
        .loop = agent->loop,
        .keeper = agent->keeper,
        .bundle = agent->bundle,
        .roster = agent->roster,
        .metrics = agent->metrics,
        .clock = clock_real(),
        .sources = agent->config->asterisk.items,
        .sources_count = agent->config->asterisk.count,
        .dir = agent->config->spool.dir,
    };
    return imports_start(&imports, &agent->imports, err);
}

static void stop_imports(void *ctx)
{
    struct agent *agent = ctx;
    imports_stop(agent->imports);
}

static enum rc start_caller(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    const struct caller_config caller = {.loop = agent->loop,
                                         .agent = agent->config,
                                         .bundle = agent->bundle,
                                         .metrics = agent->metrics};
    return caller_start(&caller, &agent->caller, err);
}

static void stop_caller(void *ctx)
{
    struct agent *agent = ctx;
    caller_stop(agent->caller);
}

static enum rc start_review(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    const struct review_config review = {
        .loop = agent->loop, .agent = agent->config, .bundle = agent->bundle};
    return review_start(&review, &agent->review, err);
}

static void stop_review(void *ctx)
{
    struct agent *agent = ctx;
    review_stop(agent->review);
}

static enum rc start_form(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    const struct form_config form = {
        .loop = agent->loop,
        .agent = agent->config,
        .bundle = agent->bundle,
        .roster = agent->roster,
        .keeper = agent->keeper,
        .caller = agent->caller,
        .review = agent->review,
        .metrics = agent->metrics,
        .clock = clock_real(),
    };
    return form_start(&form, &agent->form, err);
}

static void stop_form(void *ctx)
{
    struct agent *agent = ctx;
    form_stop(agent->form);
}

static enum rc start_serving(void *ctx, struct err *err)
{
    struct agent *agent = ctx;
    (void)err;
    const struct api_users users = {agent->submit, agent->imports, agent->form, agent->caller};
    api_use(agent->api, &users);
    if (agent->config->http.address != NULL)
        log_info("listening on %s port %d", agent->config->http.address, api_port(agent->api));
    if (agent->config->http.unix_path != NULL)
        log_info("listening on %s", agent->config->http.unix_path);
    return RC_OK;
}

static void stop_serving(void *ctx)
{
    struct agent *agent = ctx;
    api_stop(agent->api);
}

static const struct stage STAGES[] = {
    {"metrics", start_metrics, stop_metrics}, {"roster", start_roster, stop_roster},
    {"loop", start_loop, stop_loop},          {"http", start_http, stop_http},
    {"submit", start_submit, stop_submit},    {"spool", start_keeper, stop_keeper},
    {"imports", start_imports, stop_imports}, {"look-up", start_caller, stop_caller},
    {"review", start_review, stop_review},    {"form", start_form, stop_form},
    {"serving", start_serving, stop_serving},
};

enum { STAGES_COUNT = sizeof(STAGES) / sizeof(STAGES[0]) };

enum rc agent_run(const struct agent_config *config, const struct bundle *bundle, struct err *err)
{
    struct agent agent = {.config = config, .bundle = bundle};
    enum rc rc = stages_start(STAGES, STAGES_COUNT, &agent, err);
    if (rc != RC_OK)
        return rc;
    log_info("agent %s of site %s is ready", bundle->agent, bundle->site);
    rc = loop_run(agent.loop, err);
    stages_stop(STAGES, STAGES_COUNT, &agent);
    return rc;
}
