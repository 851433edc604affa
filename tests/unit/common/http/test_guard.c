#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/http/http_guard.h"

struct request {
    int status;
    const char *name;
    const char *bytes;
    size_t size;
};

#define REQUEST(status, name, bytes) {status, name, bytes, sizeof(bytes) - 1},
static const struct request REFUSED[] = {
#include "tests/support/http_requests.inc"
};
#undef REQUEST

struct outcome {
    enum http_guard_verdict verdict;
    size_t used;
    int heads;
    struct http_guard guard;
};

/* Feeds up to step bytes at a time until the request ends, one way or the other. */
static struct outcome feed(const char *bytes, size_t size, size_t step)
{
    struct outcome out = {.verdict = HTTP_GUARD_MORE};
    http_guard_init(&out.guard);
    for (;;) {
        size_t left = size - out.used;
        size_t used = SIZE_MAX;
        const uint8_t *data = left == 0 ? NULL : (const uint8_t *)bytes + out.used;
        out.verdict = http_guard_feed(&out.guard, data, left < step ? left : step, &used);
        assert_true(used <= left);
        out.used += used;
        out.heads += out.verdict == HTTP_GUARD_HEAD;
        int is_over = out.verdict == HTTP_GUARD_DONE || out.verdict == HTTP_GUARD_BAD;
        if (is_over || (out.verdict == HTTP_GUARD_MORE && left == 0))
            return out;
    }
}

static struct outcome feed_text(const char *text)
{
    return feed(text, strlen(text), SIZE_MAX);
}

static void assert_span(const char *text, struct http_guard_span span, const char *want)
{
    assert_int_equal(span.size, strlen(want));
    assert_memory_equal(text + span.at, want, span.size);
}

static void odd_requests_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        const struct request *request = &REFUSED[i];
        struct outcome out = feed(request->bytes, request->size, SIZE_MAX);
        if (out.verdict != HTTP_GUARD_BAD || out.guard.status != request->status)
            fail_msg("%s: verdict %d, status %d", request->name, out.verdict, out.guard.status);
        assert_non_null(out.guard.reason);
    }
}

static void verdicts_do_not_depend_on_the_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        struct outcome whole = feed(REFUSED[i].bytes, REFUSED[i].size, SIZE_MAX);
        for (size_t step = 1; step <= 7; step += 3) {
            struct outcome parts = feed(REFUSED[i].bytes, REFUSED[i].size, step);
            assert_int_equal(parts.verdict, whole.verdict);
            assert_int_equal(parts.used, whole.used);
            assert_ptr_equal(parts.guard.reason, whole.guard.reason);
        }
    }
}

static void what_a_head_says_is_kept(void **state)
{
    (void)state;
    static const char TEXT[] = "POST /v1/records?source=a%20b HTTP/1.1\r\nhOsT:127.0.0.1:8470\r\n"
                               "Content-Length:  5  \r\nAuthorization:   Bearer  x y  \r\n"
                               "X-Empty:\r\nUser-Agent: \xe3\x81\x82\r\nExpect: 100-Continue\r\n"
                               "\r\nhelloGET / HTTP/1.1\r\n";
    struct outcome out = feed_text(TEXT);
    assert_int_equal(out.verdict, HTTP_GUARD_DONE);
    assert_int_equal(out.heads, 1);
    assert_int_equal(out.used, strstr(TEXT, "GET") - TEXT);
    assert_int_equal(out.guard.method, HTTP_GUARD_METHOD_POST);
    assert_int_equal(out.guard.body_bytes, 5);
    assert_true(out.guard.has_expect);
    assert_false(out.guard.is_http_1_0);
    assert_span(TEXT, out.guard.target, "/v1/records?source=a%20b");
    assert_span(TEXT, out.guard.path, "/v1/records");
    assert_span(TEXT, out.guard.authorization, "Bearer  x y");
}

