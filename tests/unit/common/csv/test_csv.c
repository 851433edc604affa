#include <stdio.h>
#include <string.h>

#include "services/common/csv/csv.h"
#include "tests/support/unit.h"

/* Rows as "line:a|b|c" and failures as "!text", each on a line. */
static const char *read_all(const char *text, size_t size)
{
    static char out[LIMIT_CSV_ROW_BYTES * 2];
    static struct csv csv;
    size_t used = 0;
    struct csv_row row;
    struct err err;
    out[0] = '\0';
    csv_init(&csv, slice_of(text, size));
    for (;;) {
        enum rc rc = csv_next(&csv, &row, &err);
        if (rc != RC_OK) {
            assert_int_equal(rc, RC_REJECT);
            used += (size_t)snprintf(out + used, sizeof(out) - used, "!%s\n", err.text);
            continue;
        }
        if (row.count == 0)
            return out;
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%d:", row.line);
        for (size_t i = 0; i < row.count; i++) {
            assert_int_equal(row.fields[i].data[row.fields[i].size], 0);
            used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%.*s", i == 0 ? "" : "|",
                                     (int)row.fields[i].size, (const char *)row.fields[i].data);
        }
        used += (size_t)snprintf(out + used, sizeof(out) - used, "\n");
    }
}

#define EXPECT(text, want) assert_string_equal(read_all(text, sizeof(text) - 1), want)

static void test_plain_rows(void **state)
{
    (void)state;
    EXPECT("", "");
    EXPECT("\n\r\n\n", "");
    EXPECT("a,b,c\n1,,3\n", "1:a|b|c\n2:1||3\n");
    EXPECT("a,b", "1:a|b\n");
    EXPECT("a,\n", "1:a|\n");
    EXPECT(",\n", "1:|\n");
    EXPECT("a\r\nb\r\n", "1:a\n2:b\n");
    EXPECT("a\rb\n", "1:a\rb\n"); /* a lone CR is a character */
    EXPECT("\xef\xbb\xbf"
           "a,b\n",
           "1:a|b\n");
    EXPECT("a\n\n\nb\n", "1:a\n4:b\n");
}

static void test_quotes(void **state)
{
    (void)state;
    EXPECT("\"a,b\",c\n", "1:a,b|c\n");
    EXPECT("\"a\"\"b\",\"\"\n", "1:a\"b|\n");
    EXPECT("\"two\nlines\",x\nnext\n", "1:two\nlines|x\n3:next\n");
    EXPECT("\"\"", "1:\n");
    EXPECT("a\"b\"c,d\n", "1:a\"b\"c|d\n");
}

static void test_broken_rows_do_not_stop_the_rest(void **state)
{
    (void)state;
    EXPECT("a\n\"b\nc\nd\n", "1:a\n!line 2: a quote is not closed\n3:c\n4:d\n");
    EXPECT("\"a\"b,c\nd\n", "!line 1: something follows a closing quote\n2:d\n");
    EXPECT("\"", "!line 1: a quote is not closed\n");
}

static void test_limits(void **state)
{
    static char text[LIMIT_CSV_ROW_BYTES + 16];
    (void)state;
    memset(text, ',', LIMIT_CSV_FIELDS - 1); /* as many fields as there may be */
    text[LIMIT_CSV_FIELDS - 1] = '\n';
    assert_string_not_equal(read_all(text, LIMIT_CSV_FIELDS),
                            "!line 1: the row has too many fields\n");
    text[LIMIT_CSV_FIELDS - 1] = ',';
    assert_string_equal(read_all(text, LIMIT_CSV_FIELDS), "!line 1: the row has too many fields\n");
    memset(text, 'x', LIMIT_CSV_ROW_BYTES - 1); /* with its NUL, exactly full */
    assert_int_not_equal(read_all(text, LIMIT_CSV_ROW_BYTES - 1)[0], '!');
    text[LIMIT_CSV_ROW_BYTES - 1] = 'x';
    assert_string_equal(read_all(text, LIMIT_CSV_ROW_BYTES), "!line 1: the row is too long\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_rows),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_broken_rows_do_not_stop_the_rest),
        cmocka_unit_test(test_limits),
    };
    return UNIT_MAIN(tests);
}
