/* A stream of requests through the guard: whole, byte by byte and in uneven pieces have to give the
   same verdicts at the same places; and what passes has to hold what the guard's header promises.
 */
#include <stdint.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/http/http_guard.h"

struct result {
    enum http_guard_verdict verdict;
    size_t used;
    struct http_guard guard;
};

static size_t piece_of(size_t step, size_t used, size_t left)
{
    size_t want = step != 0 ? step : used * 7 % 13 + 1;
    return want < left ? want : left;
}

/* step 0: uneven pieces */
static struct result read_one(const uint8_t *data, size_t size, size_t step)
{
    struct result result = {.verdict = HTTP_GUARD_MORE};
    http_guard_init(&result.guard);
    for (;;) {
        size_t left = size - result.used;
        size_t used = 0;
        result.verdict = http_guard_feed(&result.guard, left == 0 ? NULL : data + result.used,
                                         left == 0 ? 0 : piece_of(step, result.used, left), &used);
        CHECK(used <= left);
        result.used += used;
        if (result.verdict == HTTP_GUARD_DONE || result.verdict == HTTP_GUARD_BAD)
            return result;
        if (result.verdict == HTTP_GUARD_MORE && left == 0)
            return result;
    }
}

static void check_same(const struct result *a, const struct result *b)
{
    CHECK(a->verdict == b->verdict && a->used == b->used);
    CHECK(a->guard.reason == b->guard.reason && a->guard.status == b->guard.status);
    CHECK(a->guard.body_bytes == b->guard.body_bytes && a->guard.method == b->guard.method);
    CHECK(a->guard.path.at == b->guard.path.at && a->guard.path.size == b->guard.path.size);
    CHECK(a->guard.authorization.size == b->guard.authorization.size);
}

static void check_passed(const uint8_t *data, const struct result *result)
{
    const struct http_guard *guard = &result->guard;
    size_t head = result->used - (size_t)guard->body_bytes;
    CHECK(guard->body_bytes < result->used && head <= LIMIT_HTTP_HEADERS_BYTES);
    CHECK(memcmp(data + head - 4, "\r\n\r\n", 4) == 0);
    CHECK(memmem(data, head - 1, "\r\n\r\n", 4) == NULL);
    for (size_t i = 0; i < head; i++) {
        CHECK(data[i] != 0 && data[i] != '\t');
        CHECK((data[i] == '\n') == (i > 0 && data[i - 1] == '\r'));
    }
    CHECK(data[guard->path.at] == '/' && guard->path.size <= guard->target.size);
    CHECK(guard->target.at + guard->target.size < head);
    CHECK(guard->authorization.at + guard->authorization.size < head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    while (size > 0) {
        struct result whole = read_one(data, size, SIZE_MAX);
        struct result bytes = read_one(data, size, 1);
        struct result uneven = read_one(data, size, 0);
        check_same(&whole, &bytes);
        check_same(&whole, &uneven);
        CHECK((whole.verdict == HTTP_GUARD_BAD) == (whole.guard.reason != NULL));
        if (whole.verdict != HTTP_GUARD_DONE)
            break;
        check_passed(data, &whole);
        data += whole.used;
        size -= whole.used;
    }
    return 0;
}
