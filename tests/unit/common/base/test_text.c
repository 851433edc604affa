#include "tests/support/unit.h"

#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/base/rc.h"
#include "services/common/base/utf8.h"

static void utf8_round_trips(void **state)
{
    (void)state;
    for (int32_t c = 1; c <= 0x10ffff; c++) {
        if (c == 0xd800)
            c = 0xe000;
        char text[4];
        size_t size = utf8_put(c, text);
        size_t at = 0;
        assert_int_equal(utf8_next(slice_of(text, size), &at), c);
        assert_int_equal(at, size);
        if (size > 1) {
            at = 0;
            assert_int_equal(utf8_next(slice_of(text, size - 1), &at), -1);
            assert_int_equal(at, 0);
        }
    }
}

static void utf8_is_strict(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",     "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "a\xe3\x81",    "\xe3\x81z",
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_false(utf8_is_valid(slice_str(BAD[i])));
    assert_true(utf8_is_valid(slice_str("もう一度 電話しろ\n")));
    assert_false(utf8_is_valid(slice_of("a\0b", 3)));
    assert_true(utf8_is_valid(slice_of("", 0)));
}

static void hex_round_trips(void **state)
{
    (void)state;
    uint8_t data[3] = {0x00, 0xaf, 0x19};
    char text[7];
    hex_format(data, 3, text);
    assert_string_equal(text, "00af19");
    assert_int_equal(hex_parse("00AF19", data, 3), RC_OK);
    assert_int_equal(data[1], 0xaf);
    assert_int_equal(hex_parse("00AF1", data, 3), RC_REJECT);
    assert_int_equal(hex_parse("00AF1g", data, 3), RC_REJECT);
}

static void errors_are_cut_and_prefixed(void **state)
{
    (void)state;
    struct err err;
    char longer[400];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(err_set(&err, RC_REJECT, "%s", longer), RC_REJECT);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_int_equal(err_set(NULL, RC_FULL, "nothing"), RC_FULL);
    (void)err_set(&err, RC_RETRY, "why");
    assert_int_equal(err_prefix(&err, "line %d", 3), RC_RETRY);
    assert_string_equal(err.text, "line 3: why");
    assert_string_equal(rc_name(RC_CORRUPT), "corrupt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_round_trips),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(hex_round_trips),
        cmocka_unit_test(errors_are_cut_and_prefixed),
    };
    return UNIT_MAIN(tests);
}
