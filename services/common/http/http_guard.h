#ifndef KASUMORI_HTTP_HTTP_GUARD_H
#define KASUMORI_HTTP_HTTP_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* The strict reading of one request's bytes (RFC 9112, narrowed), before anybody else reads them.
   It knows no socket and keeps no bytes; feeding byte by byte gives the same verdicts as feeding
   whole.

   Refused: a method that is no token of up to 16 characters; a target that does not begin with one
   "/", or holds anything but URI characters, a broken %-escape, %00, or an escaped control
   character in its path, or is over LIMIT_HTTP_TARGET_BYTES (414); a version other than HTTP/1.0
   and HTTP/1.1 (505); bare CR or LF, NUL and all control characters (tab included); an empty header
   name, one with other than token characters, a space before the colon, a folded line;
   Content-Length, Transfer-Encoding, Host, Expect, Authorization or Content-Type given twice; a
   Content-Length that is not plain decimal, or is longer than 15 digits (413); HTTP/1.1 without
   Host, a Host with odd characters; both framings at once; any Transfer-Encoding: "chunked" alone
   with 411, since every client of ours knows its length, others with 501; an expectation other than
   100-continue (417); more than LIMIT_HTTP_HEADERS headers or LIMIT_HTTP_HEADERS_BYTES in all
   (431). */

enum http_guard_verdict {
    HTTP_GUARD_MORE, /* all bytes used, the request goes on */
    HTTP_GUARD_HEAD, /* the head ended; what it says can be read, feed the rest */
    HTTP_GUARD_DONE, /* the request ended; bytes after it are the next one's: init again */
    HTTP_GUARD_BAD,  /* status and reason say why; sticks */
};

enum http_guard_method {
    HTTP_GUARD_METHOD_OTHER,
    HTTP_GUARD_METHOD_GET = 1,
    HTTP_GUARD_METHOD_POST = 2,
    HTTP_GUARD_METHOD_OPTIONS = 4,
};

enum { HTTP_GUARD_NAME_BYTES = 24, HTTP_GUARD_METHOD_BYTES = 16, HTTP_GUARD_VALUE_BYTES = 256 };

/* A place in the request, counted from its first byte. */
struct http_guard_span {
    size_t at;
    size_t size;
};

struct http_guard {
    /* For the caller: from HTTP_GUARD_HEAD on. */
    enum http_guard_method method;
    int is_http_1_0;
    int has_expect; /* 100-continue */
    struct http_guard_span target;
    struct http_guard_span path;          /* the target up to "?" */
    struct http_guard_span authorization; /* the header's value; size 0: none */
    uint64_t body_bytes;

    /* For the caller: when HTTP_GUARD_BAD. */
    int status;
    const char *reason; /* static, holds nothing of the request */

    /* The guard's own. */
    int phase;
    size_t head_bytes;
    uint64_t body_left;
    size_t headers;
    unsigned escape_left; /* hexadecimal digits still due after a % */
    unsigned escape;
    unsigned version_at;
    int header;    /* which of those it knows */
    unsigned seen; /* bit per known header */
    int is_in_query;
    int is_chunked;
    size_t name_size;
    size_t value_at;
    size_t value_size; /* without spaces around it; may exceed what is kept */
    size_t value_spaces;
    char name[HTTP_GUARD_NAME_BYTES];
    char value[HTTP_GUARD_VALUE_BYTES];
};

void http_guard_init(struct http_guard *guard);

/* *ret_used: how many of size bytes belong to this request and were read; the rest is to be fed
   again after the verdict was dealt with. data may be NULL when size is 0. */
enum http_guard_verdict http_guard_feed(struct http_guard *guard, const uint8_t *data, size_t size,
                                        size_t *ret_used);

#endif
