#include "tests/support/unit.h"

#include <string.h>

#include "services/common/password/password.h"

static void one_password_is_right(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_BYTES];
    struct err err;
    assert_int_equal(password_hash(slice_str("271828"), hash, &err), RC_OK);
    assert_true(password_is_hash(hash));
    assert_null(strstr(hash, "271828"));
    assert_true(password_is_right(hash, slice_str("271828")));
    assert_false(password_is_right(hash, slice_str("271829")));
    assert_false(password_is_right(hash, slice_str("")));
}

static void the_same_password_has_another_hash(void **state)
{
    (void)state;
    char first[PASSWORD_HASH_BYTES], second[PASSWORD_HASH_BYTES];
    assert_int_equal(password_hash(slice_str("271828"), first, NULL), RC_OK);
    assert_int_equal(password_hash(slice_str("271828"), second, NULL), RC_OK);
    assert_string_not_equal(first, second);
}

static void what_is_no_hash_lets_nobody_in(void **state)
{
    (void)state;
    char tail[2 * PASSWORD_HASH_BYTES] = "$argon2id$";
    memset(tail + 10, 'a', sizeof(tail) - 11);
    const char *const bad[] = {"", "271828", "$argon2i$v=19$", "$2b$12$abcdefghijk", tail};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(password_is_hash(bad[i]));
        assert_false(password_is_right(bad[i], slice_str("271828")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_password_is_right),
        cmocka_unit_test(the_same_password_has_another_hash),
        cmocka_unit_test(what_is_no_hash_lets_nobody_in),
    };
    return UNIT_MAIN(tests);
}
