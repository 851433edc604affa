#include "tests/support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/mem.h"
#include "services/common/token/seal.h"

enum {
    PHONE = 4,
    VALUE_BYTES = 13,
    BOX_BYTES = VALUE_BYTES + 4 + TOKEN_SEAL_OVERHEAD_BYTES,
    MANY = 4 * SEAL_READY,
};

static uint8_t public[TOKEN_VAULT_KEY_BYTES], secret[TOKEN_VAULT_KEY_BYTES];
static const struct token_key key = {.kind = PHONE, .key_id = 3, .key = {7}};

static int set_up(void **state)
{
    struct seal *seal = NULL;
    if (token_init(NULL) != RC_OK || token_make_vault_keys(public, secret) != RC_OK ||
        seal_new(public, &seal, NULL) != RC_OK)
        return -1;
    *state = seal;
    return 0;
}

static int tear_down(void **state)
{
    seal_free(*state);
    return 0;
}

/* The box of the number-th phone. */
static void seal_number(struct seal *seal, int number, int64_t now_us, uint8_t box[BOX_BYTES])
{
    char text[VALUE_BYTES + 1];
    struct token_mac mac[TOKEN_MACS_MAX];
    snprintf(text, sizeof(text), "+8190%08d", number);
    const struct seal_value value = {PHONE, slice_str(text), mac};
    assert_int_equal(token_make(&key, 1, PHONE, value.value, mac), 1);
    assert_int_equal(seal_box(seal, &value, now_us, box, NULL), RC_OK);
}

static void expect_number(const uint8_t box[BOX_BYTES], int number)
{
    char text[VALUE_BYTES + 1];
    uint8_t opened[VALUE_BYTES];
    uint32_t kind = 0;
    snprintf(text, sizeof(text), "+8190%08d", number);
    assert_int_equal(token_unseal(public, secret, slice_of(box, BOX_BYTES), &kind, opened, NULL),
                     RC_OK);
    assert_int_equal(kind, PHONE);
    assert_memory_equal(opened, text, VALUE_BYTES);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, TOKEN_VAULT_KEY_BYTES);
}

/* Each box opens, and no two share the key pair that a shared nonce would betray. */
static void every_box_opens_and_has_a_key_of_its_own(void **state)
{
    struct seal *seal = *state;
    struct seal_stats stats;
    static uint8_t keys[MANY][TOKEN_VAULT_KEY_BYTES];
    assert_int_equal(seal_start(seal, NULL), RC_OK);
    for (int i = 0; i < MANY; i++) {
        uint8_t box[BOX_BYTES];
        seal_number(seal, i, 1, box);
        expect_number(box, i);
        memcpy(keys[i], box, TOKEN_VAULT_KEY_BYTES);
    }
    qsort(keys, MANY, sizeof(keys[0]), by_bytes);
    for (int i = 1; i < MANY; i++)
        assert_memory_not_equal(keys[i - 1], keys[i], sizeof(keys[0]));
    seal_stats(seal, &stats);
    assert_int_equal(stats.ready + stats.whole, MANY);
    assert_int_equal(stats.kept, 0);
}

static void the_thread_makes_halves_ahead(void **state)
{
    struct seal *seal = *state;
    struct seal_stats stats = {0};
    uint8_t box[BOX_BYTES];
    assert_int_equal(seal_start(seal, NULL), RC_OK);
    for (int i = 0; i < 10000 && stats.ready == 0; i++) {
        seal_number(seal, i, 1, box);
        seal_stats(seal, &stats);
        (void)poll(NULL, 0, 1);
    }
    assert_true(stats.ready > 0);
    expect_number(box, (int)(stats.ready + stats.whole) - 1);
}

static void without_a_thread_every_box_is_made_whole(void **state)
{
    struct seal *seal = *state;
    struct seal_stats stats;
    uint8_t box[BOX_BYTES];
    for (int i = 0; i < 3; i++) {
        seal_number(seal, i, 1, box);
        expect_number(box, i);
    }
    seal_stats(seal, &stats);
    assert_int_equal(stats.whole, 3);
}

static void a_value_gets_its_box_again_for_a_day(void **state)
{
    struct seal *seal = *state;
    uint8_t first[BOX_BYTES], again[BOX_BYTES];
    int64_t now_us = 1795527190 * CLOCK_US_PER_S;
    seal_number(seal, 1, now_us, first);
    seal_number(seal, 2, now_us, again);
    assert_memory_not_equal(first, again, BOX_BYTES);
    seal_number(seal, 1, now_us + SEAL_KEPT_US - 1, again);
    assert_memory_equal(first, again, BOX_BYTES);
    seal_number(seal, 1, now_us + SEAL_KEPT_US, again);
    assert_memory_not_equal(first, again, BOX_BYTES);
    expect_number(again, 1);
    /* a clock that steps back does not make it live longer */
    seal_number(seal, 1, now_us - 1, first);
    assert_memory_not_equal(first, again, BOX_BYTES);
}

