/* One pass over a request's bytes, a byte at a time in the head, counted in the body. evhttp reads
   the same bytes afterwards and is laxer in many places, so whatever the two could understand
   differently is refused here. Invariant: no byte after the request's last one is ever used. */
#include "services/common/http/http_guard.h"

#include <string.h>

#include "services/common/base/limits.h"

enum phase {
    PHASE_METHOD,
    PHASE_TARGET,
    PHASE_VERSION,
    PHASE_LINE_LF,
    PHASE_NAME_START,
    PHASE_NAME,
    PHASE_VALUE,
    PHASE_VALUE_LF,
    PHASE_END_LF,
    PHASE_BODY,
    PHASE_BAD,
};

enum header {
    HEADER_OTHER,
    HEADER_CONTENT_LENGTH,
    HEADER_TRANSFER_ENCODING,
    HEADER_HOST,
    HEADER_EXPECT,
    HEADER_AUTHORIZATION,
    HEADER_CONTENT_TYPE,
};

static const char *const HEADER_NAMES[] = {
    [HEADER_CONTENT_LENGTH] = "content-length",
    [HEADER_TRANSFER_ENCODING] = "transfer-encoding",
    [HEADER_HOST] = "host",
    [HEADER_EXPECT] = "expect",
    [HEADER_AUTHORIZATION] = "authorization",
    [HEADER_CONTENT_TYPE] = "content-type",
};

enum { CONTENT_LENGTH_DIGITS_MAX = 15 };

enum char_class {
    CHAR_TOKEN = 1,  /* tchar of RFC 9110 */
    CHAR_TARGET = 2, /* pchar, "/" and "?" of RFC 3986, without "%" */
    CHAR_HOST = 4,   /* of a host name, an address, a port */
};

static unsigned classes_of(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return CHAR_TOKEN | CHAR_TARGET | CHAR_HOST;
    switch (c) {
    case '-':
    case '.':
    case '_':
        return CHAR_TOKEN | CHAR_TARGET | CHAR_HOST;
    case '!':
    case '$':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '~':
        return CHAR_TOKEN | CHAR_TARGET;
    case ':':
        return CHAR_TARGET | CHAR_HOST;
    case '(':
    case ')':
    case ',':
    case '/':
    case ';':
    case '=':
    case '?':
    case '@':
        return CHAR_TARGET;
    case '[':
    case ']':
        return CHAR_HOST;
    case '#':
    case '%':
    case '^':
    case '`':
    case '|':
        return CHAR_TOKEN;
    default:
        return 0;
    }
}

static int is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

static int is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static enum http_guard_verdict bad(struct http_guard *guard, int status, const char *reason)
{
    guard->phase = PHASE_BAD;
    guard->status = status;
    guard->reason = reason;
    return HTTP_GUARD_BAD;
}

void http_guard_init(struct http_guard *guard)
{
    memset(guard, 0, sizeof(*guard));
}

/* -- request line -- */

