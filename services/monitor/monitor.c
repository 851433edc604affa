/* The monitor as one start-up array. */
#include "services/monitor/monitor.h"

#include <signal.h>

#include "services/common/base/stages.h"
#include "services/common/http/http.h"
#include "services/common/log/log.h"
#include "services/common/loop/loop.h"
#include "services/monitor/watch.h"

struct monitor {
    const struct monitor_config *config;
    struct metrics *metrics;
    struct loop *loop;
    struct loop_watch *sigterm, *sigint;
    struct watch *watch;
    struct http_server *server;
};

static void on_livez(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply(request, 200, "text/plain", slice_str("alive\n"));
}

static void on_readyz(void *ctx, struct http_request *request)
{
    struct monitor *monitor = ctx;
    if (metrics_get(monitor->metrics, WATCH_METRIC_DATABASE_UP))
        http_reply(request, 200, "text/plain", slice_str("ready\n"));
    else
        http_reply_problem(request, 503, "Database away", "trying again every 2 seconds", 2);
}

static void on_metrics(void *ctx, struct http_request *request)
{
    struct monitor *monitor = ctx;
    struct buf body;
    buf_init(&body, 64 * 1024);
    metrics_write(monitor->metrics, &body);
    http_reply(request, 200, "text/plain; version=0.0.4", buf_slice(&body));
    buf_done(&body);
}

static const struct http_route ROUTES[] = {
    {HTTP_METHOD_GET, "/livez", on_livez, 0, 1},
    {HTTP_METHOD_GET, "/readyz", on_readyz, 0, 1},
    {HTTP_METHOD_GET, "/metrics", on_metrics, 0, 1},
};

static enum rc start_metrics(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    monitor->metrics = watch_metrics_new();
    return monitor->metrics == NULL ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

static void stop_metrics(void *ctx)
{
    struct monitor *monitor = ctx;
    metrics_free(monitor->metrics);
}

static void on_signal(void *ctx)
{
    struct monitor *monitor = ctx;
    loop_stop(monitor->loop);
}

static void stop_loop(void *ctx)
{
    struct monitor *monitor = ctx;
    loop_watch_free(monitor->sigterm);
    loop_watch_free(monitor->sigint);
    loop_free(monitor->loop);
}

static enum rc start_loop(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    enum rc rc = loop_new(&monitor->loop, err);
    if (rc != RC_OK)
        return rc;
    monitor->sigterm = loop_signal(monitor->loop, SIGTERM, on_signal, monitor);
    monitor->sigint = loop_signal(monitor->loop, SIGINT, on_signal, monitor);
    if (monitor->sigterm != NULL && monitor->sigint != NULL)
        return RC_OK;
    stop_loop(monitor);
    return err_set(err, RC_RETRY, "out of memory");
}

static enum rc start_watch(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    return watch_start(monitor->config->database, monitor->config->silent_after_us,
                       monitor->metrics, &monitor->watch, err);
}

static void stop_watch(void *ctx)
{
    struct monitor *monitor = ctx;
    watch_stop(monitor->watch);
}

static enum rc start_http(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    const struct http_config http = {.address = monitor->config->address,
                                     .port = (int)monitor->config->port};
    enum rc rc = http_server_new(monitor->loop, &http, ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0]),
                                 monitor, &monitor->server, err);
    if (rc == RC_OK)
        log_info("listening on %s port %d", http.address, http_server_port(monitor->server));
    return rc;
}

static void stop_http(void *ctx)
{
    struct monitor *monitor = ctx;
    http_server_stop(monitor->server);
    http_server_free(monitor->server);
}

static const struct stage STAGES[] = {
    {"metrics", start_metrics, stop_metrics},
    {"loop", start_loop, stop_loop},
    {"watch", start_watch, stop_watch},
    {"http", start_http, stop_http},
};

enum rc monitor_run(const struct monitor_config *config, struct err *err)
{
    const size_t count = sizeof(STAGES) / sizeof(STAGES[0]);
    struct monitor monitor = {.config = config};
    enum rc rc = stages_start(STAGES, count, &monitor, err);
    if (rc != RC_OK)
        return rc;
    rc = loop_run(monitor.loop, err);
    stages_stop(STAGES, count, &monitor);
    return rc;
}
