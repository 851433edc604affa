/* The gate between a socket and evhttp. evhttp reads laxly, has no deadlines and answers errors in
   HTML, so it is not shown what arrives: a callback on the bufferevent's input moves every byte
   into conn->held, the guard scans them there, and the bytes of one request are given back only
   when that request is whole and clean. Invariant: evhttp has seen exactly the requests that were
   answered or that a handler holds, each to its last byte and nothing after it.

   (A filtering bufferevent would be the obvious means, and does not work below evhttp: it reports
   output as written when it reached the next buffer, and evhttp then closes and loses it.)

   An error of the peer's takes the connection from evhttp for good: evhttp waits for a first byte
   then and would only close it. The reply says "Connection: close", and what still comes in is read
   and thrown away for a moment, so that the kernel does not reset the connection under the reply.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/http/http_internal.h"

#define LINGER_US (2 * CLOCK_US_PER_S)

enum { REFUSAL_BYTES_MAX = 2048 };

static int64_t now_us(void)
{
    return clock_mono_us(clock_real());
}

/* -- birth and death -- */

static void on_close(struct evhttp_connection *evcon, void *arg)
{
    struct http_conn *conn = arg;
    (void)evcon;
    if (conn->request != NULL) {
        /* A handler still holds it: keep evhttp from freeing it, http_reply will. */
        evhttp_request_own(conn->request->evreq);
        conn->request->conn = NULL;
    }
    http_conn_free(conn);
}

void http_conn_free(struct http_conn *conn)
{
    struct http_server *server = conn->door->server;
    int was_full = server->conns_count-- >= server->connections_max;
    LIST_REMOVE(conn, link);
    server->bodies_bytes -= conn->body_bytes;
    evbuffer_remove_cb_entry(bufferevent_get_input(conn->bev), conn->tap);
    if (conn->state == HTTP_CONN_NEW)
        bufferevent_decref(conn->bev);
    event_free(conn->pump);
    evbuffer_free(conn->held);
    mem_free(conn);
    if (was_full)
        http_listen_resume(server);
}

void http_conn_close(struct http_conn *conn)
{
    evhttp_connection_free(conn->evcon);
}

/* Runs inside libevent's read, before evhttp is told. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct http_conn *conn = arg;
    if (info->n_added == 0 || conn->is_giving)
        return;
    if (conn->state == HTTP_CONN_REFUSING) {
        evbuffer_drain(input, evbuffer_get_length(input));
        return;
    }
    if (evbuffer_add_buffer(conn->held, input) != 0)
        evbuffer_drain(input,
                       evbuffer_get_length(input)); /* the request stays short, and times out */
    event_active(conn->pump, EV_TIMEOUT, 0);
}

static void on_pump(evutil_socket_t fd, short what, void *arg);

static struct http_conn *conn_make(struct event_base *base, struct http_door *door)
{
    struct http_conn *conn = mem_zalloc(sizeof(*conn));
    if (conn == NULL)
        return NULL;
    conn->door = door;
    conn->deadline_us = now_us() + door->server->request_deadline_us;
    http_guard_init(&conn->guard);
    conn->held = evbuffer_new();
    conn->pump = event_new(base, -1, 0, on_pump, conn);
    conn->bev = door->server->tls != NULL && !door->is_unix
                    ? http_tls_bufferevent(door->server)
                    : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (conn->held != NULL && conn->pump != NULL && conn->bev != NULL)
        conn->tap = evbuffer_add_cb(bufferevent_get_input(conn->bev), on_input, conn);
    if (conn->tap != NULL)
        return conn;
    if (conn->bev != NULL)
        bufferevent_free(conn->bev);
    if (conn->pump != NULL)
        event_free(conn->pump);
    if (conn->held != NULL)
        evbuffer_free(conn->held);
    mem_free(conn);
    return NULL;
}

/* When this answers NULL, evhttp makes a plain bufferevent itself; http_conn_on_request closes such
   a connection, since no gate gave it the request. */
