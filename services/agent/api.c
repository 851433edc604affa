/* Routes. Readiness is about accepting: with Kafka away the agent is ready, and says it is
 * degraded. */
#include "services/agent/api.h"

#include <inttypes.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/desk.h"
#include "services/agent/origin.h"
#include "services/agent/pages.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/log/log.h"

enum { DEGRADED_MS = 10000, METRICS_BYTES = 64 * 1024, FLUSH_US = 300000 };

struct api {
    struct api_config config;
    struct http_server *server;
    struct api_users users;
    int has_key, is_tls; /* of the listener */
};

/* 0: refused. Where a key is demanded it says who asks. Where none is, the listener is on loopback,
   and a page in a browser of this machine could ask, by a name of its own that points here. */
static int is_no_page(const struct api *api, struct http_request *request)
{
    if (api->has_key || origin_of(request, api->is_tls, NULL) != ORIGIN_FOREIGN)
        return 1;
    http_reply_problem(request, 403, "Forbidden",
                       "a page of another origin asked, or Host is a name and not this address", 0);
    return 0;
}

static void on_records(void *ctx, struct http_request *request)
{
    struct api *api = ctx;
    if (is_no_page(api, request))
        submit_handle(api->users.submit, request);
}

static void on_call_records(void *ctx, struct http_request *request)
{
    struct api *api = ctx;
    if (is_no_page(api, request))
        imports_handle(api->users.imports, request);
}

static void on_livez(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply(request, 200, "text/plain", slice_str("alive\n"));
}

static void on_readyz(void *ctx, struct http_request *request)
{
    struct api *api = ctx;
    struct metrics *metrics = api->config.metrics;
    int64_t waiting = metrics_get(metrics, AGENT_METRIC_SPOOL_UNDELIVERED);
    int64_t oldest_ms = metrics_get(metrics, AGENT_METRIC_SPOOL_OLDEST_AT_MS);
    int64_t now_ms = clock_now_us(api->config.clock) / 1000;
    int is_refusing = metrics_get(metrics, AGENT_METRIC_SPOOL_IS_REFUSING) != 0;
    int is_late = waiting > 0 && now_ms - oldest_ms > DEGRADED_MS;
    struct buf body;
    buf_init(&body, 1024);
    buf_addf(&body, "{\"state\":\"%s\",\"waiting\":%" PRId64 ",\"oldestWaitingMs\":%" PRId64 "}\n",
             is_refusing ? "refusing"
             : is_late   ? "degraded"
                         : "ready",
             waiting, waiting > 0 ? now_ms - oldest_ms : 0);
    http_reply(request, is_refusing ? 503 : 200, "application/json", buf_slice(&body));
    buf_done(&body);
}

static void on_metrics(void *ctx, struct http_request *request)
{
    struct api *api = ctx;
    struct buf body;
    buf_init(&body, METRICS_BYTES);
    metrics_write(api->config.metrics, &body);
    http_reply(request, 200, "text/plain; version=0.0.4", buf_slice(&body));
    buf_done(&body);
}

/* -- people at the site: the form and the look-up -- */

static void on_form_page(void *ctx, struct http_request *request)
{
    (void)ctx;
    pages_serve(request, "form.html");
}

static void on_caller_page(void *ctx, struct http_request *request)
{
    (void)ctx;
    pages_serve(request, "caller.html");
}

static void on_asset(void *ctx, struct http_request *request)
{
    (void)ctx;
    pages_serve(request, (const char *)http_request_part(request, 0).data);
}

static void on_form_config(void *ctx, struct http_request *request)
{
    form_handle_config(((struct api *)ctx)->users.form, request);
}

static void on_sign_in(void *ctx, struct http_request *request)
{
    form_handle_sign_in(((struct api *)ctx)->users.form, request);
}

static void on_sign_out(void *ctx, struct http_request *request)
{
    form_handle_sign_out(((struct api *)ctx)->users.form, request);
}

static void on_report(void *ctx, struct http_request *request)
{
    form_handle_entry(((struct api *)ctx)->users.form, request, FORM_KIND_REPORT);
}

static void on_supplement(void *ctx, struct http_request *request)
{
    form_handle_entry(((struct api *)ctx)->users.form, request, FORM_KIND_SUPPLEMENT);
}

static void on_correction(void *ctx, struct http_request *request)
{
    form_handle_entry(((struct api *)ctx)->users.form, request, FORM_KIND_CORRECTION);
}