static void plain_requests_pass(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum http_guard_method method;
    } GOOD[] = {
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", HTTP_GUARD_METHOD_GET},
        {"GET /?a=/?:@-._~!$&'()*+,;=%7e%0A HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GUARD_METHOD_GET},
        {"GET /livez HTTP/1.0\r\n\r\n", HTTP_GUARD_METHOD_GET},
        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", HTTP_GUARD_METHOD_POST},
        {"POST /a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GUARD_METHOD_POST},
        {"OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GUARD_METHOD_OPTIONS},
        {"DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GUARD_METHOD_OTHER},
        {"get /a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GUARD_METHOD_OTHER},
        {"ABCDEFGHIJKLMNOP /a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GUARD_METHOD_OTHER},
    };
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        struct outcome out = feed_text(GOOD[i].text);
        assert_int_equal(out.verdict, HTTP_GUARD_DONE);
        assert_int_equal(out.used, strlen(GOOD[i].text));
        assert_int_equal(out.guard.method, GOOD[i].method);
        assert_int_equal(feed(GOOD[i].text, strlen(GOOD[i].text), 1).verdict, HTTP_GUARD_DONE);
        for (size_t cut = 0; cut < strlen(GOOD[i].text); cut++)
            assert_int_equal(feed(GOOD[i].text, cut, SIZE_MAX).verdict, HTTP_GUARD_MORE);
    }
}

static void a_body_is_counted_not_read(void **state)
{
    (void)state;
    static const char TEXT[] =
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n\0\r\n\r\n\xff :\1";
    for (size_t step = 1; step < 12; step++) {
        struct outcome out = feed(TEXT, sizeof(TEXT) - 1, step);
        assert_int_equal(out.verdict, HTTP_GUARD_DONE);
        assert_int_equal(out.used, sizeof(TEXT) - 1);
    }
    assert_int_equal(feed(TEXT, sizeof(TEXT) - 2, SIZE_MAX).verdict, HTTP_GUARD_MORE);
    struct outcome big = feed_text("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999"
                                   "\r\n\r\n");
    assert_int_equal(big.verdict, HTTP_GUARD_MORE);
    assert_true(big.guard.body_bytes == UINT64_C(999999999999999));
}

static int status_with_headers(size_t count, size_t value_size)
{
    static char text[64 * 1024];
    size_t size = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
    for (size_t i = 0; i < count; i++)
        size +=
            (size_t)snprintf(text + size, sizeof(text) - size, "X: %0*d\r\n", (int)value_size, 0);
    size += (size_t)snprintf(text + size, sizeof(text) - size, "\r\n");
    struct outcome out = feed(text, size, SIZE_MAX);
    return out.verdict == HTTP_GUARD_DONE ? 200 : out.guard.status;
}

static int status_with_target(size_t target_size)
{
    static char text[64 * 1024];
    int size = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.0\r\n\r\n", (int)target_size - 1, 0);
    struct outcome out = feed(text, (size_t)size, SIZE_MAX);
    return out.verdict == HTTP_GUARD_DONE ? 200 : out.guard.status;
}

static void limits_hold_to_the_byte(void **state)
{
    (void)state;
    assert_int_equal(status_with_headers(LIMIT_HTTP_HEADERS - 1, 1), 200);
    assert_int_equal(status_with_headers(LIMIT_HTTP_HEADERS, 1), 431);
    size_t frame = strlen("GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n");
    assert_int_equal(status_with_headers(1, LIMIT_HTTP_HEADERS_BYTES - frame), 200);
    assert_int_equal(status_with_headers(1, LIMIT_HTTP_HEADERS_BYTES - frame + 1), 431);
    assert_int_equal(status_with_headers(1, 2 * LIMIT_HTTP_HEADERS_BYTES), 431);
    assert_int_equal(status_with_target(LIMIT_HTTP_TARGET_BYTES), 200);
    assert_int_equal(status_with_target(LIMIT_HTTP_TARGET_BYTES + 1), 414);
}

static void a_violation_sticks(void **state)
{
    (void)state;
    struct outcome out = feed_text("GET / HTTP/1.1\r\n\r\n");
    size_t used = 9;
    assert_int_equal(out.guard.status, 400);
    assert_int_equal(http_guard_feed(&out.guard, (const uint8_t *)"GET", 3, &used), HTTP_GUARD_BAD);
    assert_int_equal(used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_requests_are_refused),
        cmocka_unit_test(verdicts_do_not_depend_on_the_pieces),
        cmocka_unit_test(what_a_head_says_is_kept),
        cmocka_unit_test(plain_requests_pass),
        cmocka_unit_test(a_body_is_counted_not_read),
        cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(a_violation_sticks),
    };
    return UNIT_MAIN(tests);
}