struct bufferevent *http_conn_new(struct event_base *base, void *arg)
{
    struct http_door *door = arg;
    struct http_server *server = door->server;
    struct http_conn *conn = conn_make(base, door);
    if (conn == NULL)
        return NULL;
    LIST_INSERT_HEAD(&server->conns, conn, link);
    server->conns_count++;
    if (server->conns_count >= server->connections_max)
        http_listen_pause(server);
    /* evhttp tells neither its connection object nor the descriptor yet: on_pump finishes, and the
       reference keeps bev until then should evhttp give up on it. */
    bufferevent_incref(conn->bev);
    event_active(conn->pump, EV_TIMEOUT, 0);
    return conn->bev;
}

/* IPv4 whole; of IPv6 the first 64 bits, because one host owns all the rest. */
static void peer_read(struct http_conn *conn)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    int fd = bufferevent_getfd(conn->bev);
    if (conn->door->is_unix || getpeername(fd, (struct sockaddr *)&from, &size) != 0)
        return;
    conn->peer[0] = (uint8_t)from.ss_family;
    if (from.ss_family == AF_INET)
        memcpy(conn->peer + 1, &((struct sockaddr_in *)&from)->sin_addr, 4);
    else if (from.ss_family == AF_INET6)
        memcpy(conn->peer + 1, &((struct sockaddr_in6 *)&from)->sin6_addr, 8);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int is_peer_within_cap(const struct http_conn *conn)
{
    const struct http_server *server = conn->door->server;
    const struct http_conn *other;
    size_t count = 0;
    if (conn->peer[0] == 0)
        return 1;
    LIST_FOREACH(other, &server->conns, link)
    count += memcmp(other->peer, conn->peer, HTTP_PEER_BYTES) == 0;
    return count <= server->connections_per_peer_max;
}

/* 0: conn is gone. */
static int conn_admit(struct http_conn *conn)
{
    bufferevent_event_cb on_event = NULL;
    void *evcon = NULL;
    bufferevent_getcb(conn->bev, NULL, NULL, &on_event, &evcon);
    if (on_event == NULL) {
        http_conn_free(conn); /* evhttp had no memory for it and freed its own part */
        return 0;
    }
    conn->evcon = evcon;
    CHECK(evhttp_connection_get_bufferevent(conn->evcon) == conn->bev);
    evhttp_connection_set_closecb(conn->evcon, on_close, conn);
    conn->state = HTTP_CONN_READING;
    bufferevent_decref(conn->bev);
    peer_read(conn);
    if (is_peer_within_cap(conn))
        return 1;
    http_conn_close(conn);
    return 0;
}

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

/* extra: whole header lines, may be empty. */
static void conn_refuse(struct http_conn *conn, int status, const char *extra, const char *detail)
{
    const char *reason = http_reply_reason(status);
    struct buf body;
    struct buf head;
    buf_init(&body, REFUSAL_BYTES_MAX);
    buf_init(&head, REFUSAL_BYTES_MAX);
    http_reply_problem_body(&body, status, reason, detail);
    buf_addf(&head,
             "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
             "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%sConnection: close\r\n"
             "\r\n",
             status, reason, body.size, extra);
    conn->state = HTTP_CONN_REFUSING;
    conn->deadline_us = now_us() + LINGER_US;
    evbuffer_drain(conn->held, evbuffer_get_length(conn->held));
    bufferevent_setcb(conn->bev, NULL, on_refusal_written, on_refusal_event, conn);
    int is_ok = !head.is_failed && !body.is_failed &&
                bufferevent_write(conn->bev, head.data, head.size) == 0 &&
                bufferevent_write(conn->bev, body.data, body.size) == 0 &&
                bufferevent_enable(conn->bev, EV_READ | EV_WRITE) == 0;
    buf_done(&head);
    buf_done(&body);
    if (!is_ok)
        http_conn_close(conn);
}

/* -- judging a head -- */

static int is_path(const struct http_route *route, struct slice path)
{
    return slice_is_equal(slice_str(route->path), path);
}

