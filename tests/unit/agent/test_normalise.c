#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kasumori/v1/identity.pb-c.h"
#include "services/agent/normalise.h"

#define KIND(name) KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_##name

static const struct {
    uint32_t kind;
    const char *raw;
    const char *value;
} CASES[] = {
    {KIND(MAIL), "Taro.Yamada@Example.COM", "taro.yamada@example.com"},
    {KIND(MAIL), "  taro@example.com\n", "taro@example.com"},
    {KIND(MAIL), "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "taro@example.com"},
    {KIND(MAIL), "\"山田 太郎\" <Taro@example.com>", "taro@example.com"},
    {KIND(MAIL), "taro+shop@example.com", "taro+shop@example.com"},
    {KIND(MAIL), "mailto:taro@example.com?subject=x", "taro@example.com"},
    {KIND(MAIL), "taro@example.com.", "taro@example.com"},
    {KIND(MAIL), "taro..san.@docomo.ne.jp", "taro..san.@docomo.ne.jp"},
    {KIND(MEMBER), "１２３４－５６７８ ９０", "1234567890"},
    {KIND(MEMBER), "ab-12 cd", "AB12CD"},
    {KIND(MEMBER), "12ー34", "1234"},
    {KIND(ACCOUNT), "ヤマダー1", "ヤマダー1"},
    {KIND(ACCOUNT), "taro.yamada_1", "TARO.YAMADA_1"},
    {KIND(WORKER), "w-012", "W012"},
    {KIND(VEHICLE), "品川 300 あ 12-34", "品川300あ1234"},
    {KIND(VEHICLE), "品川３００あ１２－３４", "品川300あ1234"},
    {KIND(VEHICLE), "横浜500 ｻ ・・12", "横浜500さ12"},
    {KIND(VEHICLE), "なにわ 30a さ ･･･1", "なにわ30Aさ1"},
    {KIND(SNS), "@Taro_Y", "taro_y"},
    {KIND(SNS), "X:@Taro", "x:taro"},
    {KIND(SNS), "＠ｔａｒｏ", "taro"},
    {KIND(NAME), "山田　太郎", "山田 太郎"},
    {KIND(NAME), " ﾔﾏﾀﾞ  ﾀﾛｳ ", "ヤマダ タロウ"},
    {KIND(NAME), "か\xe3\x82\x99と", "がと"},
    {KIND(NAME), "ﾊﾟ", "パ"},
    {KIND(NAME), "Taro YAMADA", "Taro YAMADA"},
    {KIND(HANDLE), " h-7f3 ", "h-7f3"},
    {KIND(PHONE), "０９０-1234-5678", "+819012345678"},
    {77, " ｘ１ ", "x1"},
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct normalised n;
        struct err err;
        if (normalise_identifier(CASES[i].kind, slice_str(CASES[i].raw), &n, &err) != RC_OK)
            fail_msg("%s: %s", CASES[i].raw, err.text);
        if (n.kind != CASES[i].kind ||
            !slice_is_equal(normalised_slice(&n), slice_str(CASES[i].value)))
            fail_msg("%s: kind %u, \"%.*s\"", CASES[i].raw, n.kind, (int)n.size, n.value);
    }
}

static void test_a_phone_may_change_its_kind(void **state)
{
    (void)state;
    struct normalised n;
    assert_int_equal(normalise_identifier(KIND(PHONE), slice_str("0120-123-456"), &n, NULL), RC_OK);
    assert_int_equal(n.kind, KIND(PHONE_IMPERSONAL));
    assert_int_equal(n.size, 12);
    assert_int_equal(
        normalise_identifier(KIND(PHONE_IMPERSONAL), slice_str("09012345678"), &n, NULL), RC_OK);
    assert_int_equal(n.kind, KIND(PHONE_IMPERSONAL));
    assert_int_equal(normalise_identifier(KIND(PHONE), slice_str("公衆電話"), &n, NULL), RC_OK);
    assert_int_equal(n.kind, 0);
    assert_int_equal(n.withheld, 2);
    assert_int_equal(n.size, 0);
    assert_int_equal(normalise_identifier(KIND(PHONE), slice_str("0901234567"), &n, NULL), RC_OK);
    assert_true(n.is_doubtful);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t kind;
        const char *raw;
        const char *text;
    } BAD[] = {
        {KIND(UNSPECIFIED), "x", "cannot normalise an identifier without its kind"},
        {KIND(NAME), "", "cannot be empty"},
        {KIND(NAME), "　 ", "cannot be empty"},
        {KIND(MEMBER), "---", "cannot be empty"},
        {KIND(HANDLE), "  ", "cannot be empty"},
        {KIND(NAME), "\xff", "cannot be read: it is not UTF-8"},
        {KIND(MAIL), "taro", "cannot be a mail address: want text@text"},
        {KIND(MAIL), "@example.com", "cannot be a mail address: want text@text"},
        {KIND(MAIL), "taro@", "cannot be a mail address: want text@text"},
        {KIND(PHONE), "いえ", "cannot be a phone number: there are no digits in it"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct normalised n = {.kind = 99};
        struct err err = {0};
        assert_int_equal(normalise_identifier(BAD[i].kind, slice_str(BAD[i].raw), &n, &err),
                         RC_REJECT);
        assert_string_equal(err.text, BAD[i].text);
        assert_int_equal(n.kind, 99);
    }
    char longest[LIMIT_RAW_IDENTIFIER_BYTES + 1];
    struct normalised n;
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(normalise_identifier(KIND(NAME), slice_of(longest, sizeof(longest)), &n, NULL),
                     RC_REJECT);
    assert_int_equal(
        normalise_identifier(KIND(NAME), slice_of(longest, sizeof(longest) - 1), &n, NULL), RC_OK);
    assert_int_equal(n.size, LIMIT_RAW_IDENTIFIER_BYTES);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void test_normalising_twice_is_once(void **state)
{
    (void)state;
    static const char *const PIECES[] = {"a",
                                         "B",
                                         "1",
                                         " ",
                                         "　",
                                         "-",
                                         "ー",
                                         "ｰ",
                                         "＠",
                                         "@",
                                         ".",
                                         "mailto:",
                                         "<",
                                         ">",
                                         "?",
                                         "ｶ",
                                         "ﾞ",
                                         "カ",
                                         "\xe3\x82\x99",
                                         "ｱ",
                                         "・",
                                         ":",
                                         "ｘ",
                                         "品",
                                         "\xe2\x80\x8b",
                                         "0120",
                                         "\n"};
    uint32_t seed = 7;
    for (int i = 0; i < 200000; i++) {
        char text[96];
        size_t size = 0;
        for (size_t k = next_random(&seed) % 9; k > 0; k--) {
            const char *piece = PIECES[next_random(&seed) % (sizeof(PIECES) / sizeof(PIECES[0]))];
            memcpy(text + size, piece, strlen(piece));
            size += strlen(piece);
        }
        uint32_t kind = 1 + next_random(&seed) % 11;
        struct normalised once, twice;
        if (normalise_identifier(kind, slice_of(text, size), &once, NULL) != RC_OK ||
            once.kind == 0)
            continue;
        if (normalise_identifier(once.kind, normalised_slice(&once), &twice, NULL) != RC_OK ||
            twice.kind != once.kind ||
            !slice_is_equal(normalised_slice(&once), normalised_slice(&twice)))
            fail_msg("kind %u, \"%.*s\": \"%.*s\", then \"%.*s\"", kind, (int)size, text,
                     (int)once.size, once.value, (int)twice.size, twice.value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_a_phone_may_change_its_kind),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_normalising_twice_is_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
