/* The server as a whole: settings, routes, start and stop. Invariant: no connection exists outside
   server->conns, so deadlines and caps bind all of them. */
#include "services/common/http/http.h"

#include <string.h>
#include <sys/resource.h>

#include "services/common/base/clock.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/http/http_internal.h"

#define REQUEST_DEADLINE_US (10 * CLOCK_US_PER_S)
#define IDLE_US (60 * CLOCK_US_PER_S)
#define SWEEP_US (250 * CLOCK_US_PER_MS)

enum {
    CONNECTIONS_MAX = 256,
    CONNECTIONS_PER_PEER_MAX = 64,
    DESCRIPTORS_SPARE = 64, /* for the rest of the process */
    KEY_BYTES_MIN = 16,
};

static int64_t or_default(int64_t value, int64_t value_default)
{
    return value > 0 ? value : value_default;
}

static enum rc config_check(const struct http_config *config, struct err *err)
{
    struct rlimit files;
    size_t connections = config->connections_max > 0 ? config->connections_max : CONNECTIONS_MAX;
    if (config->address == NULL && config->unix_path == NULL)
        return err_set(err, RC_REJECT, "neither an address nor a Unix path is given");
    if ((config->tls_certificate_file == NULL) != (config->tls_key_file == NULL))
        return err_set(err, RC_REJECT, "TLS needs both a certificate file and a key file");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && connections + DESCRIPTORS_SPARE > files.rlim_cur)
        return err_set(
            err, RC_REJECT,
            "%zu connections do not fit the limit of %llu open files (%d are kept spare)",
            connections, (unsigned long long)files.rlim_cur, DESCRIPTORS_SPARE);
    return RC_OK;
}

static enum rc key_read(struct http_server *server, const char *path, struct err *err)
{
    struct buf *key = &server->key;
    enum rc rc = file_read_secret(path, key, err);
    if (rc != RC_OK)
        return rc;
    while (key->size > 0 && (key->data[key->size - 1] == '\n' || key->data[key->size - 1] == '\r'))
        key->size--;
    for (size_t i = 0; i < key->size; i++)
        if (key->data[i] <= ' ' || key->data[i] > '~')
            return err_set(err, RC_REJECT, "%s: the key holds white space or non-ASCII", path);
    if (key->size < KEY_BYTES_MIN)
        return err_set(err, RC_REJECT, "%s: the key has fewer than %d characters", path,
                       KEY_BYTES_MIN);
    return RC_OK;
}

static size_t body_bytes_max(const struct http_server *server)
{
    size_t max = 0;
    for (size_t i = 0; i < server->routes_count; i++)
        if (server->routes[i].body_bytes_max > max)
            max = server->routes[i].body_bytes_max;
    return max;
}

/* The guard and the sweep decide; evhttp's own limits lie just beyond theirs, as a backstop. */
static enum rc door_make(struct http_door *door, struct err *err)
{
    struct http_server *server = door->server;
    int64_t longest_us = server->idle_us > server->request_deadline_us
                             ? server->idle_us
                             : server->request_deadline_us;
    struct timeval backstop = {.tv_sec = longest_us / CLOCK_US_PER_S + 2};
    door->evhttp = evhttp_new(loop_base(server->loop));
    if (door->evhttp == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    evhttp_set_bevcb(door->evhttp, http_conn_new, door);
    evhttp_set_gencb(door->evhttp, http_conn_on_request, door);
    evhttp_set_allowed_methods(door->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_OPTIONS);
    evhttp_set_max_headers_size(door->evhttp, LIMIT_HTTP_HEADERS_BYTES);
    evhttp_set_max_body_size(door->evhttp, (ev_ssize_t)body_bytes_max(server));
    evhttp_set_default_content_type(door->evhttp, NULL);
    evhttp_set_timeout_tv(door->evhttp, &backstop);
    return RC_OK;
}

static enum rc doors_open(struct http_server *server, const struct http_config *config,
                          struct err *err)
{
    enum rc rc = RC_OK;
    if (config->address != NULL) {
        rc = door_make(&server->tcp, err);
        if (rc == RC_OK)
            rc = http_listen_tcp(server, config->address, config->port, err);
    }
    if (rc == RC_OK && config->unix_path != NULL) {
        rc = door_make(&server->local, err);
        if (rc == RC_OK)
            rc = http_listen_unix(server, config->unix_path, err);
    }
    return rc;
}

static enum rc server_start(struct http_server *server, const struct http_config *config,
                            struct err *err)
{
    enum rc rc = RC_OK;
    if (config->key_file != NULL)
        rc = key_read(server, config->key_file, err);
    if (rc == RC_OK && config->tls_key_file != NULL)
        rc = http_tls_new(config->tls_certificate_file, config->tls_key_file, &server->tls, err);
    if (rc == RC_OK)
        rc = doors_open(server, config, err);
    if (rc != RC_OK)
        return rc;
    server->sweep = loop_every(server->loop, SWEEP_US, http_conn_sweep, server);
    return server->sweep == NULL ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

enum rc http_server_new(struct loop *loop, const struct http_config *config,
                        const struct http_route *routes, size_t routes_count, void *ctx,
                        struct http_server **ret_server, struct err *err)
{
    enum rc rc = config_check(config, err);
    if (rc != RC_OK)
        return rc;
    struct http_server *server = mem_zalloc(sizeof(*server));
    if (server == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    *server = (struct http_server){
        .loop = loop,
        .routes = routes,
        .routes_count = routes_count,
        .ctx = ctx,
        .is_tls_only = config->tls_key_file != NULL && config->is_tls_only,
        .problem = config->problem == NULL ? http_reply_problem_body : config->problem,
        .request_deadline_us = or_default(config->request_deadline_us, REQUEST_DEADLINE_US),
        .idle_us = or_default(config->idle_us, IDLE_US),
        .connections_max = (size_t)or_default((int64_t)config->connections_max, CONNECTIONS_MAX),
        .connections_per_peer_max =
            (size_t)or_default((int64_t)config->connections_per_peer_max, CONNECTIONS_PER_PEER_MAX),
        .tcp = {.server = server},
        .local = {.server = server, .is_unix = 1},
    };
    buf_init(&server->key, LIMIT_HTTP_KEY_BYTES);
    rc = server_start(server, config, err);
    if (rc != RC_OK) {
        http_server_free(server);
        return rc;
    }
    *ret_server = server;
    return RC_OK;
}

static void door_shut(struct http_door *door)
{
    if (door->listener != NULL)
        evhttp_del_accept_socket(door->evhttp, door->listener);
    door->listener = NULL;
}

void http_server_stop(struct http_server *server)
{
    server->is_stopping = 1;
    door_shut(&server->tcp);
    door_shut(&server->local);
    http_listen_unlink(server);
    http_conn_close_idle(server);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    http_server_stop(server);
    loop_watch_free(server->sweep);
    if (server->tcp.evhttp != NULL)
        evhttp_free(server->tcp.evhttp);
    if (server->local.evhttp != NULL)
        evhttp_free(server->local.evhttp);
    http_stream_finish_all(server);
    while (server->conns != NULL) /* those that evhttp had not finished making */
        http_conn_free(server->conns);
    http_tls_free(server->tls);
    if (server->key.data != NULL)
        explicit_bzero(server->key.data, server->key.capacity);
    buf_done(&server->key);
    mem_free(server);
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->conns_count;
}
