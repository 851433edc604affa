/* What a supervisor and Prometheus ask. Invariant: no answer waits for anything. */
#include "services/aggregator/status.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/aggregator/aggregator_metrics.h"
#include "services/common/base/buf.h"
#include "services/common/base/mem.h"
#include "services/common/http/http.h"

enum { METRICS_BYTES_MAX = 64 * 1024 };

struct status {
    struct status_config config;
    struct http_server *server;
};

static void get_livez(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply(request, 200, "text/plain", slice_str("alive\n"));
}

static void get_readyz(void *ctx, struct http_request *request)
{
    struct status *status = ctx;
    char text[64];
    int64_t stopped = (int64_t)metrics_get(status->config.metrics, METRIC_PARTITIONS_STOPPED);
    snprintf(text, sizeof(text), "degraded: %" PRId64 " partitions wait for an operator\n",
             stopped);
    if (status->config.is_ready(status->config.ctx)) /* a restart would not help a stopped one */
        http_reply(request, 200, "text/plain", slice_str(stopped > 0 ? text : "ready\n"));
    else
        http_reply_problem(request, 503, "not ready",
                           "a lane has no database or no place in the consumer group yet", 1);
}

static void get_metrics(void *ctx, struct http_request *request)
{
    struct status *status = ctx;
    struct buf text;
    buf_init(&text, METRICS_BYTES_MAX);
    metrics_write(status->config.metrics, &text);
    if (text.is_failed)
        http_reply_problem(request, 503, "out of memory", "the metrics could not be written", 1);
    else
        http_reply(request, 200, "text/plain; version=0.0.4", buf_slice(&text));
    buf_done(&text);
}

static const struct http_route ROUTES[] = {
    {HTTP_METHOD_GET, "/livez", get_livez, 0, 1},
    {HTTP_METHOD_GET, "/readyz", get_readyz, 0, 1},
    {HTTP_METHOD_GET, "/metrics", get_metrics, 0, 1},
};

enum rc status_new(const struct status_config *config, struct status **ret_status, struct err *err)
{
    struct status *status = mem_zalloc(sizeof(*status));
    if (status == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    const struct http_config http = {.address = config->address, .port = config->port};
    status->config = *config;
    enum rc rc = http_server_new(config->loop, &http, ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0]),
                                 status, &status->server, err);
    if (rc != RC_OK) {
        mem_free(status);
        return rc;
    }
    *ret_status = status;
    return RC_OK;
}

void status_free(struct status *status)
{
    if (status == NULL)
        return;
    http_server_free(status->server);
    mem_free(status);
}

int status_port(const struct status *status)
{
    return http_server_port(status->server);
}
