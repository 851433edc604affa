/* What a head alone decides, before any body is taken, and how a connection is refused. Invariant:
   a refusal takes the connection from evhttp for good. evhttp waits for a first byte then and would
   only close it. The reply says "Connection: close", and what still comes in is read and thrown
   away for a moment, so that the kernel does not reset the connection under the reply. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <sys/socket.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/http/http_internal.h"

#define LINGER_US (2 * CLOCK_US_PER_S)

enum { REFUSAL_BYTES_MAX = 2048 };

/* -- refusing -- */

static void on_refusal_written(struct bufferevent *bev, void *arg)
{
    (void)arg;
    http_tls_say_goodbye(bev);
    shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_refusal_event(struct bufferevent *bev, short what, void *arg)
{
    struct http_conn *conn = arg;
    (void)bev;
    (void)what;
    http_conn_close(conn);
}

void http_judge_refuse(struct http_conn *conn, int status, const char *extra, const char *detail)
{
    const char *reason = http_reply_reason(status);
    struct buf body;
    struct buf head;
    buf_init(&body, REFUSAL_BYTES_MAX);
    buf_init(&head, REFUSAL_BYTES_MAX);
    conn->door->server->problem(&body, status, reason, detail);
    buf_addf(
        &head,
        "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
        "Cache-Control: " HTTP_HEADER_CACHE "\r\nX-Content-Type-Options: " HTTP_HEADER_SNIFF
        "\r\nContent-Security-Policy: " HTTP_HEADER_CONTENT "\r\n%s%sConnection: close\r\n\r\n",
        status, reason, body.size,
        conn->door->server->is_tls_only ? "Strict-Transport-Security: " HTTP_HEADER_TRANSPORT "\r\n"
                                        : "",
        extra);
    conn->state = HTTP_CONN_REFUSING;
    conn->deadline_us = http_now_us() + LINGER_US;
    evbuffer_drain(conn->held, evbuffer_get_length(conn->held));
    bufferevent_setcb(conn->bev, NULL, on_refusal_written, on_refusal_event, conn);
    int is_ok = !head.is_failed && !body.is_failed &&
                bufferevent_write(conn->bev, head.data, head.size) == 0 &&
                bufferevent_write(conn->bev, body.data, body.size) == 0 &&
                bufferevent_enable(conn->bev, EV_READ | EV_WRITE) == 0;
    buf_done(&head);
    buf_done(&body);
    if (!is_ok)
        conn->deadline_us = 0; /* the sweep closes it */
}

/* -- judging a head -- */

static const struct http_route *route_find(const struct http_conn *conn, struct slice path,
                                           int *ret_is_known)
{
    const struct http_server *server = conn->door->server;
    *ret_is_known = 0;
    for (size_t i = 0; i < server->routes_count; i++) {
        const struct http_route *route = &server->routes[i];
        if (!http_path_fits(route->path, path))
            continue;
        *ret_is_known = 1;
        if ((int)route->method == (int)conn->guard.method)
            return route;
    }
    return NULL;
}

static void refuse_method(struct http_conn *conn, struct slice path)
{
    const struct http_server *server = conn->door->server;
    struct buf allow;
    buf_init(&allow, REFUSAL_BYTES_MAX / 2);
    unsigned named = 0; /* several routes may fit with one method */
    for (size_t i = 0; i < server->routes_count; i++) {
        enum http_method method = server->routes[i].method;
        if ((named & method) != 0 || !http_path_fits(server->routes[i].path, path))
            continue;
        named |= method;
        buf_addf(&allow, "%s%s", allow.size == 0 ? "Allow: " : ", ",
                 method == HTTP_METHOD_GET    ? "GET"
                 : method == HTTP_METHOD_POST ? "POST"
                                              : "OPTIONS");
    }
    buf_add_str(&allow, "\r\n");
    http_judge_refuse(conn, 405, allow.is_failed ? "" : (const char *)allow.data,
                      "the path does not take this method");
    buf_done(&allow);
}

static int is_key_given(const struct http_conn *conn, const uint8_t *head)
{
    static const char SCHEME[] = "bearer ";
    const struct buf *key = &conn->door->server->key;
    struct http_guard_span value = conn->guard.authorization;
    size_t scheme_size = sizeof(SCHEME) - 1;
    if (value.size != scheme_size + key->size)
        return 0;
    for (size_t i = 0; i < scheme_size; i++)
        if ((head[value.at + i] | (SCHEME[i] == ' ' ? 0 : 0x20)) != (uint8_t)SCHEME[i])
            return 0;
    return CRYPTO_memcmp(head + value.at + scheme_size, key->data, key->size) == 0;
}

/* The client waits for leave to send its body. evhttp would give it too, but sees the request only
   when it is whole. Its write callback is for replies and is set again with the next one. */
static void give_leave(struct http_conn *conn)
{
    static const char CONTINUE[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bufferevent_data_cb on_read = NULL;
    bufferevent_event_cb on_event = NULL;
    void *arg = NULL;
    bufferevent_getcb(conn->bev, &on_read, NULL, &on_event, &arg);
    bufferevent_setcb(conn->bev, on_read, NULL, on_event, arg);
    if (bufferevent_write(conn->bev, CONTINUE, sizeof(CONTINUE) - 1) == 0)
        bufferevent_enable(conn->bev, EV_WRITE);
}

void http_judge_head(struct http_conn *conn)
{
    struct http_server *server = conn->door->server;
    const struct http_guard *guard = &conn->guard;
    const uint8_t *head = evbuffer_pullup(conn->held, (ev_ssize_t)conn->scanned);
    if (head == NULL) {
        http_judge_refuse(conn, 503, "Retry-After: 1\r\n", "out of memory");
        return;
    }
    int is_known;
    struct slice path = slice_of(head + guard->path.at, guard->path.size);
    const struct http_route *route = route_find(conn, path, &is_known);
    int is_open = conn->door->is_unix || server->key.size == 0 || (route != NULL && route->is_open);
    if (!is_open && !is_key_given(conn, head)) {
        http_judge_refuse(conn, 401, "WWW-Authenticate: Bearer\r\n", "the key is missing or wrong");
    } else if (!is_known) {
        http_judge_refuse(conn, 404, "", "there is nothing at this path");
    } else if (route == NULL) {
        refuse_method(conn, path);
    } else if (guard->body_bytes > route->body_bytes_max) {
        http_judge_refuse(conn, 413, "", "the body is larger than this path takes");
    } else if (guard->body_bytes > LIMIT_HTTP_BODIES_BYTES - server->bodies_bytes) {
        http_judge_refuse(conn, 503, "Retry-After: 1\r\n", "too many bodies are under way");
    } else {
        conn->route = route;
        conn->body_bytes = (size_t)guard->body_bytes;
        server->bodies_bytes += conn->body_bytes;
        if (guard->has_expect && !guard->is_http_1_0 &&
            evbuffer_get_length(conn->held) < conn->scanned + conn->body_bytes)
            give_leave(conn);
    }
}
