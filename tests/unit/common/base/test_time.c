#include "tests/support/unit.h"

#include "services/common/base/clock.h"
#include "services/common/base/timefmt.h"

static void instants_round_trip(void **state)
{
    (void)state;
    for (int64_t us = 0; us < INT64_C(250000000000000000); us += INT64_C(98765432109876)) {
        char text[TIMEFMT_TEXT_BYTES];
        int64_t again;
        struct err err;
        timefmt_format_utc(us, text);
        assert_int_equal(timefmt_parse_rfc3339(text, &again, &err), RC_OK);
        assert_int_equal(again, us);
    }
}

static void known_instants(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } CASES[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
        {"2026-11-24T22:33:10.5+09:00", INT64_C(1795527190500000)},
        {"2026-11-24 13:33:10.500000999z", INT64_C(1795527190500000)},
        {"1970-01-01T09:00:00+09:00", 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        int64_t us;
        assert_int_equal(timefmt_parse_rfc3339(CASES[i].text, &us, NULL), RC_OK);
        assert_int_equal(us, CASES[i].us);
    }
    int64_t us;
    assert_int_equal(timefmt_parse_local("2026-11-24 22:33:10", 9 * 3600, &us, NULL), RC_OK);
    assert_int_equal(us, INT64_C(1795527190000000));
}

static void what_is_no_instant_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        "2026",
        "2026-11-24",
        "2026-11-24T10:00:00",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-00-01T10:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T10:60:00Z",
        "2026-11-24T10:00:00.Z",
        "2026-11-24T10:00:00+9:00",
        "2026-11-24T10:00:00Zx",
        "1969-12-31T23:59:59Z",
        "20261124T100000Z",
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        int64_t us = 7;
        struct err err;
        assert_int_equal(timefmt_parse_rfc3339(BAD[i], &us, &err), RC_REJECT);
        assert_int_equal(us, 7);
    }
}

static void a_fake_clock_stands_still(void **state)
{
    (void)state;
    int64_t us = 5;
    struct clock clock = clock_fake(&us);
    assert_int_equal(clock_now_us(clock), 5);
    us = 9;
    assert_int_equal(clock_mono_us(clock), 9);
    assert_true(clock_now_us(clock_real()) > INT64_C(1700000000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_round_trip),
        cmocka_unit_test(known_instants),
        cmocka_unit_test(what_is_no_instant_is_refused),
        cmocka_unit_test(a_fake_clock_stands_still),
    };
    return UNIT_MAIN(tests);
}
