/* Replies, and what a handler may ask of a request. Invariant: every reply carries no-store and
   nosniff, every error is a problem document (RFC 9457). */
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/base/utf8.h"
#include "services/common/http/http_internal.h"

enum { PROBLEM_BYTES_MAX = 4096, REPLACEMENT = 0xfffd };

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

static void json_add_string(struct buf *out, struct slice text)
{
    size_t at = 0;
    buf_add_char(out, '"');
    while (at < text.size) {
        char bytes[4];
        int32_t c = utf8_next(text, &at);
        if (c < 0) {
            c = REPLACEMENT;
            at++;
        }
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", (char)c);
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\u%04x", (unsigned)c);
        else
            buf_add(out, bytes, utf8_put(c, bytes));
    }
    buf_add_char(out, '"');
}

void http_reply_problem_body(struct buf *out, int status, const char *title, const char *detail)
{
    buf_addf(out, "{\"type\":\"about:blank\",\"status\":%d,\"title\":", status);
    json_add_string(out, slice_str(title));
    if (detail != NULL) {
        buf_add_str(out, ",\"detail\":");
        json_add_string(out, slice_str(detail));
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

const char *http_request_query(struct http_request *request, const char *name)
{
    if (!request->is_query_parsed) {
        const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request->evreq);
        const char *query = evhttp_uri_get_query(uri);
        if (evhttp_parse_query_str(query == NULL ? "" : query, &request->query) != 0)
            evhttp_parse_query_str("", &request->query); /* empties it */
        request->is_query_parsed = 1;
    }
    return evhttp_find_header(&request->query, name);
}

/* -- replies -- */

static void request_free(struct http_request *request)
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

/* 0 when memory is out. The length is always given: evhttp leaves it out for HTTP/1.0, whose peers
   could then not tell a cut reply from a whole one. */
static int reply_fill(struct evhttp_request *evreq, int status, const char *type, struct slice body,
                      int retry_after_s)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(evreq);
    int failed = 0;
    failed |= evhttp_add_header(headers, "Cache-Control", "no-store");
    failed |= evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    if (status != HTTP_NOCONTENT && status != HTTP_NOTMODIFIED)
        failed |= add_number(headers, "Content-Length", type == NULL ? 0 : body.size);
    if (retry_after_s > 0)
        failed |= add_number(headers, "Retry-After", (size_t)retry_after_s);
    if (type != NULL) {
        failed |= evhttp_add_header(headers, "Content-Type", type);
        failed |= evbuffer_add(evhttp_request_get_output_buffer(evreq), body.data, body.size);
    }
    return !failed;
}

static void reply(struct http_request *request, int status, const char *type, struct slice body,
                  int retry_after_s)
{
    struct http_conn *conn = request->conn;
    struct evhttp_request *evreq = request->evreq;
    CHECK(status >= 200 && status <= 599);
    if (conn == NULL) {
        evhttp_request_free(evreq); /* owned since the peer went, see http_conn.c */
        request_free(request);
        return;
    }
    int is_filled = reply_fill(evreq, status, type, body, retry_after_s);
    if (conn->door->server->is_stopping)
        evhttp_add_header(evhttp_request_get_output_headers(evreq), "Connection", "close");
    if (is_filled) {
        http_conn_send(conn, evreq, status);
    } else {
        conn->request = NULL;
        http_conn_close(conn);
    }
    request_free(request);
}

void http_reply(struct http_request *request, int status, const char *type, struct slice body)
{
    reply(request, status, type, body, 0);
}

void http_reply_problem(struct http_request *request, int status, const char *title,
                        const char *detail, int retry_after_s)
{
    struct buf body;
    buf_init(&body, PROBLEM_BYTES_MAX);
    http_reply_problem_body(&body, status, title, detail);
    if (body.is_failed) {
        buf_reset(&body);
        http_reply_problem_body(&body, status, http_reply_reason(status), NULL);
    }
    reply(request, status, "application/problem+json", buf_slice(&body), retry_after_s);
    buf_done(&body);
}