static enum http_guard_verdict on_method(struct http_guard *guard, uint8_t c)
{
    size_t size = guard->head_bytes;
    if (c == ' ' && size > 0) {
        if (size == 3 && memcmp(guard->name, "GET", 3) == 0)
            guard->method = HTTP_GUARD_METHOD_GET;
        else if (size == 4 && memcmp(guard->name, "POST", 4) == 0)
            guard->method = HTTP_GUARD_METHOD_POST;
        else if (size == 7 && memcmp(guard->name, "OPTIONS", 7) == 0)
            guard->method = HTTP_GUARD_METHOD_OPTIONS;
        guard->target.at = size + 1;
        guard->phase = PHASE_TARGET;
        return HTTP_GUARD_MORE;
    }
    if ((classes_of(c) & CHAR_TOKEN) == 0 || size == HTTP_GUARD_METHOD_BYTES)
        return bad(guard, 400, "the method is not a token");
    guard->name[size] = (char)c;
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_escape(struct http_guard *guard, uint8_t c)
{
    int digit = hex_digit(c);
    if (digit < 0)
        return bad(guard, 400, "a % in the target is not followed by two hexadecimal digits");
    guard->escape = guard->escape << 4 | (unsigned)digit;
    guard->escape_left--;
    if (guard->escape_left > 0)
        return HTTP_GUARD_MORE;
    if (guard->escape == 0 || (!guard->is_in_query && is_control((uint8_t)guard->escape)))
        return bad(guard, 400, "the target holds an escaped control character");
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_target_end(struct http_guard *guard)
{
    if (guard->target.size == 0)
        return bad(guard, 400, "the target is empty");
    guard->path.at = guard->target.at;
    if (!guard->is_in_query)
        guard->path.size = guard->target.size;
    guard->phase = PHASE_VERSION;
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_target(struct http_guard *guard, uint8_t c)
{
    if (c == ' ' && guard->escape_left == 0)
        return on_target_end(guard);
    size_t at = guard->target.size++;
    if (guard->target.size > LIMIT_HTTP_TARGET_BYTES)
        return bad(guard, 414, "the target is too long");
    if (guard->escape_left > 0)
        return on_escape(guard, c);
    if (at == 0 && c != '/')
        return bad(guard, 400, "the target does not begin with a slash");
    if (at == 1 && c == '/')
        return bad(guard, 400, "the target begins with two slashes");
    if (c == '%') {
        guard->escape_left = 2;
        guard->escape = 0;
        return HTTP_GUARD_MORE;
    }
    if ((classes_of(c) & CHAR_TARGET) == 0)
        return bad(guard, 400, "the target holds a character that must be escaped");
    if (c == '?' && !guard->is_in_query) {
        guard->is_in_query = 1;
        guard->path.size = at;
    }
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_version(struct http_guard *guard, uint8_t c)
{
    static const char WANT[] = "HTTP/1.";
    unsigned at = guard->version_at++;
    if (at < sizeof(WANT) - 1) {
        if (c == (uint8_t)WANT[at])
            return HTTP_GUARD_MORE;
        return at == sizeof("HTTP/") - 1 && is_digit(c)
                   ? bad(guard, 505, "the version is neither HTTP/1.0 nor HTTP/1.1")
                   : bad(guard, 400, "the request line does not end with a version");
    }
    if (at == sizeof(WANT) - 1) {
        guard->is_http_1_0 = c == '0';
        if (c == '0' || c == '1')
            return HTTP_GUARD_MORE;
        return bad(guard, is_digit(c) ? 505 : 400, "the version is neither HTTP/1.0 nor HTTP/1.1");
    }
    if (c != '\r')
        return bad(guard, 400, "the request line does not end with CR LF");
    guard->phase = PHASE_LINE_LF;
    return HTTP_GUARD_MORE;
}

/* -- headers -- */

static int header_of(const struct http_guard *guard)
{
    for (int i = HEADER_OTHER + 1; i <= HEADER_CONTENT_TYPE; i++)
        if (strlen(HEADER_NAMES[i]) == guard->name_size &&
            memcmp(HEADER_NAMES[i], guard->name, guard->name_size) == 0)
            return i;
    return HEADER_OTHER;
}

static enum http_guard_verdict on_name_end(struct http_guard *guard)
{
    if (guard->name_size == 0)
        return bad(guard, 400, "a header has no name");
    if (++guard->headers > LIMIT_HTTP_HEADERS)
        return bad(guard, 431, "the request has too many headers");
    guard->header = header_of(guard);
    if (guard->header != HEADER_OTHER && (guard->seen & 1u << guard->header) != 0)
        return bad(guard, 400, "a header that may be given once is given twice");
    guard->seen |= 1u << guard->header;
    guard->value_size = 0;
    guard->value_spaces = 0;
    guard->phase = PHASE_VALUE;
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_name(struct http_guard *guard, uint8_t c)
{
    if (c == ':')
        return on_name_end(guard);
    if (c == ' ' || c == '\t')
        return bad(guard, 400, "a header name holds or is followed by white space");
    if ((classes_of(c) & CHAR_TOKEN) == 0)
        return bad(guard, 400, "a header name holds a character that it must not");
    if (guard->name_size < sizeof(guard->name))
        guard->name[guard->name_size] = (char)lower(c);
    guard->name_size++;
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_name_start(struct http_guard *guard, uint8_t c)
{
    if (c == '\r') {
        guard->phase = PHASE_END_LF;
        return HTTP_GUARD_MORE;
    }
    if (c == ' ' || c == '\t')
        return bad(guard, 400, "a header line is folded");
    guard->name_size = 0;
    guard->phase = PHASE_NAME;
    return on_name(guard, c);
}

static void value_put(struct http_guard *guard, uint8_t c)
{
    if (guard->value_size < sizeof(guard->value))
        guard->value[guard->value_size] = (char)c;
    guard->value_size++;
}

static int is_value(const struct http_guard *guard, const char *want)
{
    if (guard->value_size != strlen(want))
        return 0;
    for (size_t i = 0; i < guard->value_size; i++)
        if (lower((uint8_t)guard->value[i]) != (uint8_t)want[i])
            return 0;
    return 1;
}

static enum http_guard_verdict on_content_length(struct http_guard *guard)
{
    size_t size = guard->value_size;
    for (size_t i = 0; i < size && i < sizeof(guard->value); i++)
        if (!is_digit((uint8_t)guard->value[i]))
            return bad(guard, 400, "Content-Length is not a decimal number");
    if (size == 0 || (size > 1 && guard->value[0] == '0'))
        return bad(guard, 400, "Content-Length is not a decimal number");
    if (size > CONTENT_LENGTH_DIGITS_MAX)
        return bad(guard, 413, "the body is too large");
    for (size_t i = 0; i < size; i++)
        guard->body_bytes = guard->body_bytes * 10 + (uint64_t)(guard->value[i] - '0');
    guard->body_left = guard->body_bytes;
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_host(struct http_guard *guard)
{
    if (guard->value_size == 0 || guard->value_size > sizeof(guard->value))
        return bad(guard, 400, "Host is empty or too long");
    for (size_t i = 0; i < guard->value_size; i++)
        if ((classes_of((uint8_t)guard->value[i]) & CHAR_HOST) == 0)
            return bad(guard, 400, "Host holds a character that it must not");
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_value_end(struct http_guard *guard)
{
    guard->phase = PHASE_VALUE_LF;
    switch ((enum header)guard->header) {
    case HEADER_CONTENT_LENGTH:
        return on_content_length(guard);
    case HEADER_HOST:
        return on_host(guard);
    case HEADER_TRANSFER_ENCODING:
        guard->is_chunked = is_value(guard, "chunked");
        return HTTP_GUARD_MORE;
    case HEADER_EXPECT:
        guard->has_expect = is_value(guard, "100-continue");
        return HTTP_GUARD_MORE;
    case HEADER_AUTHORIZATION:
        guard->authorization =
            (struct http_guard_span){.at = guard->value_at, .size = guard->value_size};
        return HTTP_GUARD_MORE;
    case HEADER_CONTENT_TYPE:
    case HEADER_OTHER:
        return HTTP_GUARD_MORE;
    }
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_value(struct http_guard *guard, uint8_t c)
{
    if (c == '\r')
        return on_value_end(guard);
    if (c == '\n')
        return bad(guard, 400, "a line ends with LF alone");
    if (is_control(c))
        return bad(guard, 400, "a header value holds a control character");
    if (c == ' ') {
        guard->value_spaces += guard->value_size > 0;
        return HTTP_GUARD_MORE;
    }
    if (guard->value_size == 0)
        guard->value_at = guard->head_bytes;
    for (; guard->value_spaces > 0; guard->value_spaces--)
        value_put(guard, ' ');
    value_put(guard, c);
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_head_end(struct http_guard *guard)
{
    int has_length = (guard->seen & 1u << HEADER_CONTENT_LENGTH) != 0;
    guard->phase = PHASE_BODY;
    if (!guard->is_http_1_0 && (guard->seen & 1u << HEADER_HOST) == 0)
        return bad(guard, 400, "an HTTP/1.1 request has no Host");
    if ((guard->seen & 1u << HEADER_TRANSFER_ENCODING) != 0) {
        if (has_length)
            return bad(guard, 400, "Content-Length and Transfer-Encoding are both given");
        return guard->is_chunked ? bad(guard, 411, "a body must be announced by Content-Length")
                                 : bad(guard, 501, "the transfer coding is not known here");
    }
    if ((guard->seen & 1u << HEADER_EXPECT) != 0 && !guard->has_expect)
        return bad(guard, 417, "the expectation is not known here");
    return HTTP_GUARD_HEAD;
}

static enum http_guard_verdict on_line_feed(struct http_guard *guard, uint8_t c)
{
    if (c != '\n')
        return bad(guard, 400, "a CR is not followed by LF");
    guard->phase = PHASE_NAME_START;
    return HTTP_GUARD_MORE;
}

static enum http_guard_verdict on_head_byte(struct http_guard *guard, uint8_t c)
{
    switch ((enum phase)guard->phase) {
    case PHASE_METHOD:
        return on_method(guard, c);
    case PHASE_TARGET:
        return on_target(guard, c);
    case PHASE_VERSION:
        return on_version(guard, c);
    case PHASE_NAME_START:
        return on_name_start(guard, c);
    case PHASE_NAME:
        return on_name(guard, c);
    case PHASE_VALUE:
        return on_value(guard, c);
    case PHASE_LINE_LF:
    case PHASE_VALUE_LF:
        return on_line_feed(guard, c);
    case PHASE_END_LF:
        return c == '\n' ? on_head_end(guard) : bad(guard, 400, "a CR is not followed by LF");
    case PHASE_BODY:
    case PHASE_BAD:
        break;
    }
    return HTTP_GUARD_BAD;
}

enum http_guard_verdict http_guard_feed(struct http_guard *guard, const uint8_t *data, size_t size,
                                        size_t *ret_used)
{
    size_t used = 0;
    enum http_guard_verdict verdict = HTTP_GUARD_MORE;
    while (verdict == HTTP_GUARD_MORE && guard->phase < PHASE_BODY && used < size) {
        verdict = on_head_byte(guard, data[used++]);
        if (++guard->head_bytes > LIMIT_HTTP_HEADERS_BYTES && verdict != HTTP_GUARD_BAD)
            verdict = bad(guard, 431, "the head of the request is too large");
    }
    if (guard->phase == PHASE_BAD)
        verdict = HTTP_GUARD_BAD;
    if (verdict == HTTP_GUARD_MORE && guard->phase == PHASE_BODY) {
        size_t part = guard->body_left < size - used ? (size_t)guard->body_left : size - used;
        guard->body_left -= part;
        used += part;
        verdict = guard->body_left == 0 ? HTTP_GUARD_DONE : HTTP_GUARD_MORE;
    }
    *ret_used = used;
    return verdict;
}