static void what_is_kept_is_bounded_and_never_another_values(void **state)
{
    struct seal *seal = *state;
    struct seal_stats stats;
    uint8_t box[BOX_BYTES];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < SEAL_KEPT + SEAL_KEPT / 2; i++) {
            seal_number(seal, i, 1 + round, box);
            if (i % 16 == 0)
                expect_number(box, i);
        }
    seal_stats(seal, &stats);
    assert_in_range(stats.kept, 1, SEAL_KEPT);
}

/* Equal tokens of other kinds or keys are other values. */
static void kind_and_key_are_part_of_what_is_kept(void **state)
{
    struct seal *seal = *state;
    uint8_t a[BOX_BYTES], b[BOX_BYTES];
    struct token_mac mac = {.key_id = 1, .mac = {9}};
    struct seal_value value = {PHONE, slice_str("+819012345678"), &mac};
    assert_int_equal(seal_box(seal, &value, 1, a, NULL), RC_OK);
    value.kind = PHONE + 1;
    assert_int_equal(seal_box(seal, &value, 1, b, NULL), RC_OK);
    assert_memory_not_equal(a, b, BOX_BYTES);
    value.kind = PHONE;
    mac.key_id = 2;
    assert_int_equal(seal_box(seal, &value, 1, b, NULL), RC_OK);
    assert_memory_not_equal(a, b, BOX_BYTES);
}

static void long_values_are_sealed_each_time_anew(void **state)
{
    struct seal *seal = *state;
    static const uint8_t bytes[SEAL_KEPT_BYTES];
    struct token_mac mac = {.key_id = 1};
    uint8_t a[2 * SEAL_KEPT_BYTES], b[sizeof(a)], opened[SEAL_KEPT_BYTES];
    uint32_t kind;
    const struct seal_value value = {PHONE, slice_of(bytes, sizeof(bytes)), &mac};
    size_t size = sizeof(bytes) + 4 + TOKEN_SEAL_OVERHEAD_BYTES;
    assert_int_equal(seal_box(seal, &value, 1, a, NULL), RC_OK);
    assert_int_equal(seal_box(seal, &value, 1, b, NULL), RC_OK);
    assert_memory_not_equal(a, b, size);
    assert_int_equal(token_unseal(public, secret, slice_of(b, size), &kind, opened, NULL), RC_OK);
    assert_memory_equal(opened, bytes, sizeof(bytes));
}

static void a_bad_key_or_no_memory_is_told(void **state)
{
    static const uint8_t zero[TOKEN_VAULT_KEY_BYTES];
    struct seal *seal = NULL;
    struct err err;
    (void)state;
    assert_int_equal(seal_new(zero, &seal, &err), RC_REJECT);
    assert_string_equal(err.text, "cannot seal for the vault: its public key is not a key");
    mem_fail_nth(1);
    assert_int_equal(seal_new(public, &seal, &err), RC_RETRY);
    assert_null(seal);
    for (int n = 1; n <= 4; n++) {
        assert_int_equal(seal_new(public, &seal, &err), RC_OK);
        mem_fail_nth(n);
        assert_int_equal(seal_start(seal, &err), RC_RETRY);
        seal_free(seal);
    }
}

static void a_half_is_wiped_by_its_box(void **state)
{
    static const struct token_half wiped;
    struct token_half half;
    uint8_t box[BOX_BYTES];
    (void)state;
    assert_int_equal(token_seal_half(public, &half, NULL), RC_OK);
    assert_int_equal(token_seal_with(&half, PHONE, slice_str("+819000000005"), box, NULL), RC_OK);
    expect_number(box, 5);
    assert_memory_equal(&half, &wiped, sizeof(half));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_box_opens_and_has_a_key_of_its_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_thread_makes_halves_ahead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_thread_every_box_is_made_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_value_gets_its_box_again_for_a_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_kept_is_bounded_and_never_another_values, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(kind_and_key_are_part_of_what_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_values_are_sealed_each_time_anew, set_up, tear_down),
        cmocka_unit_test(a_bad_key_or_no_memory_is_told),
        cmocka_unit_test(a_half_is_wiped_by_its_box),
    };
    return UNIT_MAIN(tests);
}
