#include "tests/support/unit.h"

#include <string.h>

#include "services/monitor/caller.h"

static void names_are_short_and_plain(void **state)
{
    char longest[66];
    (void)state;
    memset(longest, 'a', sizeof(longest));
    assert_true(caller_is_name(slice_str("acme")));
    assert_true(caller_is_name(slice_str("A-Z_0.9@b")));
    assert_true(caller_is_name(slice_str("-")));
    assert_true(caller_is_name(slice_of(longest, 64)));
    assert_false(caller_is_name(slice_of(longest, 65)));
    assert_false(caller_is_name(slice_of(NULL, 0)));
    assert_false(caller_is_name(slice_str(".hidden")));
    assert_false(caller_is_name(slice_str("a b")));
    assert_false(caller_is_name(slice_str("a/b")));
    assert_false(caller_is_name(slice_str("a'b")));
    assert_false(caller_is_name(slice_str("a\x7f")));
    assert_false(caller_is_name(slice_str("店")));
    assert_false(caller_is_name(slice_of("a\0b", 3)));
    assert_false(caller_is_name(slice_of("a\0", 2)));
}

/* Each of the 256 bytes, so that no class of characters slips in. */
static void nothing_but_the_alphabet_is_in_a_name(void **state)
{
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@";
    (void)state;
    for (int c = 0; c < 256; c++) {
        const uint8_t text[] = {'a', (uint8_t)c};
        int is_in = c != 0 && strchr(ALPHABET, c) != NULL;
        assert_int_equal(is_in, caller_is_name(slice_of(text, sizeof(text))));
    }
}

static void japanese_unless_english_is_wanted_more(void **state)
{
    static const struct {
        const char *header;
        int is_japanese;
    } CASES[] = {
        {NULL, 1},
        {"", 1},
        {"ja", 1},
        {"en", 0},
        {"EN-us", 0},
        {"de", 1},
        {"*", 1},
        {"j", 1},
        {"en-US,en;q=0.9,ja;q=0.8", 0},
        {"ja;q=0.8,en;q=0.9", 0},
        {"ja,en", 1},
        {"en,ja", 1},
        {"fr;q=0.9, en;q=0.2, ja;q=0.3", 1},
        {"ja;q=0, en;q=0.001", 0},
        {"ja;q=0.5, en;q=1", 0},
        {"ja;q=0.5, en;q=1.000", 0},
        {"en;q=0", 1},
        {"en; q=0.4, ja; q=0.3", 0},
        {"en;level=1;q=0.1, ja;q=0.5", 0}, /* a weight that is none counts as 1 */
        {"en;q=", 1},
        {"en;q=.9", 1},
        {"ja;q=0.123, en;q=0.1239", 1}, /* three digits count */
        {",,,  ,en", 0},
        {"en;", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        if (caller_is_japanese(CASES[i].header) != CASES[i].is_japanese)
            fail_msg("%s", CASES[i].header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_short_and_plain),
        cmocka_unit_test(nothing_but_the_alphabet_is_in_a_name),
        cmocka_unit_test(japanese_unless_english_is_wanted_more),
    };
    return UNIT_MAIN(tests);
}