static void on_retraction(void *ctx, struct http_request *request)
{
    form_handle_entry(((struct api *)ctx)->users.form, request, FORM_KIND_RETRACTION);
}

static void on_receipt(void *ctx, struct http_request *request)
{
    form_handle_receipt(((struct api *)ctx)->users.form, request);
}

static void on_form_caller(void *ctx, struct http_request *request)
{
    form_handle_caller(((struct api *)ctx)->users.form, request);
}

static void on_caller(void *ctx, struct http_request *request)
{
    caller_handle(((struct api *)ctx)->users.caller, request);
}

static void on_caller_preflight(void *ctx, struct http_request *request)
{
    caller_preflight(((struct api *)ctx)->users.caller, request);
}

enum { QUESTION_BYTES = 2048, SIGN_IN_BYTES = 512 };

static const struct http_route ROUTES[] = {
    {HTTP_METHOD_POST, "/v1/records", on_records, LIMIT_HTTP_BODY_BYTES, 0},
    {HTTP_METHOD_POST, "/v1/call-records", on_call_records, LIMIT_HTTP_BODY_BYTES, 0},
    {HTTP_METHOD_POST, "/v1/caller", on_caller, QUESTION_BYTES, 0},
    {HTTP_METHOD_OPTIONS, "/v1/caller", on_caller_preflight, 0, 1},
    {HTTP_METHOD_GET, "/form", on_form_page, 0, 1},
    {HTTP_METHOD_GET, "/caller", on_caller_page, 0, 1},
    {HTTP_METHOD_GET, "/pop", on_caller_page, 0, 1},
    {HTTP_METHOD_GET, "/pages/*", on_asset, 0, 1},
    {HTTP_METHOD_GET, "/form/v1/config", on_form_config, 0, 1},
    {HTTP_METHOD_POST, "/form/v1/session", on_sign_in, SIGN_IN_BYTES, 1},
    {HTTP_METHOD_POST, "/form/v1/session/end", on_sign_out, SIGN_IN_BYTES, 1},
    {HTTP_METHOD_POST, "/form/v1/reports", on_report, DESK_BODY_BYTES, 1},
    {HTTP_METHOD_POST, "/form/v1/supplements", on_supplement, DESK_BODY_BYTES, 1},
    {HTTP_METHOD_POST, "/form/v1/corrections", on_correction, DESK_BODY_BYTES, 1},
    {HTTP_METHOD_POST, "/form/v1/retractions", on_retraction, DESK_BODY_BYTES, 1},
    {HTTP_METHOD_POST, "/form/v1/receipt", on_receipt, SIGN_IN_BYTES, 1},
    {HTTP_METHOD_POST, "/form/v1/caller", on_form_caller, QUESTION_BYTES, 1},
    {HTTP_METHOD_GET, "/livez", on_livez, 0, 1},
    {HTTP_METHOD_GET, "/readyz", on_readyz, 0, 1},
    {HTTP_METHOD_GET, "/metrics", on_metrics, 0, 0},
};

enum rc api_new(const struct api_config *config, struct api **ret_api, struct err *err)
{
    struct api *api = mem_zalloc(sizeof(*api));
    if (api == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    api->config = *config;
    api->has_key = config->http->key_file != NULL;
    api->is_tls = config->http->tls_key_file != NULL;
    enum rc rc = http_server_new(config->loop, config->http, ROUTES,
                                 sizeof(ROUTES) / sizeof(ROUTES[0]), api, &api->server, err);
    if (rc != RC_OK) {
        mem_free(api);
        return rc;
    }
    *ret_api = api;
    return RC_OK;
}

void api_use(struct api *api, const struct api_users *users)
{
    api->users = *users;
}

void api_stop(struct api *api)
{
    http_server_stop(api->server);
}

static void on_flushed(void *ctx)
{
    loop_stop(ctx);
}

void api_flush(struct api *api)
{
    if (http_server_connections(api->server) == 0)
        return;
    struct loop *loop = api->config.loop;
    struct loop_watch *timer = loop_every(loop, FLUSH_US, on_flushed, loop);
    struct err err;
    if (timer != NULL && loop_run(loop, &err) != RC_OK)
        log_warn("could not send the last replies: %s", err.text);
    loop_watch_free(timer);
}

void api_free(struct api *api)
{
    if (api == NULL)
        return;
    http_server_free(api->server);
    mem_free(api);
}

int api_port(const struct api *api)
{
    return http_server_port(api->server);
}