static const struct http_route *route_find(const struct http_conn *conn, struct slice path,
                                           int *ret_is_known)
{
    const struct http_server *server = conn->door->server;
    *ret_is_known = 0;
    for (size_t i = 0; i < server->routes_count; i++) {
        const struct http_route *route = &server->routes[i];
        if (!is_path(route, path))
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
    for (size_t i = 0; i < server->routes_count; i++)
        if (is_path(&server->routes[i], path))
            buf_addf(&allow, "%s%s", allow.size == 0 ? "Allow: " : ", ",
                     server->routes[i].method == HTTP_METHOD_GET ? "GET" : "POST");
    buf_add_str(&allow, "\r\n");
    conn_refuse(conn, 405, allow.is_failed ? "" : (const char *)allow.data,
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
static void conn_continue(struct http_conn *conn)
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

/* Everything that a head alone can decide, before the body is taken. */
static void conn_judge(struct http_conn *conn)
{
    struct http_server *server = conn->door->server;
    const struct http_guard *guard = &conn->guard;
    const uint8_t *head = evbuffer_pullup(conn->held, (ev_ssize_t)conn->scanned);
    if (head == NULL) {
        conn_refuse(conn, 503, "Retry-After: 1\r\n", "out of memory");
        return;
    }
    int is_known;
    struct slice path = slice_of(head + guard->path.at, guard->path.size);
    const struct http_route *route = route_find(conn, path, &is_known);
    int is_open = conn->door->is_unix || server->key.size == 0 || (route != NULL && route->is_open);
    if (!is_open && !is_key_given(conn, head)) {
        conn_refuse(conn, 401, "WWW-Authenticate: Bearer\r\n", "the key is missing or wrong");
    } else if (!is_known) {
        conn_refuse(conn, 404, "", "there is nothing at this path");
    } else if (route == NULL) {
        refuse_method(conn, path);
    } else if (guard->body_bytes > route->body_bytes_max) {
        conn_refuse(conn, 413, "", "the body is larger than this path takes");
    } else if (guard->body_bytes > LIMIT_HTTP_BODIES_BYTES - server->bodies_bytes) {
        conn_refuse(conn, 503, "Retry-After: 1\r\n", "too many bodies are under way");
    } else {
        conn->route = route;
        conn->body_bytes = (size_t)guard->body_bytes;
        server->bodies_bytes += conn->body_bytes;
        if (guard->has_expect && !guard->is_http_1_0 &&
            evbuffer_get_length(conn->held) < conn->scanned + conn->body_bytes)
            conn_continue(conn);
    }
}

/* -- giving to evhttp -- */

/* conn may be gone afterwards. */
static void conn_give(struct http_conn *conn)
{
    struct http_server *server = conn->door->server;
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    struct bufferevent *bev = conn->bev;
    size_t size = conn->scanned;
    conn->state = HTTP_CONN_BUSY;
    conn->deadline_us = now_us() + server->idle_us; /* on_request lifts it */
    conn->scanned = 0;
    conn->is_begun = 0;
    http_guard_init(&conn->guard);

    conn->is_giving = 1;
    evbuffer_unfreeze(input, 0); /* libevent keeps it closed to others between reads */
    int is_ok = evbuffer_remove_buffer(conn->held, input, size) == (int)size;
    conn->is_giving = 0;
    if (!is_ok) {
        http_conn_close(conn);
        return;
    }
    server->giving = conn;
    bufferevent_trigger(bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
    server->giving = NULL;
}

void http_conn_on_request(struct evhttp_request *evreq, void *arg)
{
    struct http_door *door = arg;
    struct http_conn *conn = door->server->giving;
    struct evhttp_connection *evcon = evhttp_request_get_connection(evreq);
    struct http_request *request = NULL;
    if (conn != NULL && conn->evcon == evcon)
        request = mem_zalloc(sizeof(*request));
    if (request == NULL) {
        evhttp_connection_free(evcon);
        return;
    }
    *request = (struct http_request){.conn = conn, .evreq = evreq};
    conn->request = request;
    conn->deadline_us = INT64_MAX;
    conn->route->handler(door->server->ctx, request);
}

static void on_written(struct evhttp_request *evreq, void *arg)
{
    struct http_conn *conn = arg;
    (void)evreq;
    conn->state = HTTP_CONN_READING;
    conn->deadline_us = now_us() + conn->door->server->idle_us;
    if (evbuffer_get_length(conn->held) > 0)
        event_active(conn->pump, EV_TIMEOUT, 0);
}

void http_conn_send(struct http_conn *conn, struct evhttp_request *evreq, int status)
{
    struct http_server *server = conn->door->server;
    conn->request = NULL;
    conn->state = HTTP_CONN_WRITING;
    conn->deadline_us = now_us() + server->idle_us;
    server->bodies_bytes -= conn->body_bytes;
    conn->body_bytes = 0;
    evhttp_request_set_on_complete_cb(evreq, on_written, conn);
    evhttp_send_reply(evreq, status, http_reply_reason(status), NULL);
    /* evhttp would read meanwhile to notice a close, and take the end of a half-closed peer's
       sending for one before the reply is out. It also keeps pipelined requests in the kernel's
       buffer. */
    bufferevent_disable(conn->bev, EV_READ);
}

/* -- the pump: runs from the loop, outside all callbacks of bufferevent and evhttp -- */

static enum http_guard_verdict conn_scan(struct http_conn *conn)
{
    struct evbuffer_ptr at;
    struct evbuffer_iovec piece = {.iov_base = NULL};
    size_t used = 0;
    if (conn->scanned < evbuffer_get_length(conn->held)) {
        evbuffer_ptr_set(conn->held, &at, conn->scanned, EVBUFFER_PTR_SET);
        evbuffer_peek(conn->held, -1, &at, &piece, 1);
    }
    enum http_guard_verdict verdict =
        http_guard_feed(&conn->guard, piece.iov_base, piece.iov_len, &used);
    conn->scanned += used;
    return verdict;
}

static void conn_read(struct http_conn *conn)
{
    struct http_server *server = conn->door->server;
    if (!conn->is_begun && evbuffer_get_length(conn->held) > 0) {
        conn->is_begun = 1;
        conn->deadline_us = now_us() + server->request_deadline_us;
    }
    while (conn->state == HTTP_CONN_READING) {
        switch (conn_scan(conn)) {
        case HTTP_GUARD_MORE:
            if (conn->scanned == evbuffer_get_length(conn->held))
                return;
            break;
        case HTTP_GUARD_HEAD:
            conn_judge(conn);
            break;
        case HTTP_GUARD_DONE:
            conn_give(conn);
            return;
        case HTTP_GUARD_BAD:
            conn_refuse(conn, conn->guard.status, "", conn->guard.reason);
            return;
        }
    }
}

static void on_pump(evutil_socket_t fd, short what, void *arg)
{
    struct http_conn *conn = arg;
    (void)fd;
    (void)what;
    if (conn->state == HTTP_CONN_NEW && !conn_admit(conn))
        return;
    if (conn->state == HTTP_CONN_READING)
        conn_read(conn);
}

/* -- deadlines -- */

static void conn_expire(struct http_conn *conn)
{
    if (conn->state == HTTP_CONN_READING && conn->is_begun)
        conn_refuse(conn, 408, "", "the request did not come in time");
    else if (conn->state != HTTP_CONN_NEW)
        http_conn_close(conn);
}

void http_conn_sweep(void *arg)
{
    struct http_server *server = arg;
    struct http_conn *conn = LIST_FIRST(&server->conns);
    int64_t now = now_us();
    while (conn != NULL) {
        struct http_conn *next = LIST_NEXT(conn, link);
        if (conn->deadline_us <= now)
            conn_expire(conn);
        conn = next;
    }
    if (server->conns_count < server->connections_max)
        http_listen_resume(server);
}

void http_conn_close_idle(struct http_server *server)
{
    struct http_conn *conn = LIST_FIRST(&server->conns);
    while (conn != NULL) {
        struct http_conn *next = LIST_NEXT(conn, link);
        if (conn->state == HTTP_CONN_READING && evbuffer_get_length(conn->held) == 0)
            http_conn_close(conn);
        conn = next;
    }
}
