/* The phone rules, case by case, and what must hold for any text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/agent/phone.h"

#define P PHONE_KIND_PERSONAL
#define I PHONE_KIND_IMPERSONAL

struct number_case {
    const char *raw;
    enum phone_kind kind;
    const char *e164;
    int is_doubtful;
};

static const struct number_case NUMBERS[] = {
    /* mobiles */
    {"09012345678", P, "+819012345678", 0},
    {"090-1234-5678", P, "+819012345678", 0},
    {"080 1234 5678", P, "+818012345678", 0},
    {"070.1234.5678", P, "+817012345678", 0},
    {"06012345678", P, "+816012345678", 0},
    {"(090)1234-5678", P, "+819012345678", 0},
    {"０９０－１２３４－５６７８", P, "+819012345678", 0},
    {"０９０（１２３４）５６７８", P, "+819012345678", 0},
    {"090‐1234‑5678", P, "+819012345678", 0},
    {"090–1234—5678", P, "+819012345678", 0},
    {"090―1234−5678", P, "+819012345678", 0},
    {"090ー1234ｰ5678", P, "+819012345678", 0},
    {"090─1234━5678", P, "+819012345678", 0},
    {"090〜1234～5678", P, "+819012345678", 0},
    {"090・1234･5678", P, "+819012345678", 0},
    {"090の1234の5678", P, "+819012345678", 0},
    {"090　1234　5678", P, "+819012345678", 0},
    {"090\xc2\xa0"
     "1234\xe2\x80\x89"
     "5678",
     P, "+819012345678", 0},
    {"\xe2\x80\xaa"
     "090-1234-5678\xe2\x80\xac",
     P, "+819012345678", 0},
    {"090\t1234\t5678", P, "+819012345678", 0},
    {"【090】1234-5678", P, "+819012345678", 0},
    {"携帯 090-1234-5678", P, "+819012345678", 0},
    {"TEL：０９０−１２３４−５６７８", P, "+819012345678", 0},
    {"☎090-1234-5678", P, "+819012345678", 0},
    {"  090-1234-5678\r\n", P, "+819012345678", 0},
    /* land lines and IP phones */
    {"03-1234-5678", P, "+81312345678", 0},
    {"(03) 1234 5678", P, "+81312345678", 0},
    {"0312345678", P, "+81312345678", 0},
    {"0422-12-3456", P, "+81422123456", 0},
    {"04992-1-2345", P, "+81499212345", 0},
    {"011-123-4567", P, "+81111234567", 0},
    {"0185-12-3456", P, "+81185123456", 0},
    {"050-1234-5678", P, "+815012345678", 0},
    /* prefixes */
    {"184-090-1234-5678", P, "+819012345678", 0},
    {"18609012345678", P, "+819012345678", 0},
    {"1840 090 1234 5678", P, "+819012345678", 0},
    {"1860-03-1234-5678", P, "+81312345678", 0},
    {"184+81 90 1234 5678", P, "+819012345678", 0},
    {"184-010-81-90-1234-5678", P, "+819012345678", 0},
    {"0081-90-1234-5678", P, "+819012345678", 0},
    {"0081 090 1234 5678", P, "+819012345678", 0},
    {"010-81-90-1234-5678", P, "+819012345678", 0},
    {"+81 90-1234-5678", P, "+819012345678", 0},
    {"+81 (0)90-1234-5678", P, "+819012345678", 0},
    {"+81(0)3 1234 5678", P, "+81312345678", 0},
    {"＋８１ ９０ １２３４ ５６７８", P, "+819012345678", 0},
    {"+090-1234-5678", P, "+819012345678", 0},
    {"819012345678", P, "+819012345678", 0},
    {"81312345678", P, "+81312345678", 0},
    {"8109012345678", P, "+819012345678", 0},
    {"0033-03-1234-5678", P, "+81312345678", 0},
    {"184-0077-03-1234-5678", P, "+81312345678", 0},
    /* extensions and what follows */
    {"03-1234-5678 内線 123", P, "+81312345678", 0},
    {"03-1234-5678(内12)", P, "+81312345678", 0},
    {"03-1234-5678 ext. 9", P, "+81312345678", 0},
    {"0312345678x9", P, "+81312345678", 0},
    {"03-1234-5678#9", P, "+81312345678", 0},
    {"03-1234-5678,,12", P, "+81312345678", 0},
    {"03-1234-5678(代)", P, "+81312345678", 0},
    {"090-1234-5678 / 03-1234-5678", P, "+819012345678", 0},
    {"090-1234-5678又は03-1234-5678", P, "+819012345678", 0},
    /* URIs and caller ids */
    {"tel:+81-90-1234-5678", P, "+819012345678", 0},
    {"tel:0312345678;phone-context=example.com", P, "+81312345678", 0},
    {"sip:09012345678@192.168.0.1:5060", P, "+819012345678", 0},
    {"<sip:+819012345678@example.net;user=phone>", P, "+819012345678", 0},
    {"sips:%2B819012345678@example.net", P, "+819012345678", 0},
    {"\"Taro 3\" <09012345678>", P, "+819012345678", 0},
    {"\"09012345678\" <>", P, "+819012345678", 0},
    {"09012345678@example.net", P, "+819012345678", 0},
    {"callto:0312345678", P, "+81312345678", 0},
    /* nobody's */
    {"0120-123-456", I, "+81120123456", 0},
    {"０１２０－１２３－４５６", I, "+81120123456", 0},
    {"+81 120 123 456", I, "+81120123456", 0},
    {"0800-123-4567", I, "+818001234567", 0},
    {"0570-012-345", I, "+81570012345", 0},
    {"020-1234-5678", I, "+812012345678", 0},
    {"0180-99-1234", I, "+81180991234", 0},
    {"0990-512-345", I, "+81990512345", 0},
    {"0200-0000-123456", I, "02000000123456", 1},
    {"+800 1234 5678", I, "+80012345678", 0},
    {"110", I, "110", 1},
    {"#9110", I, "9110", 1},
    {"201", I, "201", 1},
    {"0120", I, "0120", 1},
    /* other countries */
    {"+1 (212) 555-0100", P, "+12125550100", 0},
    {"010-1-212-555-0100", P, "+12125550100", 0},
    {"+44 20 7946 0958", P, "+442079460958", 0},
    {"+82-10-1234-5678", P, "+821012345678", 0},
    {"+1234567", P, "+1234567", 1},
    {"+1234567890123456", P, "+1234567890123456", 1},
    /* looks invalid, still a number */
    {"090-1234-567", P, "+81901234567", 1},
    {"090-0234-5678", P, "+819002345678", 1},
    {"0501234567", P, "+81501234567", 1},
    {"9012345678", P, "9012345678", 1},
    {"1234-5678", P, "12345678", 1},
    {"090123456789", P, "090123456789", 1},
    {"+81 90 1234", I, "+81901234", 1},
    {"+81 90 1234 5", P, "+819012345", 1},
    {"+81", I, "+81", 1},
    {"+8", I, "+8", 1},
    {"0", I, "0", 1},
    {"12125550100", P, "12125550100", 1},
    {"18405551234", P, "18405551234", 1},
    {"18418409012345678", P, "18418409012345678", 1},
    {"11112222333344445555666677", P, "1111222233334444555566", 1},
    {"+81 1111 2222 3333 4444 5555 6666", P, "+8111112222333344445555", 1},
};

