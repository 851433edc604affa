#include <string.h>

#include "services/cli/keys.h"
#include "tests/support/unit.h"

#define HEX_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static void test_masters_are_read_in_order(void **state)
{
    struct keys_token_masters masters;
    (void)state;
    assert_int_equal(
        keys_parse_token_masters("f", "1 " HEX_A "\n4294967295 " HEX_B "\n", &masters, NULL),
        RC_OK);
    assert_int_equal(masters.count, 2);
    assert_int_equal(masters.items[0].key_id, 1);
    assert_int_equal(masters.items[0].master[1], 0x11);
    assert_int_equal(masters.items[1].key_id, UINT32_MAX);
    assert_int_equal(masters.items[1].master[0], 0xff);
}

struct bad {
    const char *text;
    const char *want;
};

#define WANT_LINE "want a key id, a space and 64 hexadecimal digits"

static const struct bad BAD[] = {
    {"", "f: no key in it"},
    {"\n", "f: line 1: " WANT_LINE},
    {"1 " HEX_A, "f: line 1: " WANT_LINE}, /* no line break: cut short */
    {"1 " HEX_A "0\n", "f: line 1: " WANT_LINE},
    {"1 " HEX_A "\r\n", "f: line 1: " WANT_LINE},
    {"0 " HEX_A "\n", "f: line 1: " WANT_LINE},
    {"4294967296 " HEX_A "\n", "f: line 1: " WANT_LINE},
    {" 1 " HEX_A "\n", "f: line 1: " WANT_LINE},
    {"1  " HEX_A "\n", "f: line 1: " WANT_LINE},
    {"1 " HEX_A "\nx\n", "f: line 2: " WANT_LINE},
    {"2 " HEX_A "\n1 " HEX_B "\n", "f: line 2: key ids must grow"},
    {"1 " HEX_A "\n1 " HEX_B "\n", "f: line 2: key ids must grow"},
    {"1 " HEX_A "\n2 " HEX_A "\n3 " HEX_A "\n4 " HEX_A "\n5 " HEX_A "\n",
     "f: line 5: more than 4 keys"},
};

static void test_bad_masters_are_told_by_line_and_never_quoted(void **state)
{
    struct keys_token_masters masters = {.count = 99};
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct err err;
        assert_int_equal(keys_parse_token_masters("f", BAD[i].text, &masters, &err), RC_REJECT);
        assert_string_equal(err.text, BAD[i].want);
    }
    assert_int_equal(masters.count, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masters_are_read_in_order),
        cmocka_unit_test(test_bad_masters_are_told_by_line_and_never_quoted),
    };
    return UNIT_MAIN(tests);
}
