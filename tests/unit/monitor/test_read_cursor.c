#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "services/common/base/base64.h"
#include "services/monitor/read_cursor.h"

static const char UUID[] = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
static const uint64_t QUESTION = 0x0123456789abcdef;

struct cursor {
    char text[512];
};

static struct cursor write_cursor(const char *key, uint64_t question)
{
    struct cursor cursor;
    struct buf out;
    buf_init(&out, sizeof(cursor.text));
    read_cursor_write(&out, slice_str(key), question);
    assert_false(out.is_failed);
    snprintf(cursor.text, sizeof(cursor.text), "%.*s", (int)out.size, (const char *)out.data);
    buf_done(&out);
    return cursor;
}

/* What it adds to the statement's arguments, "" when it is refused. */
static struct cursor read_back(const char *text, enum read_type id, uint64_t question)
{
    struct cursor found = {""};
    struct read_args args;
    buf_init(&args.json, 4096);
    buf_add_char(&args.json, '{');
    if (read_cursor_read(&args, text, id, question))
        snprintf(found.text, sizeof(found.text), "%.*s}", (int)args.json.size,
                 (const char *)args.json.data);
    else
        assert_int_equal(1, args.json.size);
    buf_done(&args.json);
    return found;
}

static void what_was_written_is_read(void **state)
{
    char key[128], want[256];
    (void)state;
    snprintf(key, sizeof(key), "-1234567890.%s", UUID);
    snprintf(want, sizeof(want), "{\"after_at\":-1234567890,\"after_id\":\"%s\"}", UUID);
    struct cursor cursor = write_cursor(key, QUESTION);
    assert_int_equal(strlen(cursor.text),
                     strspn(cursor.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789-_"));
    assert_string_equal(want, read_back(cursor.text, READ_TYPE_UUID, QUESTION).text);
    cursor = write_cursor("999999999999999999.s001", QUESTION);
    assert_string_equal("{\"after_at\":999999999999999999,\"after_id\":\"s001\"}",
                        read_back(cursor.text, READ_TYPE_NAME, QUESTION).text);
}

static void it_is_good_for_its_own_question_only(void **state)
{
    struct cursor cursor = write_cursor("1.s001", QUESTION);
    (void)state;
    assert_string_equal("", read_back(cursor.text, READ_TYPE_NAME, QUESTION + 1).text);
    assert_string_equal("", read_back(cursor.text, READ_TYPE_NAME, 0).text);
    assert_string_equal("", read_back(cursor.text, READ_TYPE_UUID, QUESTION).text);
}

static void what_would_not_cast_is_refused(void **state)
{
    static const char *const KEYS[] = {"",
                                       ".a",
                                       "1",
                                       "1.",
                                       "x.a",
                                       "-.a",
                                       "--1.a",
                                       "01.a",
                                       "-00.a",
                                       "+1.a",
                                       "1e3.a",
                                       "1 .a",
                                       "1234567890123456789.a",
                                       "1.a b",
                                       "1.a\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        struct cursor cursor = write_cursor(KEYS[i], QUESTION);
        if (read_back(cursor.text, READ_TYPE_NAME, QUESTION).text[0] != '\0')
            fail_msg("%s", KEYS[i]);
    }
}

static void what_nobody_wrote_is_refused(void **state)
{
    struct cursor good = write_cursor("1.s001", QUESTION);
    char text[1024];
    (void)state;
    assert_string_equal("", read_back("", READ_TYPE_NAME, QUESTION).text);
    assert_string_equal("", read_back("!", READ_TYPE_NAME, QUESTION).text);
    for (size_t size = 0; size < strlen(good.text); size++) {
        snprintf(text, sizeof(text), "%.*s", (int)size, good.text);
        struct cursor cut = read_back(text, READ_TYPE_NAME, QUESTION);
        assert_string_not_equal("{\"after_at\":1,\"after_id\":\"s001\"}", cut.text);
    }
    memset(text, 'A', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_string_equal("", read_back(text, READ_TYPE_NAME, QUESTION).text);
    /* A NUL would end the text before its end. */
    struct buf coded;
    buf_init(&coded, 256);
    base64_write(&coded, slice_of("0123456789abcdef1.s001\0x", 24));
    assert_string_equal("", read_back((const char *)coded.data, READ_TYPE_NAME, QUESTION).text);
    buf_done(&coded);
}

static void a_key_too_long_fails_the_answer(void **state)
{
    char key[512];
    struct buf out;
    (void)state;
    memset(key, '1', sizeof(key));
    buf_init(&out, 4096);
    read_cursor_write(&out, slice_of(key, sizeof(key)), QUESTION);
    assert_true(out.is_failed);
    buf_done(&out);
}

static void the_hash_parts_its_texts(void **state)
{
    uint64_t ab = read_cursor_hash(read_cursor_hash(0, slice_str("a")), slice_str("b"));
    (void)state;
    assert_true(ab == read_cursor_hash(read_cursor_hash(0, slice_str("a")), slice_str("b")));
    assert_true(ab != read_cursor_hash(0, slice_str("ab")));
    assert_true(ab != read_cursor_hash(read_cursor_hash(0, slice_str("ab")), slice_str("")));
    assert_true(ab != read_cursor_hash(read_cursor_hash(0, slice_str("")), slice_str("ab")));
    assert_true(ab != read_cursor_hash(read_cursor_hash(0, slice_str("b")), slice_str("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(it_is_good_for_its_own_question_only),
        cmocka_unit_test(what_would_not_cast_is_refused),
        cmocka_unit_test(what_nobody_wrote_is_refused),
        cmocka_unit_test(a_key_too_long_fails_the_answer),
        cmocka_unit_test(the_hash_parts_its_texts),
    };
    return UNIT_MAIN(tests);
}
