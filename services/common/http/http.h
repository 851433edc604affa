#ifndef KASUMORI_HTTP_HTTP_H
#define KASUMORI_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/loop/loop.h"

/* An HTTP/1.1 server on one loop, with a strict guard in front of every route: two or odd
   Content-Lengths, space before a colon, empty header names, folded headers, bare LF, none or two
   Hosts and control characters or %00 in a path are refused with 400; a request has a deadline from
   its first byte, connections are capped in all and by peer, bodies and headers by size. */
struct http_server;
struct http_request;

enum http_method { /* bits */
                   HTTP_METHOD_GET = 1,
                   HTTP_METHOD_POST = 2,
                   HTTP_METHOD_OPTIONS = 4, /* what a browser asks first, across origins */
};

typedef void http_handler(void *ctx, struct http_request *request);

/* Appends a problem document (RFC 9457) for what the server itself refuses. detail may be NULL. */
struct buf;
typedef void http_problem(struct buf *out, int status, const char *title, const char *detail);

struct http_route {
    enum http_method method;
    const char *path; /* exact, or with a "*" for each whole segment left open; first fit */
    http_handler *handler;
    size_t body_bytes_max;
    int is_open; /* answered without the key that the server demands (liveness) */
};

struct http_config {
    const char *address;              /* "127.0.0.1", "::1", …; NULL: no TCP */
    int port;                         /* 0: any free one */
    const char *unix_path;            /* NULL: no Unix socket; made with mode 0660 */
    const char *tls_certificate_file; /* both or neither */
    const char *tls_key_file;
    const char *key_file;  /* 0600: "Authorization: Bearer …" demanded over TCP; NULL: none */
    http_problem *problem; /* NULL: type, status, title and detail */
    int is_tls_only; /* the host serves nothing without TLS: replies over it say so for a year */
    int64_t request_deadline_us;     /* headers and body; default 10 s when 0 */
    int64_t idle_us;                 /* keep-alive; default 60 s when 0 */
    size_t connections_max;          /* default 256 when 0 */
    size_t connections_per_peer_max; /* default 64 when 0; Unix peers count as one each */
};

/* routes are borrowed. RC_REJECT for a bad setting, RC_RETRY when an address cannot be bound. */
enum rc http_server_new(struct loop *loop, const struct http_config *config,
                        const struct http_route *routes, size_t routes_count, void *ctx,
                        struct http_server **ret_server, struct err *err) MUST_CHECK;
/* Closes the listeners; answers under way go on. */
void http_server_stop(struct http_server *server);
void http_server_free(struct http_server *server);
int http_server_port(const struct http_server *server); /* as bound */
size_t http_server_connections(const struct http_server *server);

/* Valid until the reply, which may come later from the loop's thread; until then one other thread
   may ask what it says (body, header, query, part, peer). A peer that goes away earlier
   leaves the request valid; its reply is then dropped, and its connection counts until then. */
struct slice http_request_body(struct http_request *request);
/* Value of a header, NULL when absent. */
const char *http_request_header(struct http_request *request, const char *name);
const char *http_request_query(struct http_request *request, const char *name);

/* Which of the server's routes it came by. */
size_t http_request_route(const struct http_request *request);

/* What stands at the n-th "*" of the route, percent-decoded; empty when there is none. */
struct slice http_request_part(struct http_request *request, size_t n);
/* The peer's address without port; "unix" over a Unix socket. */
const char *http_request_peer(struct http_request *request);

/* What counts as one peer where attempts are counted: an IPv4 address whole, of IPv6 its /64, the
   rest of which one host may choose; anything else as it is. */
enum { HTTP_PEER_GROUP_BYTES = 64 };
void http_peer_group(const char *peer, char text[HTTP_PEER_GROUP_BYTES]);

struct http_header {
    const char *name, *value;
};

struct http_answer {
    int status;
    const char *type; /* NULL: no body */
    struct slice body;
    const struct http_header *headers; /* beside those of every reply, or in their place */
    size_t headers_count;
};

/* As http_reply, with headers of its own. */
void http_reply_answer(struct http_request *request, const struct http_answer *answer);

/* An answer that goes on (event streams, exports), on the loop's thread. The head goes out at once,
   its body first. */
struct http_stream;

enum http_stream_event {
    HTTP_STREAM_EVENT_DRAINED, /* all that was written has gone to the socket */
    HTTP_STREAM_EVENT_CLOSED, /* the peer has gone or was dropped: the stream is freed after this */
};
typedef void http_stream_call(void *ctx, struct http_stream *stream, enum http_stream_event event);

/* Replaces the reply; frees the request. backlog_max: bytes not yet taken by the peer, the head's
   too, beyond which it is dropped; the kernel holds about twice as much besides. NULL: memory is
   out or the peer has gone, and the request is done with. A stream has no deadline but this: what
   waits for the peer must go within idle_us. Its connection is not used again, and a peer that ends
   its own sending counts as gone. http_server_stop cuts it off; CLOSED follows from the loop, at
   the latest from http_server_free. */
struct http_stream *http_stream_start(struct http_request *request, const struct http_answer *head,
                                      size_t backlog_max, http_stream_call *call, void *ctx);
/* 0: the backlog was full, the peer is dropped, CLOSED follows from the loop. */
int http_stream_write(struct http_stream *stream, struct slice bytes);
size_t http_stream_backlog(const struct http_stream *stream);
/* The end of the answer; no event follows. */
void http_stream_end(struct http_stream *stream);

/* Exactly one reply a request; frees it. type NULL: no body. Every reply says no-store, nosniff and
   a Content-Security-Policy that allows nothing. */
void http_reply(struct http_request *request, int status, const char *type, struct slice body);
/* application/problem+json (RFC 9457); retry_after_s 0: no Retry-After. */
void http_reply_problem(struct http_request *request, int status, const char *title,
                        const char *detail, int retry_after_s);

#endif
