/* Replies, and what a handler may ask of a request. Invariant: every reply says how it may be kept,
   that its type is not to be guessed and what it may load; every error is a problem document
   (RFC 9457). */
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/jsontext.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/http/http_internal.h"

enum { PROBLEM_BYTES_MAX = 4096 };

const char *http_reply_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } REASONS[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof(REASONS) / sizeof(REASONS[0]); i++)
        if (REASONS[i].status == status)
            return REASONS[i].reason;
    return "Status";
}

/* -- problem documents -- */

void http_reply_problem_body(struct buf *out, int status, const char *title, const char *detail)
{
    buf_addf(out, "{\"type\":\"about:blank\",\"status\":%d,\"title\":", status);
    jsontext_add(out, slice_str(title));
    if (detail != NULL) {
        buf_add_str(out, ",\"detail\":");
        jsontext_add(out, slice_str(detail));
    }
    buf_add_str(out, "}\n");
}

/* -- what a request says -- */

struct slice http_request_body(struct http_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request->evreq);
    size_t size = evbuffer_get_length(body);
    const uint8_t *data = size == 0 ? NULL : evbuffer_pullup(body, -1);
    return slice_of(data, data == NULL ? 0 : size);
}

const char *http_request_header(struct http_request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request->evreq), name);
}

/* evhttp refuses a whole query for an item without a name or "=", or none between two "&". */
static void parse_query(struct http_request *request)
{
    const char *rest = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request->evreq));
    char text[2 * LIMIT_HTTP_TARGET_BYTES] = "";
    size_t size = 0;
    while (rest != NULL && *rest != '\0') {
        size_t item = strcspn(rest, "&");
        int is_bare = memchr(rest, '=', item) == NULL;
        if (item > 0 && *rest != '=')
            size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%.*s%s",
                                     size > 0 ? "&" : "", (int)item, rest, is_bare ? "=" : "");
        CHECK(size < sizeof(text));
        rest += item + (rest[item] == '&');
    }
    if (evhttp_parse_query_str(text, &request->query) != 0)
        evhttp_parse_query_str("", &request->query); /* empties it */
    request->is_query_parsed = 1;
}

const char *http_request_query(struct http_request *request, const char *name)
{
    if (!request->is_query_parsed)
        parse_query(request);
    return evhttp_find_header(&request->query, name);
}

size_t http_request_route(const struct http_request *request)
{
    return request->route;
}

struct slice http_request_part(struct http_request *request, size_t n)
{
    return n < request->parts_count ? request->parts[n] : slice_of(NULL, 0);
}

const char *http_request_peer(struct http_request *request)
{
    return request->peer;
}

/* -- replies -- */

void http_reply_free(struct http_request *request)
{
    if (request->is_query_parsed)
        evhttp_clear_headers(&request->query);
    mem_free(request);
}

static int add_number(struct evkeyvalq *headers, const char *name, size_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%zu", number);
    return evhttp_add_header(headers, name, text);
}

int http_reply_headers(struct http_request *request, const struct http_answer *answer)
{
    static const struct http_header STANDING[] = {
        {"Cache-Control", HTTP_HEADER_CACHE},
        {"X-Content-Type-Options", HTTP_HEADER_SNIFF},
        {"Content-Security-Policy", HTTP_HEADER_CONTENT},
    };
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request->evreq);
    int failed = 0;
    for (size_t i = 0; i < answer->headers_count; i++)
        failed |= evhttp_add_header(headers, answer->headers[i].name, answer->headers[i].value);
    for (size_t i = 0; i < sizeof(STANDING) / sizeof(STANDING[0]); i++)
        if (evhttp_find_header(headers, STANDING[i].name) == NULL)
            failed |= evhttp_add_header(headers, STANDING[i].name, STANDING[i].value);
    if (request->conn->door->server->is_tls_only)
        failed |= evhttp_add_header(headers, "Strict-Transport-Security", HTTP_HEADER_TRANSPORT);
    if (answer->type != NULL)
        failed |= evhttp_add_header(headers, "Content-Type", answer->type);
    return !failed;
}

/* 0 when memory is out. The length is always given: evhttp leaves it out for HTTP/1.0, whose peers
   could then not tell a cut reply from a whole one. */
static int reply_fill(struct http_request *request, const struct http_answer *answer)
{
    struct evhttp_request *evreq = request->evreq;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(evreq);
    size_t size = answer->type == NULL ? 0 : answer->body.size;
    int failed = !http_reply_headers(request, answer);
    if (answer->status != HTTP_NOCONTENT && answer->status != HTTP_NOTMODIFIED)
        failed |= add_number(headers, "Content-Length", size);
    if (size > 0)
        failed |= evbuffer_add(evhttp_request_get_output_buffer(evreq), answer->body.data, size);
    return !failed;
}

void http_reply_give_up(struct http_request *request)
{
    request->conn->request = NULL;
    http_conn_close(request->conn);
    http_reply_free(request);
}

void http_reply_answer(struct http_request *request, const struct http_answer *answer)
{
    struct http_conn *conn = request->conn;
    struct evhttp_request *evreq = request->evreq;
    CHECK(answer->status >= 200 && answer->status <= 599);
    if (conn == NULL) {
        evhttp_request_free(evreq); /* owned since the peer went, see http_conn.c */
        http_reply_free(request);
        return;
    }
    int is_filled = reply_fill(request, answer);
    if (conn->door->server->is_stopping)
        evhttp_add_header(evhttp_request_get_output_headers(evreq), "Connection", "close");
    if (!is_filled) {
        http_reply_give_up(request);
        return;
    }
    http_conn_send(conn, evreq, answer->status);
    http_reply_free(request);
}

void http_reply(struct http_request *request, int status, const char *type, struct slice body)
{
    const struct http_answer answer = {.status = status, .type = type, .body = body};
    http_reply_answer(request, &answer);
}

void http_reply_problem(struct http_request *request, int status, const char *title,
                        const char *detail, int retry_after_s)
{
    struct buf body;
    char seconds[16];
    struct http_header header = {"Retry-After", seconds};
    http_problem *write =
        request->conn == NULL ? http_reply_problem_body : request->conn->door->server->problem;
    buf_init(&body, PROBLEM_BYTES_MAX);
    write(&body, status, title, detail);
    if (body.is_failed) {
        buf_reset(&body);
        write(&body, status, http_reply_reason(status), NULL);
    }
    snprintf(seconds, sizeof(seconds), "%d", retry_after_s);
    const struct http_answer answer = {.status = status,
                                       .type = "application/problem+json",
                                       .body = buf_slice(&body),
                                       .headers = &header,
                                       .headers_count = retry_after_s > 0};
    http_reply_answer(request, &answer);
    buf_done(&body);
}