struct withheld_case {
    const char *raw;
    enum phone_withheld reason;
};

static const struct withheld_case WITHHELD[] = {
    {"非通知", PHONE_WITHHELD_BY_CALLER},
    {" 非通知設定 ", PHONE_WITHHELD_BY_CALLER},
    {"番号非通知", PHONE_WITHHELD_BY_CALLER},
    {"ヒツウチ", PHONE_WITHHELD_BY_CALLER},
    {"ﾋﾂｳﾁ", PHONE_WITHHELD_BY_CALLER},
    {"anonymous", PHONE_WITHHELD_BY_CALLER},
    {"Anonymous", PHONE_WITHHELD_BY_CALLER},
    {"ＡＮＯＮＹＭＯＵＳ", PHONE_WITHHELD_BY_CALLER},
    {"sip:anonymous@anonymous.invalid", PHONE_WITHHELD_BY_CALLER},
    {"\"Anonymous\" <sip:anonymous@192.168.1.1>", PHONE_WITHHELD_BY_CALLER},
    {"\"\" <anonymous>", PHONE_WITHHELD_BY_CALLER},
    {"\"非通知\" <>", PHONE_WITHHELD_BY_CALLER},
    {"Restricted", PHONE_WITHHELD_BY_CALLER},
    {"private", PHONE_WITHHELD_BY_CALLER},
    {"Private Number", PHONE_WITHHELD_BY_CALLER},
    {"P", PHONE_WITHHELD_BY_CALLER},
    {"公衆電話", PHONE_WITHHELD_PUBLIC_PHONE},
    {"公衆", PHONE_WITHHELD_PUBLIC_PHONE},
    {"コウシュウデンワ", PHONE_WITHHELD_PUBLIC_PHONE},
    {"Coin line/payphone", PHONE_WITHHELD_PUBLIC_PHONE},
    {"C", PHONE_WITHHELD_PUBLIC_PHONE},
    {"表示圏外", PHONE_WITHHELD_OUT_OF_AREA},
    {"通知不可能", PHONE_WITHHELD_OUT_OF_AREA},
    {"Unavailable", PHONE_WITHHELD_OUT_OF_AREA},
    {"out-of-area", PHONE_WITHHELD_OUT_OF_AREA},
    {"sip:unavailable@unknown.invalid", PHONE_WITHHELD_OUT_OF_AREA},
    {"unknown", PHONE_WITHHELD_UNKNOWN},
    {"<unknown>", PHONE_WITHHELD_UNKNOWN},
    {"Interaction with other service", PHONE_WITHHELD_UNKNOWN},
    {"不明", PHONE_WITHHELD_UNKNOWN},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
        const struct number_case *c = &NUMBERS[i];
        struct phone phone;
        phone_normalise(slice_str(c->raw), &phone);
        if (phone.kind != c->kind || strcmp(phone.e164, c->e164) != 0 ||
            phone.is_doubtful != c->is_doubtful || phone.reason != PHONE_WITHHELD_NOT)
            fail_msg("%s: kind %d, \"%s\", doubtful %d", c->raw, (int)phone.kind, phone.e164,
                     phone.is_doubtful);
    }
}

