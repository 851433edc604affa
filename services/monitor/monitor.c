/* The monitor as one start-up array. */
#include "services/monitor/monitor.h"

#include <signal.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/base/stages.h"
#include "services/common/http/http.h"
#include "services/common/log/log.h"
#include "services/common/loop/loop.h"
#include "services/monitor/events.h"
#include "services/monitor/lookup.h"
#include "services/monitor/metric.h"
#include "services/monitor/pages.h"
#include "services/monitor/problem.h"
#include "services/monitor/seal.h"
#include "services/monitor/serve.h"
#include "services/monitor/watch.h"

#define DRAIN_EVERY_US (50 * CLOCK_US_PER_MS)
#define DRAIN_US (5 * CLOCK_US_PER_S)

struct monitor {
    const struct monitor_config *config;
    struct monitor_state state;
    struct loop_watch *sigterm, *sigint;
    struct watch *watch;
    struct seal *seal;
    struct pages *pages;
    struct http_route *routes; /* those of this file, then routes_all */
    struct http_server *server;
    struct loop_watch *drain; /* once a signal came */
    int64_t drain_until_us;
};

static void on_livez(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply(request, 200, "text/plain", slice_str("alive\n"));
}

static void on_readyz(void *ctx, struct http_request *request)
{
    struct monitor *monitor = ctx;
    if (metrics_get(monitor->state.metrics, METRIC_DATABASE_UP))
        http_reply(request, 200, "text/plain", slice_str("ready\n"));
    else
        http_reply_problem(request, 503, "Database away", "trying again every 2 seconds", 2);
}

static void on_metrics(void *ctx, struct http_request *request)
{
    struct monitor *monitor = ctx;
    struct buf body;
    buf_init(&body, 64 * 1024);
    metrics_set(
        monitor->state.metrics, METRIC_CALLS_UNDER_WAY,
        (int64_t)(pool_under_way(monitor->state.pool) + lookup_under_way(monitor->state.lookups)));
    metrics_write(monitor->state.metrics, &body);
    http_reply(request, 200, "text/plain; version=0.0.4", buf_slice(&body));
    buf_done(&body);
}

static void on_index(void *ctx, struct http_request *request)
{
    struct monitor *monitor = ctx;
    pages_reply_index(monitor->pages, request);
}

static void on_asset(void *ctx, struct http_request *request)
{
    struct monitor *monitor = ctx;
    pages_reply_asset(monitor->pages, request);
}

static const struct http_route OWN_ROUTES[] = {
    {HTTP_METHOD_GET, "/livez", on_livez, 0, 1},     {HTTP_METHOD_GET, "/readyz", on_readyz, 0, 1},
    {HTTP_METHOD_GET, "/metrics", on_metrics, 0, 1}, {HTTP_METHOD_GET, "/", on_index, 0, 1},
    {HTTP_METHOD_GET, "/assets/*", on_asset, 0, 1},
};

enum { OWN_COUNT = sizeof(OWN_ROUTES) / sizeof(OWN_ROUTES[0]) };

static void on_call(void *ctx, struct http_request *request)
{
    struct monitor *monitor = ctx;
    serve(&monitor->state, &routes_all[http_request_route(request) - OWN_COUNT], request);
}

