#include "tests/support/unit.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/workers/workers.h"

#define HASH "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA"

static void lines_are_workers(void **state)
{
    (void)state;
    struct workers workers;
    struct err err;
    const char *text = "# who\n\nw12 " HASH "\r\nW-3_b " HASH;
    assert_int_equal(workers_parse(slice_str(text), &workers, &err), RC_OK);
    assert_int_equal(workers.count, 2);
    assert_string_equal(workers.items[0].hash, HASH);
    assert_ptr_equal(workers_find(&workers, slice_str("W-3_b")), &workers.items[1]);
    assert_null(workers_find(&workers, slice_str("w-3_b")));
    assert_null(workers_find(&workers, slice_str("w1")));
    struct buf out;
    buf_init(&out, LIMIT_WORKERS_BYTES);
    workers_write(&workers, &out);
    assert_string_equal((char *)out.data, "w12 " HASH "\nW-3_b " HASH "\n");
    buf_done(&out);
    workers_done(&workers);
}

static void bad_lines_name_their_number_and_nothing_else(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "ok " HASH "\nhanako",
        "ok " HASH "\nhanako secret",
        "ok " HASH "\nhanako  " HASH,
        "ok " HASH "\n山田 " HASH,
        "ok " HASH "\n/hanako " HASH,
        "ok " HASH "\nok " HASH,
        "ok " HASH "\nhanako45678901234567890123456789012 " HASH,
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct workers workers;
        struct err err;
        assert_int_equal(workers_parse(slice_str(BAD[i]), &workers, &err), RC_REJECT);
        assert_non_null(strstr(err.text, "line 2"));
        assert_null(strstr(err.text, "hanako"));
    }
}

static void pins(void **state)
{
    (void)state;
    static const struct {
        const char *pin;
        enum rc rc;
    } CASES[] = {
        {"271828", RC_OK},
        {"123455", RC_OK},
        {"111112", RC_OK},
        {"27182", RC_REJECT},
        {"2718281828459", RC_REJECT},
        {"27182a", RC_REJECT},
        {"111111", RC_REJECT},
        {"345678", RC_REJECT},
        {"876543", RC_REJECT},
        {"2718281828", RC_OK},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct err err;
        assert_int_equal(workers_check_pin(slice_str(CASES[i].pin), &err), CASES[i].rc);
    }
}

static void memory_out(void **state)
{
    (void)state;
    struct workers workers;
    struct err err;
    mem_fail_nth(1);
    assert_int_equal(workers_parse(slice_str("w " HASH), &workers, &err), RC_RETRY);
    mem_fail_nth(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_workers),
        cmocka_unit_test(bad_lines_name_their_number_and_nothing_else),
        cmocka_unit_test(pins),
        cmocka_unit_test(memory_out),
    };
    return UNIT_MAIN(tests);
}
