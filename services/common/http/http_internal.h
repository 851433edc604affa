#ifndef KASUMORI_HTTP_HTTP_INTERNAL_H
#define KASUMORI_HTTP_HTTP_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "services/common/base/buf.h"
#include "services/common/base/clock.h"
#include "services/common/http/http.h"
#include "services/common/http/http_guard.h"
#include "services/common/http/http_path.h"

/* Shared by this folder's files only. */
struct bufferevent;
struct evbuffer;
struct evbuffer_cb_entry;
struct event;
struct ssl_ctx_st;

/* One listening socket with an evhttp of its own: evhttp does not say which listener a connection
   came by. */
struct http_door {
    struct http_server *server;
    struct evhttp *evhttp;                /* NULL: not asked for */
    struct evhttp_bound_socket *listener; /* NULL after http_server_stop */
    int is_unix;
};

enum http_conn_state {
    HTTP_CONN_NEW,       /* evhttp has not finished making it */
    HTTP_CONN_READING,   /* the guard reads; evhttp waits for the first byte of a request */
    HTTP_CONN_BUSY,      /* a handler owes the reply; nothing is read */
    HTTP_CONN_STREAMING, /* a stream goes out; what comes in is thrown away */
    HTTP_CONN_WRITING,   /* the reply goes out; nothing is read */
    HTTP_CONN_REFUSING,  /* taken from evhttp: an error goes out, what comes in is thrown away */
};

enum { HTTP_PEER_BYTES = 16, HTTP_PEER_TEXT_BYTES = 46 };

struct http_conn {
    struct http_conn *next; /* on server->conns */
    struct http_conn *previous;
    struct http_door *door;
    enum http_conn_state state;
    struct bufferevent *bev;
    struct evhttp_connection *evcon;
    struct evbuffer_cb_entry *tap;
    struct event *pump;
    struct evbuffer *held; /* bytes that evhttp has not been given */
    size_t scanned;        /* of held, by guard */
    struct http_guard guard;
    int is_begun; /* a first byte of the request came */
    int is_giving;
    int64_t deadline_us; /* monotonic: what the state waits for must be there */
    size_t body_bytes;   /* this request's share of server->bodies_bytes */
    const struct http_route *route;
    struct http_request *request;  /* BUSY: the one a handler holds */
    struct http_stream *stream;    /* STREAMING */
    uint8_t peer[HTTP_PEER_BYTES]; /* as compared for the cap by peer; zeros: counts for itself */
    char peer_text[HTTP_PEER_TEXT_BYTES];
};

struct http_server {
    struct loop *loop;
    const struct http_route *routes;
    size_t routes_count;
    void *ctx;
    http_problem *problem;
    int64_t request_deadline_us;
    int64_t idle_us;
    size_t connections_max;
    size_t connections_per_peer_max;
    struct buf key; /* size 0: none demanded */
    struct ssl_ctx_st *tls;
    int is_tls_only;
    struct http_door tcp;
    struct http_door local;
    int port;
    char *unix_path;
    dev_t unix_device; /* of the socket file made, so that only that one is unlinked */
    ino_t unix_inode;
    struct loop_watch *sweep;
    struct http_conn *conns;
    size_t conns_count;
    struct http_stream *streams; /* also those whose peer has gone, until their owner knows */
    size_t bodies_bytes;
    struct http_conn *giving; /* whose request evhttp is reading right now */
    int is_stopping;
};

struct http_request {
    struct http_conn *conn; /* NULL: the peer has gone */
    struct evhttp_request *evreq;
    struct evkeyvalq query;
    int is_query_parsed;
    size_t route; /* of server->routes */
    char peer[HTTP_PEER_TEXT_BYTES];
    struct slice parts[HTTP_PATH_PARTS_MAX]; /* in text */
    size_t parts_count;
    char text[];
};

/* In every reply, unless a reply has its own: nothing is kept, guessed, framed or run. */
#define HTTP_HEADER_CACHE "no-store"
#define HTTP_HEADER_SNIFF "nosniff"
#define HTTP_HEADER_CONTENT "default-src 'none'; frame-ancestors 'none'"
/* With TLS alone, when the host has nothing else. */
#define HTTP_HEADER_TRANSPORT "max-age=31536000"

static inline int64_t http_now_us(void)
{
    return clock_mono_us(clock_real());
}

/* http_listen.c: binds and hands the listener to the door's evhttp. */
enum rc http_listen_tcp(struct http_server *server, const char *address, int port,
                        struct err *err) MUST_CHECK;
enum rc http_listen_unix(struct http_server *server, const char *path, struct err *err) MUST_CHECK;
void http_listen_unlink(struct http_server *server);
void http_listen_pause(struct http_server *server);
void http_listen_resume(struct http_server *server);

/* http_tls.c */
enum rc http_tls_new(const char *certificate_file, const char *key_file,
                     struct ssl_ctx_st **ret_tls, struct err *err) MUST_CHECK;
void http_tls_free(struct ssl_ctx_st *tls);
/* NULL when memory is out. */
struct bufferevent *http_tls_bufferevent(struct http_server *server) MUST_CHECK;
void http_tls_say_goodbye(struct bufferevent *bev);

/* http_conn.c: callbacks given to a door's evhttp; arg is the door. */
struct bufferevent *http_conn_new(struct event_base *base, void *arg);
void http_conn_on_request(struct evhttp_request *evreq, void *arg);
/* Closes at once; frees conn. */
void http_conn_close(struct http_conn *conn);
void http_conn_free(struct http_conn *conn);
/* After evhttp_send_reply's preparation: sends, then goes on with the next request. */
void http_conn_send(struct http_conn *conn, struct evhttp_request *evreq, int status);
/* Before evhttp_send_reply_start, and the end of what it began. */
void http_conn_stream(struct http_conn *conn);
void http_conn_end(struct http_conn *conn, struct evhttp_request *evreq);
void http_conn_sweep(void *server);
/* Those that wait for a request, and streams. */
void http_conn_close_idle(struct http_server *server);

/* http_judge.c */
/* After HTTP_GUARD_HEAD: routes, key, limits; refuses, or sets conn->route. */
void http_judge_head(struct http_conn *conn);
/* Answers, then closes later on: conn stays valid. extra: whole header lines, may be empty. */
void http_judge_refuse(struct http_conn *conn, int status, const char *extra, const char *detail);

/* http_stream.c */
void http_stream_on_close(struct http_stream *stream);
/* Tells the owners of all streams left, whose connections are gone. */
void http_stream_finish_all(struct http_server *server);

/* http_reply.c */
/* The headers of a reply but for its length; 0 when memory is out. */
int http_reply_headers(struct http_request *request, const struct http_answer *answer) MUST_CHECK;
/* Closes the connection instead of replying. */
void http_reply_give_up(struct http_request *request);
void http_reply_free(struct http_request *request);
const char *http_reply_reason(int status);
http_problem http_reply_problem_body; /* what a server writes that was not given another */

#endif
