/* Heartbeats out and in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "tests/unit/common/record/sample.h"

static void test_round_trip(void **state)
{
    struct err err;
    struct buf out;
    struct buf again;
    Kasumori__V1__Heartbeat *heartbeat;
    struct arena *arena = arena_new(LIMIT_DECODE_ARENA_BYTES);
    (void)state;
    assert_non_null(arena);
    buf_init(&out, LIMIT_VALUE_BYTES);
    buf_init(&again, LIMIT_VALUE_BYTES);
    assert_int_equal(heartbeat_encode(sample_heartbeat(), &out, &err), RC_OK);
    assert_int_equal(heartbeat_decode(buf_slice(&out), arena, &heartbeat, &err), RC_OK);
    assert_string_equal(heartbeat->agent, "s001-a");
    assert_true(heartbeat->epoch == UINT64_MAX);
    assert_int_equal(heartbeat->is_refusing, 1);
    assert_int_equal(heartbeat_encode(heartbeat, &again, &err), RC_OK);
    assert_true(slice_is_equal(buf_slice(&out), buf_slice(&again)));
    buf_done(&again);
    buf_done(&out);
    arena_free(arena);
}

static void assert_refused(const Kasumori__V1__Heartbeat *heartbeat, const char *why)
{
    struct err err;
    struct buf out;
    buf_init(&out, LIMIT_VALUE_BYTES);
    assert_int_equal(heartbeat_encode(heartbeat, &out, &err), RC_REJECT);
    assert_string_equal(err.text, why);
    assert_int_equal(out.size, 0);
    buf_done(&out);
}

static void test_rules(void **state)
{
    Kasumori__V1__Heartbeat *h;
    static char name[LIMIT_NAME_BYTES + 2];
    (void)state;
    memset(name, 'a', LIMIT_NAME_BYTES + 1);
    (h = sample_heartbeat())->agent = "";
    assert_refused(h, "agent: missing");
    (h = sample_heartbeat())->site = "";
    assert_refused(h, "site: missing");
    (h = sample_heartbeat())->tenant = NULL;
    assert_refused(h, "tenant: missing");
    (h = sample_heartbeat())->at_us = 0;
    assert_refused(h, "at_us: missing");
    (h = sample_heartbeat())->at_us = -1;
    assert_refused(h, "at_us: not a time of the years 1970 to 9999");
    (h = sample_heartbeat())->schema_major = 2;
    assert_refused(h, "schema_major: 2 instead of 1");
    (h = sample_heartbeat())->agent = name;
    assert_refused(h, "agent: 65 bytes, more than 64");
    (h = sample_heartbeat())->version = name;
    assert_refused(h, "version: 65 bytes, more than 64");
    (h = sample_heartbeat())->version = "\xff";
    assert_refused(h, "version: not valid UTF-8");
}

static void assert_undecodable(struct slice value, const char *why)
{
    struct err err;
    Kasumori__V1__Heartbeat *heartbeat = NULL;
    struct arena *arena = arena_new(LIMIT_DECODE_ARENA_BYTES);
    assert_non_null(arena);
    assert_int_equal(heartbeat_decode(value, arena, &heartbeat, &err), RC_REJECT);
    assert_string_equal(err.text, why);
    assert_null(heartbeat);
    arena_free(arena);
}

static void test_bad_values(void **state)
{
    static uint8_t large[LIMIT_VALUE_BYTES + 1];
    (void)state;
    assert_undecodable(slice_of(large, sizeof(large)), "heartbeat: 65537 bytes, more than 65536");
    assert_undecodable(slice_str("\x08\x02\xff"), "schema_major: 2, this program reads up to 1");
    assert_undecodable(slice_str("\x08\x01\xff"), "value: not a protobuf message at byte 2");
    assert_undecodable(slice_str("\x08\x01"), "tenant: missing");
    assert_undecodable(slice_of(NULL, 0), "schema_major: 0 instead of 1");
    assert_undecodable(slice_str("\x08\x01\x1a\x01x\x1a\x01x"), "tenant: given twice");
}

static void test_memory(void **state)
{
    struct err err;
    struct buf out;
    (void)state;
    buf_init(&out, LIMIT_VALUE_BYTES);
    mem_fail_nth(1);
    assert_int_equal(heartbeat_encode(sample_heartbeat(), &out, &err), RC_RETRY);
    buf_reset(&out);
    assert_int_equal(heartbeat_encode(sample_heartbeat(), &out, &err), RC_OK);
    enum rc rc = RC_FULL;
    for (size_t size = 0; rc != RC_OK; size += 16) {
        Kasumori__V1__Heartbeat *heartbeat = NULL;
        struct arena *small = arena_new(size);
        rc = heartbeat_decode(buf_slice(&out), small, &heartbeat, &err);
        arena_free(small);
        assert_true(rc == RC_FULL || size > 100);
        assert_true(rc == RC_OK || rc == RC_FULL);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
