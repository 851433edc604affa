/* The gate between a socket and evhttp. evhttp reads laxly, has no deadlines and answers errors in
   HTML, so it is not shown what arrives: a callback on the bufferevent's input moves every byte
   into conn->held, the guard scans them there, and the bytes of one request are given back only
   when that request is whole and clean. Invariant: evhttp has seen exactly the requests that were
   answered or that a handler holds, each to its last byte and nothing after it.

   (A filtering bufferevent would be the obvious means, and does not work below evhttp: it reports
   output as written when it reached the next buffer, and evhttp then closes and loses it.) */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/http/http_internal.h"

/* -- birth and death -- */

static void list_add(struct http_server *server, struct http_conn *conn)
{
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->previous = conn;
    server->conns = conn;
    server->conns_count++;
}

static void list_remove(struct http_server *server, struct http_conn *conn)
{
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    server->conns_count--;
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
    struct http_conn *conn = arg;
    (void)evcon;
    if (conn->request != NULL) {
        /* A handler still holds it: keep evhttp from freeing it, http_reply will. */
        evhttp_request_own(conn->request->evreq);
        conn->request->conn = NULL;
    }
    if (conn->stream != NULL)
        http_stream_on_close(conn->stream);
    http_conn_free(conn);
}

void http_conn_free(struct http_conn *conn)
{
    struct http_server *server = conn->door->server;
    int was_full = server->conns_count >= server->connections_max;
    list_remove(server, conn);
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
    if (conn->state == HTTP_CONN_REFUSING || conn->state == HTTP_CONN_STREAMING) {
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
    conn->deadline_us = http_now_us() + door->server->request_deadline_us;
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
    list_add(server, conn);
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
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(from);
    int fd = bufferevent_getfd(conn->bev);
    snprintf(conn->peer_text, sizeof(conn->peer_text), "%s", conn->door->is_unix ? "unix" : "");
    if (conn->door->is_unix || getpeername(fd, (struct sockaddr *)&from, &size) != 0)
        return;
    conn->peer[0] = (uint8_t)from.ss_family;
    const void *address = &((struct sockaddr_in *)&from)->sin_addr;
    if (from.ss_family == AF_INET6)
        address = &((struct sockaddr_in6 *)&from)->sin6_addr;
    memcpy(conn->peer + 1, address, from.ss_family == AF_INET6 ? 8 : 4);
    inet_ntop(from.ss_family, address, conn->peer_text, sizeof(conn->peer_text));
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int is_peer_within_cap(const struct http_conn *conn)
{
    const struct http_server *server = conn->door->server;
    size_t count = 0;
    if (conn->peer[0] == 0)
        return 1;
    for (const struct http_conn *other = server->conns; other != NULL; other = other->next)
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

/* -- giving to evhttp -- */

/* conn may be gone afterwards. */
static void conn_give(struct http_conn *conn)
{
    struct http_server *server = conn->door->server;
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    struct bufferevent *bev = conn->bev;
    size_t size = conn->scanned;
    conn->state = HTTP_CONN_BUSY;
    conn->deadline_us = http_now_us() + server->idle_us; /* on_request lifts it */
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

static struct http_request *request_make(struct http_conn *conn, struct evhttp_request *evreq)
{
    struct slice path = slice_str(evhttp_uri_get_path(evhttp_request_get_evhttp_uri(evreq)));
    struct http_request *request = mem_zalloc(sizeof(*request) + path.size + 1);
    if (request == NULL)
        return NULL;
    request->conn = conn;
    request->evreq = evreq;
    request->route = (size_t)(conn->route - conn->door->server->routes);
    memcpy(request->peer, conn->peer_text, sizeof(request->peer));
    request->parts_count = http_path_parts(conn->route->path, path, request->text, request->parts);
    return request;
}

void http_conn_on_request(struct evhttp_request *evreq, void *arg)
{
    struct http_door *door = arg;
    struct http_conn *conn = door->server->giving;
    struct evhttp_connection *evcon = evhttp_request_get_connection(evreq);
    struct http_request *request = NULL;
    if (conn != NULL && conn->evcon == evcon)
        request = request_make(conn, evreq);
    if (request == NULL) {
        evhttp_connection_free(evcon);
        return;
    }
    conn->request = request;
    conn->deadline_us = INT64_MAX;
    conn->route->handler(door->server->ctx, request);
}

static void on_written(struct evhttp_request *evreq, void *arg)
{
    struct http_conn *conn = arg;
    (void)evreq;
    conn->state = HTTP_CONN_READING;
    conn->deadline_us = http_now_us() + conn->door->server->idle_us;
    if (evbuffer_get_length(conn->held) > 0)
        event_active(conn->pump, EV_TIMEOUT, 0);
}

static void body_done(struct http_conn *conn)
{
    conn->request = NULL;
    conn->door->server->bodies_bytes -= conn->body_bytes;
    conn->body_bytes = 0;
}

void http_conn_send(struct http_conn *conn, struct evhttp_request *evreq, int status)
{
    body_done(conn);
    conn->state = HTTP_CONN_WRITING;
    conn->deadline_us = http_now_us() + conn->door->server->idle_us;
    evhttp_request_set_on_complete_cb(evreq, on_written, conn);
    evhttp_send_reply(evreq, status, http_reply_reason(status), NULL);
    /* evhttp would read meanwhile to notice a close, and take the end of a half-closed peer's
       sending for one before the reply is out. It also keeps pipelined requests in the kernel's
       buffer. */
    bufferevent_disable(conn->bev, EV_READ);
}

void http_conn_stream(struct http_conn *conn)
{
    struct timeval wait = {.tv_sec = conn->door->server->idle_us / CLOCK_US_PER_S + 2};
    body_done(conn);
    conn->state = HTTP_CONN_STREAMING;
    conn->deadline_us = INT64_MAX;
    /* Nothing need come in for as long as the stream lives. */
    bufferevent_set_timeouts(conn->bev, NULL, &wait);
}

void http_conn_end(struct http_conn *conn, struct evhttp_request *evreq)
{
    struct bufferevent *bev = conn->bev;
    conn->state = HTTP_CONN_WRITING;
    conn->deadline_us = http_now_us() + conn->door->server->idle_us;
    bufferevent_incref(bev); /* evhttp closes at once when nothing waits to be written */
    evhttp_send_reply_end(evreq);
    bufferevent_disable(bev, EV_READ);
    bufferevent_decref(bev);
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
        conn->deadline_us = http_now_us() + server->request_deadline_us;
    }
    while (conn->state == HTTP_CONN_READING) {
        switch (conn_scan(conn)) {
        case HTTP_GUARD_MORE:
            if (conn->scanned == evbuffer_get_length(conn->held))
                return;
            break;
        case HTTP_GUARD_HEAD:
            http_judge_head(conn);
            break;
        case HTTP_GUARD_DONE:
            conn_give(conn);
            return;
        case HTTP_GUARD_BAD:
            http_judge_refuse(conn, conn->guard.status, "", conn->guard.reason);
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
        http_judge_refuse(conn, 408, "", "the request did not come in time");
    else if (conn->state != HTTP_CONN_NEW)
        http_conn_close(conn);
}

void http_conn_sweep(void *arg)
{
    struct http_server *server = arg;
    struct http_conn *conn = server->conns;
    int64_t now = http_now_us();
    while (conn != NULL) {
        struct http_conn *next = conn->next;
        if (conn->deadline_us <= now)
            conn_expire(conn);
        conn = next;
    }
    if (server->conns_count < server->connections_max)
        http_listen_resume(server);
}

void http_conn_close_idle(struct http_server *server)
{
    struct http_conn *conn = server->conns;
    while (conn != NULL) {
        struct http_conn *next = conn->next;
        if (conn->state == HTTP_CONN_STREAMING ||
            (conn->state == HTTP_CONN_READING && evbuffer_get_length(conn->held) == 0))
            http_conn_close(conn);
        conn = next;
    }
}
