#include <string.h>

#include "services/cli/bad_headers.h"
#include "services/common/base/arena.h"
#include "tests/support/unit.h"

#define GOOD "\0\2ab\0\0\0\3xyz\0\1c\0\0\0\0"

static void test_names_and_values(void **state)
{
    struct kafka_header headers[4];
    size_t count;
    struct arena *arena = arena_new(1024);
    (void)state;
    assert_int_equal(
        bad_headers_read(slice_of(GOOD, sizeof(GOOD) - 1), arena, headers, 4, &count, NULL), RC_OK);
    assert_int_equal(count, 2);
    assert_string_equal(headers[0].name, "ab");
    assert_true(slice_is_equal(headers[0].value, slice_str("xyz")));
    assert_string_equal(headers[1].name, "c");
    assert_int_equal(headers[1].value.size, 0);
    assert_int_equal(bad_headers_read(slice_of(NULL, 0), arena, headers, 4, &count, NULL), RC_OK);
    assert_int_equal(count, 0);
    arena_free(arena);
}

/* Cut anywhere but between two headers, it is corrupt. */
static void test_every_cut_is_found(void **state)
{
    enum { BETWEEN = 11 };
    struct arena *arena = arena_new(1024 * 1024);
    (void)state;
    for (size_t size = 1; size < sizeof(GOOD) - 1; size++) {
        struct kafka_header headers[4];
        size_t count;
        struct err err;
        enum rc rc = bad_headers_read(slice_of(GOOD, size), arena, headers, 4, &count, &err);
        assert_int_equal(rc, size == BETWEEN ? RC_OK : RC_CORRUPT);
    }
    arena_free(arena);
}

static void test_limits(void **state)
{
    static const char HUGE[] = "\0\1a\xff\xff\xff\xff";
    static const char NUL[] = "\0\2a\0\0\0\0\0";
    struct kafka_header headers[1];
    size_t count;
    struct err err;
    struct arena *arena = arena_new(1024);
    (void)state;
    assert_int_equal(
        bad_headers_read(slice_of(GOOD, sizeof(GOOD) - 1), arena, headers, 1, &count, &err),
        RC_CORRUPT);
    assert_string_equal(err.text, "more than 1 headers are stored");
    assert_int_equal(
        bad_headers_read(slice_of(HUGE, sizeof(HUGE) - 1), arena, headers, 1, &count, &err),
        RC_CORRUPT);
    assert_int_equal(
        bad_headers_read(slice_of(NUL, sizeof(NUL) - 1), arena, headers, 1, &count, &err),
        RC_CORRUPT);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_values),
        cmocka_unit_test(test_every_cut_is_found),
        cmocka_unit_test(test_limits),
    };
    return UNIT_MAIN(tests);
}
