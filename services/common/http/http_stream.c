/* Answers that go on. Invariant: a stream's owner hears of the end exactly once, by CLOSED from the
   loop (or from http_server_free) or by its own http_stream_end, and never from within a call of
   its own. While a stream lives its connection reads only to notice the peer's end; what comes in
   is thrown away, and the connection is not used again. */
#include <limits.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/http/http_internal.h"

struct http_stream {
    struct http_stream *next; /* on server->streams */
    struct http_stream *previous;
    struct http_server *server;
    struct http_conn *conn; /* NULL: gone, and later runs soon */
    struct evhttp_request *evreq;
    struct evbuffer *piece; /* empty between writes */
    struct event *later;
    size_t backlog_max;
    int is_dropped;
    http_stream_call *call;
    void *ctx;
};

static void stream_free(struct http_stream *stream)
{
    if (stream->server->streams == stream)
        stream->server->streams = stream->next;
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    if (stream->later != NULL)
        event_free(stream->later);
    if (stream->piece != NULL)
        evbuffer_free(stream->piece);
    mem_free(stream);
}

/* The peer has gone: tells the owner and frees all. */
static void stream_finish(struct http_stream *stream)
{
    CHECK(stream->conn == NULL);
    stream->call(stream->ctx, stream, HTTP_STREAM_EVENT_CLOSED);
    evhttp_request_free(stream->evreq);
    stream_free(stream);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    struct http_stream *stream = arg;
    (void)fd;
    (void)what;
    if (stream->conn != NULL)
        http_conn_close(stream->conn); /* comes back through http_stream_on_close */
    stream_finish(stream);
}

/* evhttp is about to free the connection, and with it every request that nobody owns. */
void http_stream_on_close(struct http_stream *stream)
{
    evhttp_request_own(stream->evreq);
    stream->conn = NULL;
    event_active(stream->later, EV_TIMEOUT, 0);
}

static struct http_stream *stream_make(struct http_conn *conn, struct evhttp_request *evreq)
{
    struct http_server *server = conn->door->server;
    struct http_stream *stream = mem_zalloc(sizeof(*stream));
    if (stream == NULL)
        return NULL;
    stream->server = server;
    stream->conn = conn;
    stream->evreq = evreq;
    stream->next = server->streams;
    if (stream->next != NULL)
        stream->next->previous = stream;
    server->streams = stream;
    stream->piece = evbuffer_new();
    stream->later = event_new(loop_base(server->loop), -1, 0, on_later, stream);
    if (stream->piece != NULL && stream->later != NULL)
        return stream;
    stream_free(stream);
    return NULL;
}

/* The kernel would else hold megabytes for a peer that does not read: of memory, and of a backlog
   that nobody sees. Without it a stream works all the same. */
static void bound_kernel(struct http_conn *conn, size_t bytes)
{
    int size = bytes < INT_MAX ? (int)bytes : INT_MAX;
    (void)setsockopt(bufferevent_getfd(conn->bev), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

struct http_stream *http_stream_start(struct http_request *request, const struct http_answer *head,
                                      size_t backlog_max, http_stream_call *call, void *ctx)
{
    struct http_conn *conn = request->conn;
    struct http_stream *stream = conn == NULL ? NULL : stream_make(conn, request->evreq);
    if (stream == NULL) {
        http_reply_problem(request, 503, "Busy", "out of memory", 1);
        return NULL;
    }
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request->evreq);
    if (!http_reply_headers(request, head) ||
        evhttp_add_header(headers, "Connection", "close") != 0) {
        stream_free(stream);
        http_reply_give_up(request);
        return NULL;
    }
    stream->backlog_max = backlog_max;
    stream->call = call;
    stream->ctx = ctx;
    conn->stream = stream;
    bound_kernel(conn, backlog_max);
    http_conn_stream(conn);
    evhttp_send_reply_start(request->evreq, head->status, http_reply_reason(head->status));
    http_reply_free(request);
    if (head->body.size > 0)
        (void)http_stream_write(stream, head->body); /* an overflow shows as CLOSED */
    return stream;
}

static void on_drained(struct evhttp_connection *evcon, void *arg)
{
    struct http_stream *stream = arg;
    (void)evcon;
    if (stream->conn == NULL || stream->is_dropped)
        return;
    stream->conn->deadline_us = INT64_MAX;
    stream->call(stream->ctx, stream, HTTP_STREAM_EVENT_DRAINED);
}

static void stream_drop(struct http_stream *stream)
{
    stream->is_dropped = 1;
    event_active(stream->later, EV_TIMEOUT, 0);
}

int http_stream_write(struct http_stream *stream, struct slice bytes)
{
    struct http_conn *conn = stream->conn;
    size_t backlog = http_stream_backlog(stream);
    if (conn == NULL || stream->is_dropped)
        return 0;
    if (bytes.size == 0)
        return 1;
    if (bytes.size > stream->backlog_max || backlog > stream->backlog_max - bytes.size ||
        evbuffer_add(stream->piece, bytes.data, bytes.size) != 0) {
        stream_drop(stream);
        return 0;
    }
    if (backlog == 0)
        conn->deadline_us = http_now_us() + stream->server->idle_us;
    evhttp_send_reply_chunk_with_cb(stream->evreq, stream->piece, on_drained, stream);
    if (evbuffer_get_length(stream->piece) == 0)
        return 1;
    stream_drop(stream); /* no memory to move it, and the framing may be broken */
    return 0;
}

size_t http_stream_backlog(const struct http_stream *stream)
{
    if (stream->conn == NULL)
        return 0;
    return evbuffer_get_length(bufferevent_get_output(stream->conn->bev));
}

void http_stream_end(struct http_stream *stream)
{
    struct http_conn *conn = stream->conn;
    struct evhttp_request *evreq = stream->evreq;
    if (conn == NULL) {
        evhttp_request_free(evreq);
    } else {
        conn->stream = NULL;
        if (stream->is_dropped)
            http_conn_close(conn);
        else
            http_conn_end(conn, evreq);
    }
    stream_free(stream);
}

void http_stream_finish_all(struct http_server *server)
{
    while (server->streams != NULL)
        stream_finish(server->streams);
}
