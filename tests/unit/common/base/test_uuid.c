#include "tests/support/unit.h"

#include "services/common/base/uuid.h"

static void v7_carries_its_time(void **state)
{
    (void)state;
    struct uuid a, b;
    int64_t at_us = INT64_C(1795527190123456);
    assert_int_equal(uuid_make_v7(at_us, &a, NULL), RC_OK);
    assert_int_equal(uuid_make_v7(at_us, &b, NULL), RC_OK);
    assert_true(uuid_is_v7(&a));
    assert_int_equal(uuid_v7_at_us(&a), at_us / 1000 * 1000);
    assert_int_not_equal(uuid_compare(&a, &b), 0);
    assert_int_equal(uuid_make_v7(at_us + 1000, &b, NULL), RC_OK);
    assert_true(uuid_compare(&a, &b) < 0);
}

static void text_round_trips(void **state)
{
    (void)state;
    struct uuid a, b;
    char text[UUID_TEXT_BYTES];
    assert_int_equal(uuid_parse("01890A5D-ac96-774b-bcce-b302099a8057", &a), RC_OK);
    assert_true(uuid_is_v7(&a));
    uuid_format(&a, text);
    assert_string_equal(text, "01890a5d-ac96-774b-bcce-b302099a8057");
    assert_int_equal(uuid_parse(text, &b), RC_OK);
    assert_int_equal(uuid_compare(&a, &b), 0);
    static const char *const BAD[] = {
        "",
        "01890a5d-ac96-774b-bcce-b302099a805",
        "01890a5dac96-774b-bcce-b302099a80570",
        "01890a5d-ac96-774b-bcce-b302099a805g",
        "01890a5dxac96-774b-bcce-b302099a8057",
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_int_equal(uuid_parse(BAD[i], &a), RC_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v7_carries_its_time),
        cmocka_unit_test(text_round_trips),
    };
    return UNIT_MAIN(tests);
}
