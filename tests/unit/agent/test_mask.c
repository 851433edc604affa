/* The masker's documented patterns, what it must leave alone, and that masking twice is masking
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "services/agent/mask.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/base/utf8.h"

#define T "〔電話番号〕"
#define M "〔メール〕"
#define N "〔氏名〕"

static const char ROSTER[] = "山田太郎\n山田 花子\r\n\n森\nAnn Lee\nAnn\nﾔﾏﾀﾞ\n店員7\n山田\n氏名\n";

struct fixture {
    struct arena *arena;
    struct mask_roster *roster;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.arena = arena_new(1024 * 1024);
    if (fixture.arena == NULL || mask_roster_new(slice_str(ROSTER), &fixture.roster, NULL) != RC_OK)
        return -1;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    mask_roster_free(fixture->roster);
    arena_free(fixture->arena);
    return 0;
}

static struct slice mask(struct fixture *fixture, struct slice text, uint32_t *ret_count)
{
    struct slice masked;
    struct err err;
    if (mask_text(fixture->roster, fixture->arena, text, &masked, ret_count, &err) != RC_OK)
        fail_msg("%s", err.text);
    return masked;
}

static const struct {
    const char *text;
    const char *masked;
    uint32_t count;
} CASES[] = {
    /* pattern 1 */
    {"電話は090-1234-5678です", "電話は" T "です", 1},
    {"０９０－１２３４－５６７８", T, 1},
    {"09012345678と0312345678", T "と" T, 2},
    {"03(1234)5678", T, 1},
    {"(03)1234-5678", "(" T, 1},
    {"03（1234）5678、", T "、", 1},
    {"090 - 1234 - 5678", T, 1},
    {"090・1234・5678", T, 1},
    {"090の1234の5678の方", T "の方", 1},
    {"090.1234.5678.", T ".", 1},
    {"0 9 0 1 2 3 4 5 6 7 8", T, 1},
    {"0\xe2\x80\x8b"
     "90-1234-5678",
     T, 1},
    {"184-090-1234-5678", T, 1},
    {"+81 (0)90-1234-5678", T, 1},
    {"＋８１　９０　１２３４　５６７８", T, 1},
    {"0081-90-1234-5678", T, 1},
    {"010-81-90-1234-5678", T, 1},
    {"81 90 1234 5678", T, 1},
    {"0120-123-456へ", T "へ", 1},
    {"050-1234-5678", T, 1},
    {"+1 (212) 555-0100", T, 1},
    {"+44 20 7946 0958", T, 1},
    {"090-1234-5678-12", T, 1},
    {"090-1234-5678(080-8765-4321)", T "(" T ")", 2},
    {"090-1234-5678 3回", T " 3回", 1},
    {"03-1234-5678 内線 123", T " 内線 123", 1},
    /* patterns 2 and 3 */
    {"0120 090-1234-5678", T, 1},
    {"03-123-4567", T, 1},
    {"090123456789012", T, 1},
    {"注文123456789", "注文" T, 1},
    {"1234-5678-9012-3456", T, 1},
    {"12345678901", T, 1},
    /* left alone */
    {"2026-11-24", "2026-11-24", 0},
    {"2026-11-24-12", "2026-11-24-12", 0},
    {"2026.11.24-2026.11.30", "2026.11.24-2026.11.30", 0},
    {"2026-11-24 13:55:06", "2026-11-24 13:55:06", 0},
    {"2026/11/24 090-1234-5678", "2026/11/24 " T, 1},
    {"2026-11-24 09012345678", "2026-11-24 " T, 1},
    {"09012345678 2026-11-24", T " 2026-11-24", 1},
    {"20261124135506", "20261124135506", 0},
    {"202611241355", "202611241355", 0},
    {"20261324135506", T, 1},
    {"9:00-18:00", "9:00-18:00", 0},
    {"123456789円", "123456789円", 0},
    {"￥123456789", "￥123456789", 0},
    {"1,234,567,890円", "1,234,567,890円", 0},
    {"¥81-3-1234-5678", "¥" T, 1},
    {"090-1234-5678円", T "円", 1},
    {"0312345678円", T "円", 1},
    {"注文12345678", "注文12345678", 0},
    {"〒123-4567", "〒123-4567", 0},
    {"1234-5678", "1234-5678", 0},
    {"10 20 30 40 50", "10 20 30 40 50", 0},
    {"192.168.100.100", "192.168.100.100", 0},
    {"3階の5番、10時20分", "3階の5番、10時20分", 0},
    /* mail */
    {"taro@example.comまで", M "まで", 1},
    {"メールはtaro+x.y@mail.example.co.jp。", "メールは" M "。", 1},
    {"ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", M, 1},
    {"09012345678@docomo.ne.jp", M, 1},
    {"taro..san.@docomo.ne.jp.", M ".", 1},
    {"taro@192.168.1.1", M, 1},
    {"taro@localhost", "taro@localhost", 0},
    {"@taro_y", "@taro_y", 0},
    {"山田@example.com", N "@example.com", 1},
    {"a@b@c.d", "a@" M, 1},
    /* names */
    {"山田太郎さん", N "さん", 1},
    {"山田　太郎さん", N "さん", 1},
    {"山田花子と山田", N "と" N, 2},
    {"ヤマダさん", N "さん", 1},
    {"ﾔﾏﾀﾞさん", N "さん", 1},
    {"森さん", "森さん", 0},
    {"ann leeとANN", N "と" N, 2},
    {"Anna, JoAnn, Ann.", "Anna, JoAnn, " N ".", 1},
    {"店員７が", N "が", 1},
    {"店員70が", "店員70が", 0},
    {"Ann09012345678", N T, 2},
    /* marks */
    {T "と" M "と" N, T "と" M "と" N, 0},
    {"氏名は" N, N "は" N, 1},
    {"090" T "1234567", "090" T "1234567", 0},
    {"", "", 0},
};

