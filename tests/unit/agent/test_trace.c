#include "tests/support/unit.h"

#include <string.h>

#include "services/agent/trace.h"
#include "services/common/base/limits.h"

static const char TRACE[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

static void only_the_w3c_form_is_valid(void **state)
{
    static const char *const BAD[] = {
        NULL,
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
    };
    (void)state;
    assert_true(trace_is_valid(TRACE));
    assert_true(trace_is_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_false(trace_is_valid(BAD[i]));
}

static void what_was_added_is_split_again(void **state)
{
    struct buf spooled;
    struct slice record, trace;
    (void)state;
    buf_init(&spooled, 1024);
    assert_int_equal(trace_add(&spooled, TRACE, 6), TRACE_SPOOLED_BYTES);
    buf_add_str(&spooled, "record");
    trace_split(buf_slice(&spooled), &record, &trace);
    assert_true(slice_is_equal(record, slice_str("record")));
    assert_true(slice_is_equal(trace, slice_str(TRACE)));
    buf_done(&spooled);
}

/* Values of a spool made before traces were kept, and of a later form. */
static void other_values_stay_as_they_are(void **state)
{
    static uint8_t bytes[100];
    struct slice record, trace;
    (void)state;
    memset(bytes, 8, sizeof(bytes));
    for (int form = 0; form < 3; form++) {
        bytes[0] = form == 1 ? 0 : 8;
        bytes[1] = form == 2 ? 1 : 2;
        trace_split(slice_of(bytes, sizeof(bytes)), &record, &trace);
        assert_ptr_equal(record.data, bytes);
        assert_int_equal(record.size, sizeof(bytes));
        assert_int_equal(trace.size, 0);
    }
    bytes[0] = 0;
    bytes[1] = 1;
    trace_split(slice_of(bytes, TRACE_SPOOLED_BYTES - 1), &record, &trace);
    assert_int_equal(trace.size, 0);
    trace_split(slice_of(NULL, 0), &record, &trace);
    assert_int_equal(record.size, 0);
}

static void a_record_that_fills_its_limit_goes_without(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 1024);
    size_t most = LIMIT_VALUE_BYTES - TRACE_SPOOLED_BYTES;
    assert_int_equal(trace_add(&out, TRACE, most + 1), 0);
    assert_int_equal(out.size, 0);
    assert_int_equal(trace_add(&out, TRACE, most), TRACE_SPOOLED_BYTES);
    assert_int_equal(out.size, TRACE_SPOOLED_BYTES);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_w3c_form_is_valid),
        cmocka_unit_test(what_was_added_is_split_again),
        cmocka_unit_test(other_values_stay_as_they_are),
        cmocka_unit_test(a_record_that_fills_its_limit_goes_without),
    };
    return UNIT_MAIN(tests);
}