static enum rc start_metrics(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    monitor->state.metrics = metric_table_new();
    return monitor->state.metrics == NULL ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

static void stop_metrics(void *ctx)
{
    struct monitor *monitor = ctx;
    metrics_free(monitor->state.metrics);
}

/* What is under way may end, within a deadline; event streams are cut off at once. */
static void on_drain(void *ctx)
{
    struct monitor *monitor = ctx;
    if (http_server_connections(monitor->server) == 0 ||
        clock_mono_us(clock_real()) >= monitor->drain_until_us)
        loop_stop(monitor->state.loop);
}

static void on_signal(void *ctx)
{
    struct monitor *monitor = ctx;
    if (monitor->server == NULL || monitor->drain != NULL) {
        loop_stop(monitor->state.loop); /* a second signal does not wait */
        return;
    }
    http_server_stop(monitor->server);
    monitor->drain_until_us = clock_mono_us(clock_real()) + DRAIN_US;
    monitor->drain = loop_every(monitor->state.loop, DRAIN_EVERY_US, on_drain, monitor);
    if (monitor->drain == NULL)
        loop_stop(monitor->state.loop);
}

static void stop_loop(void *ctx)
{
    struct monitor *monitor = ctx;
    loop_watch_free(monitor->drain);
    loop_watch_free(monitor->sigterm);
    loop_watch_free(monitor->sigint);
    loop_free(monitor->state.loop);
}

static enum rc start_loop(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    enum rc rc = loop_new(&monitor->state.loop, err);
    if (rc != RC_OK)
        return rc;
    monitor->sigterm = loop_signal(monitor->state.loop, SIGTERM, on_signal, monitor);
    monitor->sigint = loop_signal(monitor->state.loop, SIGINT, on_signal, monitor);
    if (monitor->sigterm != NULL && monitor->sigint != NULL)
        return RC_OK;
    stop_loop(monitor);
    return err_set(err, RC_RETRY, "out of memory");
}

static enum rc start_watch(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    return watch_start(monitor->config->database, monitor->config->silent_after_us,
                       monitor->state.metrics, &monitor->watch, err);
}

static void stop_watch(void *ctx)
{
    struct monitor *monitor = ctx;
    watch_stop(monitor->watch);
}

static enum rc start_seal(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    const struct seal_config config = {.database = monitor->config->database,
                                       .heads_file = monitor->config->audit_heads_file,
                                       .metrics = monitor->state.metrics};
    return seal_start(&config, &monitor->seal, err);
}

static void stop_seal(void *ctx)
{
    struct monitor *monitor = ctx;
    seal_stop(monitor->seal);
}

static enum rc start_pool(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    const struct pool_config config = {.database = monitor->config->database,
                                       .threads = (size_t)monitor->config->threads,
                                       .waiting_max = LIMIT_MONITOR_WAITING,
                                       .schema_least = MONITOR_SCHEMA_LEAST,
                                       .schema_most = MONITOR_SCHEMA_MOST};
    monitor->state.throttle = throttle_new();
    if (monitor->state.throttle == NULL)
        return err_set(err, RC_RETRY, "out of memory or of random bytes");
    enum rc rc = pool_new(monitor->state.loop, &config, &monitor->state.pool, err);
    if (rc != RC_OK)
        throttle_free(monitor->state.throttle);
    return rc;
}

static void stop_pool(void *ctx)
{
    struct monitor *monitor = ctx;
    pool_free(monitor->state.pool);
    throttle_free(monitor->state.throttle);
}

static enum rc start_lookups(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    return lookup_new(&monitor->state, &monitor->state.lookups, err);
}

static void stop_lookups(void *ctx)
{
    struct monitor *monitor = ctx;
    lookup_free(monitor->state.lookups);
}

static enum rc start_events(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    return events_new(&monitor->state, &monitor->state.events, err);
}

static void stop_events(void *ctx)
{
    struct monitor *monitor = ctx;
    events_free(monitor->state.events);
}

static enum rc start_pages(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    return pages_new(monitor->config->tokeniser_url, &monitor->pages, err);
}

static void stop_pages(void *ctx)
{
    struct monitor *monitor = ctx;
    pages_free(monitor->pages);
}

static enum rc make_routes(struct monitor *monitor, struct err *err)
{
    monitor->routes = mem_zalloc_array(OWN_COUNT + routes_count, sizeof(*monitor->routes));
    if (monitor->routes == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    for (size_t i = 0; i < OWN_COUNT; i++)
        monitor->routes[i] = OWN_ROUTES[i];
    for (size_t i = 0; i < routes_count; i++)
        monitor->routes[OWN_COUNT + i] =
            (struct http_route){.method = routes_all[i].method,
                                .path = routes_all[i].path,
                                .handler = on_call,
                                .body_bytes_max = routes_all[i].body_bytes_max};
    return RC_OK;
}

static enum rc start_http(void *ctx, struct err *err)
{
    struct monitor *monitor = ctx;
    const struct monitor_config *config = monitor->config;
    const struct http_config http = {
        .address = config->address,
        .port = (int)config->port,
        .tls_certificate_file = config->tls_certificate_file,
        .tls_key_file = config->tls_key_file,
        .problem = problem_write_refusal,
        .is_tls_only = 1,
        .connections_max = (size_t)config->connections,
        .connections_per_peer_max = (size_t)config->connections_per_peer,
    };
    enum rc rc = make_routes(monitor, err);
    if (rc != RC_OK)
        return rc;
    rc = http_server_new(monitor->state.loop, &http, monitor->routes, OWN_COUNT + routes_count,
                         monitor, &monitor->server, err);
    if (rc == RC_OK)
        log_info("listening on %s port %d", http.address, http_server_port(monitor->server));
    else
        mem_free(monitor->routes);
    return rc;
}

static void stop_http(void *ctx)
{
    struct monitor *monitor = ctx;
    http_server_free(monitor->server);
    mem_free(monitor->routes);
}

static const struct stage STAGES[] = {
    {"metrics", start_metrics, stop_metrics}, {"loop", start_loop, stop_loop},
    {"watch", start_watch, stop_watch},       {"seal", start_seal, stop_seal},
    {"events", start_events, stop_events},    {"pool", start_pool, stop_pool},
    {"lookups", start_lookups, stop_lookups}, {"pages", start_pages, stop_pages},
    {"http", start_http, stop_http},
};

enum rc monitor_run(const struct monitor_config *config, struct err *err)
{
    const size_t count = sizeof(STAGES) / sizeof(STAGES[0]);
    struct monitor monitor = {.config = config, .state = {.config = config}};
    enum rc rc = stages_start(STAGES, count, &monitor, err);
    if (rc != RC_OK)
        return rc;
    rc = loop_run(monitor.state.loop, err);
    stages_stop(STAGES, count, &monitor);
    return rc;
}