static void test_patterns(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        uint32_t count;
        arena_reset(fixture->arena);
        struct slice masked = mask(fixture, slice_str(CASES[i].text), &count);
        if (!slice_is_equal(masked, slice_str(CASES[i].masked)) || count != CASES[i].count)
            fail_msg("%s: \"%.*s\", %u", CASES[i].text, (int)masked.size, masked.data, count);
    }
}

static void test_names_need_a_roster(void **state)
{
    struct fixture *fixture = *state;
    struct slice masked;
    uint32_t count;
    assert_int_equal(
        mask_text(NULL, fixture->arena, slice_str("山田 090-1234-5678"), &masked, &count, NULL),
        RC_OK);
    assert_true(slice_is_equal(masked, slice_str("山田 " T)));
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const char *pick(uint32_t *seed, const char *const list[], size_t count)
{
    return list[next_random(seed) % count];
}

#define PICK(seed, list) pick(seed, list, sizeof(list) / sizeof(list[0]))

/* A number in a documented way of writing: prefix, separators, width. */
static void write_number(uint32_t *seed, char *out, size_t size)
{
    static const char *const STARTS[] = {"090", "080", "070",  "060", "050",
                                         "03",  "06",  "0422", "0120"};
    static const char *const GAPS[] = {"-",  "",    " ", "ー", "－", "・",
                                       "の", " - ", ")", "　", "―",  "."};
    static const char *const PREFIXES[] = {"",     "",     "",        "184", "186-",
                                           "+81 ", "0081", "010-81-", "81-"};
    static const char *const WIDE[] = {"０", "１", "２", "３", "４", "５", "６", "７", "８", "９"};
    const char *start = PICK(seed, STARTS);
    const char *gap = PICK(seed, GAPS);
    const char *prefix = PICK(seed, PREFIXES);
    int digits = start[2] == '0' && start[3] == '\0' ? 11 : 10;
    int is_national = prefix[0] == '\0' || prefix[1] == '8';
    if (prefix[0] == '8')
        is_national = 0;
    char plain[64] = "";
    size_t at = (size_t)snprintf(plain, sizeof(plain), "%s%s", start + (is_national ? 0 : 1), gap);
    int rest = digits - (int)strlen(start);
    for (int i = 0; i < rest; i++) {
        if (i == rest - 4 && i > 0)
            at += (size_t)snprintf(plain + at, sizeof(plain) - at, "%s", gap);
        plain[at++] = (char)('1' + next_random(seed) % 9);
        plain[at] = '\0';
    }
    int is_wide = next_random(seed) % 3 == 0;
    at = (size_t)snprintf(out, size, "%s", prefix);
    for (const char *c = plain; *c != '\0'; c++) {
        if (is_wide && *c >= '0' && *c <= '9')
            at += (size_t)snprintf(out + at, size - at, "%s", WIDE[*c - '0']);
        else
            at += (size_t)snprintf(out + at, size - at, "%c", *c);
    }
}

/* A number begins and ends with a group, so none of these puts a digit beside it. */
static const char *const BEFORE[] = {"",   "電話 ", "。",          "(",         "「",  "3回 ",
                                     "\n", "A-",    "2026-11-24 ", "9:00に",    "0 ",  "、",
                                     "/",  "山田",  "TEL:",        "12 34 ",    "¥",   "a@b.c ",
                                     "+",  "12-",   "2026-",       "20261124 ", "000 "};
static const char *const AFTER[] = {"",       "です。",      ")",        "」",     " 3回", "\n",
                                    "-A",     " 2026-11-24", "、9:00に", " 0",     "円",   " 円",
                                    "@",      "/",           "山田",     "内線12", "-12",  "@b",
                                    " 12 34", "(123)",       "-",        ". ",     "の5"};

static void test_seeded_numbers_never_survive(void **state)
{
    struct fixture *fixture = *state;
    uint32_t seed = 411;
    for (int i = 0; i < 100000; i++) {
        char number[160], text[512];
        uint32_t count;
        write_number(&seed, number, sizeof(number));
        snprintf(text, sizeof(text), "%s%s%s", PICK(&seed, BEFORE), number, PICK(&seed, AFTER));
        arena_reset(fixture->arena);
        struct slice masked = mask(fixture, slice_str(text), &count);
        /* What is left of it: no four digits of its end. */
        const char *tail = number + strlen(number) - (number[strlen(number) - 1] < 0 ? 12 : 4);
        if (count == 0 || memmem(masked.data, masked.size, tail, strlen(tail)) != NULL)
            fail_msg("\"%s\": \"%.*s\"", text, (int)masked.size, masked.data);
    }
}

static void test_masking_twice_is_once(void **state)
{
    struct fixture *fixture = *state;
    static const char *const PIECES[] = {
        "0",    "9",     "090",  "1234", "5678",        "12",       "-",
        "ー",   " ",     "の",   "(",    ")",           ".",        "+",
        "81",   "184",   "0120", "2026", "-11",         "-24",      "円",
        "¥",    "@",     "a",    "b.c",  "example.com", "Ann",      "山田",
        "太郎", "店員7", "〔",   "〕",   "*",           "電話番号", T,
        M,      N,       "/",    ":",    "７",          "＠",       "\xe2\x80\x8b",
        "ﾔﾏﾀ",  "ﾞ",     "\n",   "é"};
    uint32_t seed = 5;
    for (int i = 0; i < 200000; i++) {
        char text[512] = "";
        size_t size = 0;
        for (size_t k = next_random(&seed) % 16; k > 0; k--)
            size += (size_t)snprintf(text + size, sizeof(text) - size, "%s", PICK(&seed, PIECES));
        uint32_t once, twice;
        arena_reset(fixture->arena);
        struct slice first = mask(fixture, slice_str(text), &once);
        struct slice second = mask(fixture, first, &twice);
        if (twice != 0 || !slice_is_equal(first, second) || !utf8_is_valid(first))
            fail_msg("\"%s\": \"%.*s\", then \"%.*s\"", text, (int)first.size, first.data,
                     (int)second.size, second.data);
    }
}

static void test_marks_never_pass_the_limit(void **state)
{
    struct fixture *fixture = *state;
    static char text[LIMIT_TEXT_BYTES + 1];
    struct slice full = slice_of(text, LIMIT_TEXT_BYTES);
    memset(text, '.', sizeof(text));
    for (size_t i = 0; i + 10 < LIMIT_TEXT_BYTES; i += 10)
        memcpy(text + i, "123456789,", 10);
    uint32_t count;
    arena_reset(fixture->arena);
    struct slice masked = mask(fixture, full, &count);
    assert_int_equal(count, 819);
    assert_int_equal(masked.size, 819 * 2 + 2);
    assert_memory_equal(masked.data, "*,*,*,", 6);
    struct slice again = mask(fixture, masked, &count);
    assert_int_equal(count, 0);
    assert_true(slice_is_equal(masked, again));

    struct err err;
    struct slice out = {0};
    full.size++;
    assert_int_equal(mask_text(NULL, fixture->arena, full, &out, &count, &err), RC_REJECT);
    assert_int_equal(mask_text(NULL, fixture->arena, slice_str("a\xff"), &out, &count, &err),
                     RC_REJECT);
    struct arena *small = arena_new(64);
    assert_int_equal(mask_text(NULL, small, slice_str("090-1234-5678"), &out, &count, &err),
                     RC_FULL);
    arena_free(small);
    assert_null(out.data);
}

static void test_a_bad_roster_is_refused(void **state)
{
    (void)state;
    struct mask_roster *roster = NULL;
    struct err err;
    assert_int_equal(mask_roster_new(slice_str("山田\n\xff\n"), &roster, &err), RC_REJECT);
    assert_string_equal(err.text, "line 2: cannot be read: it is not UTF-8");
    assert_int_equal(mask_roster_new(slice_str("a*b"), &roster, &err), RC_REJECT);
    char longest[LIMIT_NAME_BYTES + 1];
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(mask_roster_new(slice_of(longest, sizeof(longest)), &roster, &err), RC_REJECT);
    assert_null(roster);
    assert_int_equal(mask_roster_new(slice_of(longest, sizeof(longest) - 1), &roster, &err), RC_OK);
    mask_roster_free(roster);
    assert_int_equal(mask_roster_new(slice_of(NULL, 0), &roster, &err), RC_OK);
    mask_roster_free(roster);
    mask_roster_free(NULL);
    for (long n = 1;; n++) {
        mem_fail_nth(n);
        enum rc rc = mask_roster_new(slice_str(ROSTER), &roster, &err);
        int is_over = mem_fail_pending();
        mem_fail_nth(0);
        if (is_over) {
            assert_int_equal(rc, RC_OK);
            mask_roster_free(roster);
            break;
        }
        assert_int_equal(rc, RC_RETRY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_names_need_a_roster),
        cmocka_unit_test(test_seeded_numbers_never_survive),
        cmocka_unit_test(test_masking_twice_is_once),
        cmocka_unit_test(test_marks_never_pass_the_limit),
        cmocka_unit_test(test_a_bad_roster_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