static void test_withheld_is_no_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(WITHHELD) / sizeof(WITHHELD[0]); i++) {
        struct phone phone;
        phone_normalise(slice_str(WITHHELD[i].raw), &phone);
        if (phone.kind != PHONE_KIND_WITHHELD || phone.reason != WITHHELD[i].reason ||
            phone.e164[0] != '\0')
            fail_msg("%s: kind %d, reason %d", WITHHELD[i].raw, (int)phone.kind, (int)phone.reason);
    }
}

static void test_what_is_neither(void **state)
{
    (void)state;
    static const char *const NEITHER[] = {
        "", " ", "-", "+", "いえでん", "内線", "sip:taro@example.net", "<>"};
    for (size_t i = 0; i < sizeof(NEITHER) / sizeof(NEITHER[0]); i++) {
        struct phone phone;
        phone_normalise(slice_str(NEITHER[i]), &phone);
        assert_int_equal(phone.kind, PHONE_KIND_NONE);
    }
    uint8_t longest[257];
    memset(longest, '0', sizeof(longest));
    struct phone phone;
    phone_normalise(slice_of(longest, 257), &phone);
    assert_int_equal(phone.kind, PHONE_KIND_NONE);
    phone_normalise(slice_of(longest, 256), &phone);
    assert_int_equal(phone.kind, PHONE_KIND_PERSONAL);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Texts of pieces that the rules know, so that most of them meet several rules at once. */
static size_t random_text(uint32_t *seed, char *text, size_t size_max)
{
    static const char *const PIECES[] = {
        "0", "1",    "8",    "81",   "184", "186", "010",    "0081", "00",   "90",   "09", "12",
        "3", "5678", "-",    "+",    " ",   "ー",  "０",     "９",   "内",   "ext",  "<",  ">",
        "@", "sip:", "tel:", "0120", "の",  ";",   "非通知", "\xff", "0033", "0077", "%2b"};
    size_t size = 0;
    size_t pieces = 1 + next_random(seed) % 14;
    for (size_t i = 0; i < pieces; i++) {
        const char *piece = PIECES[next_random(seed) % (sizeof(PIECES) / sizeof(PIECES[0]))];
        if (size + strlen(piece) > size_max)
            break;
        memcpy(text + size, piece, strlen(piece));
        size += strlen(piece);
    }
    return size;
}

static void test_normalising_twice_is_once(void **state)
{
    (void)state;
    uint32_t seed = 20261124;
    for (int i = 0; i < 200000; i++) {
        char text[128];
        size_t size = random_text(&seed, text, sizeof(text));
        struct phone once, twice;
        phone_normalise(slice_of(text, size), &once);
        if (once.e164[0] == '\0')
            continue;
        phone_normalise(slice_str(once.e164), &twice);
        if (strcmp(once.e164, twice.e164) != 0 || once.kind != twice.kind ||
            once.is_doubtful != twice.is_doubtful)
            fail_msg("\"%.*s\": \"%s\" %d %d, then \"%s\" %d %d", (int)size, text, once.e164,
                     (int)once.kind, once.is_doubtful, twice.e164, (int)twice.kind,
                     twice.is_doubtful);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_withheld_is_no_number),
        cmocka_unit_test(test_what_is_neither),
        cmocka_unit_test(test_normalising_twice_is_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
