/* Known answers were made with Python 3.11's hmac alone:
     key    hmac(bytes(range(32)), b"kasumori token key\0" + b"acme\0" + struct.pack(">II", 4, 2))
     token  hmac(key, value) cut to 16 bytes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/token/token.h"

enum { KIND_PHONE = 4, KIND_MAIL = 5 };

static void expect_hex(const uint8_t *data, size_t size, const char *hex)
{
    char text[2 * 64 + 1];
    hex_format(data, size, text);
    assert_string_equal(text, hex);
}

static struct token_key phone_key(uint32_t key_id)
{
    uint8_t master[TOKEN_KEY_BYTES];
    for (int i = 0; i < TOKEN_KEY_BYTES; i++)
        master[i] = (uint8_t)i;
    struct token_key key;
    token_derive_key(master, "acme", KIND_PHONE, key_id, &key);
    return key;
}

static int set_up(void **state)
{
    (void)state;
    return token_init(NULL) == RC_OK ? 0 : -1;
}

static void test_known_key_and_tokens(void **state)
{
    (void)state;
    struct token_key key = phone_key(2);
    assert_int_equal(key.kind, KIND_PHONE);
    assert_int_equal(key.key_id, 2);
    expect_hex(key.key, 32, "3a882847974c35d5b910714f38f8b02fd25c27cef860acd6ade2ff6c23d1a257");
    struct token_mac macs[TOKEN_MACS_MAX];
    assert_int_equal(token_make(&key, 1, KIND_PHONE, slice_str("+819012345678"), macs), 1);
    assert_int_equal(macs[0].key_id, 2);
    expect_hex(macs[0].mac, 16, "5925e7e2155bea5179a3ea604c775da8");
    assert_int_equal(token_make(&key, 1, KIND_PHONE, slice_of(NULL, 0), macs), 1);
    expect_hex(macs[0].mac, 16, "9626072eeb846694492280d6e17b3fe7");
}

static void test_tenant_kind_and_key_id_part_the_keys(void **state)
{
    (void)state;
    uint8_t master[TOKEN_KEY_BYTES] = {1};
    struct token_key base, other;
    token_derive_key(master, "acme", 4, 2, &base);
    token_derive_key(master, "acm", 4, 2, &other);
    assert_memory_not_equal(base.key, other.key, 32);
    token_derive_key(master, "acme", 5, 2, &other);
    assert_memory_not_equal(base.key, other.key, 32);
    token_derive_key(master, "acme", 4, 3, &other);
    assert_memory_not_equal(base.key, other.key, 32);
    master[0] = 2;
    token_derive_key(master, "acme", 4, 2, &other);
    assert_memory_not_equal(base.key, other.key, 32);
}

static void test_one_token_per_key_of_the_kind_in_order(void **state)
{
    (void)state;
    struct token_key keys[7] = {phone_key(3), phone_key(1), phone_key(2)};
    struct token_mac macs[TOKEN_MACS_MAX + 1];
    keys[1].kind = KIND_MAIL;
    assert_int_equal(token_make(keys, 3, KIND_PHONE, slice_str("x"), macs), 2);
    assert_int_equal(macs[0].key_id, 3);
    assert_int_equal(macs[1].key_id, 2);
    assert_memory_not_equal(macs[0].mac, macs[1].mac, TOKEN_MAC_BYTES);
    assert_int_equal(token_make(keys, 3, 9, slice_str("x"), macs), 0);
    for (uint32_t i = 0; i < 7; i++)
        keys[i] = phone_key(i);
    macs[TOKEN_MACS_MAX].key_id = 99;
    assert_int_equal(token_make(keys, 7, KIND_PHONE, slice_str("x"), macs), TOKEN_MACS_MAX);
    assert_int_equal(macs[TOKEN_MACS_MAX - 1].key_id, TOKEN_MACS_MAX - 1);
    assert_int_equal(macs[TOKEN_MACS_MAX].key_id, 99);
}

static void test_only_the_vault_opens_the_box(void **state)
{
    (void)state;
    uint8_t public[32], secret[32], other_public[32], other_secret[32];
    assert_int_equal(token_make_vault_keys(public, secret), RC_OK);
    assert_int_equal(token_make_vault_keys(other_public, other_secret), RC_OK);
    struct slice value = slice_str("+819012345678");
    uint8_t box[13 + 4 + TOKEN_SEAL_OVERHEAD_BYTES];
    assert_int_equal(token_seal(public, KIND_PHONE, value, box, NULL), RC_OK);
    uint8_t opened[13];
    uint32_t kind = 0;
    struct slice sealed = slice_of(box, sizeof(box));
    assert_int_equal(token_unseal(public, secret, sealed, &kind, opened, NULL), RC_OK);
    assert_int_equal(kind, KIND_PHONE);
    assert_memory_equal(opened, value.data, 13);
    assert_null(memmem(box, sizeof(box), value.data, value.size));

    struct err err;
    kind = 77;
    assert_int_equal(token_unseal(other_public, other_secret, sealed, &kind, opened, &err),
                     RC_REJECT);
    box[40] ^= 1;
    assert_int_equal(token_unseal(public, secret, sealed, &kind, opened, &err), RC_REJECT);
    assert_int_equal(token_unseal(public, secret, slice_of(box, 51), &kind, opened, &err),
                     RC_REJECT);
    assert_int_equal(kind, 77);
}

static void test_two_boxes_of_one_value_differ(void **state)
{
    (void)state;
    uint8_t public[32], secret[32];
    assert_int_equal(token_make_vault_keys(public, secret), RC_OK);
    uint8_t a[1 + 4 + TOKEN_SEAL_OVERHEAD_BYTES], b[sizeof(a)];
    assert_int_equal(token_seal(public, 1, slice_str("x"), a, NULL), RC_OK);
    assert_int_equal(token_seal(public, 1, slice_str("x"), b, NULL), RC_OK);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void test_what_cannot_be_sealed_is_refused(void **state)
{
    (void)state;
    uint8_t public[32], secret[32], zero[32] = {0};
    static uint8_t value[LIMIT_SEALED_BYTES];
    static uint8_t box[2 * LIMIT_SEALED_BYTES];
    struct err err;
    assert_int_equal(token_make_vault_keys(public, secret), RC_OK);
    size_t most = LIMIT_SEALED_BYTES - TOKEN_SEAL_OVERHEAD_BYTES - 4;
    assert_int_equal(token_seal(public, 1, slice_of(value, most), box, &err), RC_OK);
    assert_int_equal(token_seal(public, 1, slice_of(value, most + 1), box, &err), RC_REJECT);
    assert_int_equal(token_seal(zero, 1, slice_of(value, 1), box, &err), RC_REJECT);
    assert_string_equal(err.text, "cannot seal for the vault: its public key is not a key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_key_and_tokens),
        cmocka_unit_test(test_tenant_kind_and_key_id_part_the_keys),
        cmocka_unit_test(test_one_token_per_key_of_the_kind_in_order),
        cmocka_unit_test(test_only_the_vault_opens_the_box),
        cmocka_unit_test(test_two_boxes_of_one_value_differ),
        cmocka_unit_test(test_what_cannot_be_sealed_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
