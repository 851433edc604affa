/* Routes. Readiness is about accepting: with Kafka away the agent is ready, and says it is
 * degraded. */
#include "services/agent/api.h"

#include <inttypes.h>

#include "services/agent/agent_metrics.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/log/log.h"

enum { DEGRADED_MS = 10000, METRICS_BYTES = 64 * 1024, FLUSH_US = 300000 };

struct api {
    struct api_config config;
    struct http_server *server;
    struct submit *submit;
    struct imports *imports;
};

static void on_records(void *ctx, struct http_request *request)
{
    struct api *api = ctx;
    submit_handle(api->submit, request);
}

static void on_call_records(void *ctx, struct http_request *request)
{
    struct api *api = ctx;
    imports_handle(api->imports, request);
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

static const struct http_route ROUTES[] = {
    {HTTP_METHOD_POST, "/v1/records", on_records, LIMIT_HTTP_BODY_BYTES, 0},
    {HTTP_METHOD_POST, "/v1/call-records", on_call_records, LIMIT_HTTP_BODY_BYTES, 0},
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
    enum rc rc = http_server_new(config->loop, config->http, ROUTES,
                                 sizeof(ROUTES) / sizeof(ROUTES[0]), api, &api->server, err);
    if (rc != RC_OK) {
        mem_free(api);
        return rc;
    }
    *ret_api = api;
    return RC_OK;
}

void api_use(struct api *api, struct submit *submit, struct imports *imports)
{
    api->submit = submit;
    api->imports = imports;
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
