#include "tests/support/unit.h"

#include <string.h>

#include "services/common/base/buf.h"
#include "services/common/base/mem.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/jsonio/jsonio_scan.h"

#define DEPTH 4

static struct jsonio_doc *parse(const char *text)
{
    struct jsonio_doc *doc = NULL;
    struct err err;
    if (jsonio_parse(slice_str(text), DEPTH, &doc, &err) != RC_OK)
        fail_msg("%s: %s", text, err.text);
    return doc;
}

static void assert_refused(struct slice text, const char *want)
{
    struct jsonio_doc *doc = NULL;
    struct err err = {.rc = RC_OK};
    assert_int_equal(jsonio_parse(text, DEPTH, &doc, &err), RC_REJECT);
    assert_string_equal(err.text, want);
    assert_null(doc);
}

static void types_and_values(void **state)
{
    (void)state;
    struct jsonio_doc *doc = parse(" {\"s\":\"a\\u3042\\\"\",\"i\":-9223372036854775808,\"r\":1e3,"
                                   "\"t\":true,\"f\":false,\"n\":null,\"a\":[1,2.0,{}]}\n");
    const struct jsonio_value *root = jsonio_root(doc);
    assert_int_equal(jsonio_type(root), JSONIO_TYPE_OBJECT);
    assert_int_equal(jsonio_count(root), 7);
    struct slice text = jsonio_string(jsonio_find(root, "s"));
    assert_true(slice_is_equal(text, slice_str("a\xe3\x81\x82\"")));
    assert_int_equal(text.data[text.size], 0);
    assert_true(jsonio_integer(jsonio_find(root, "i")) == INT64_MIN);
    assert_int_equal(jsonio_type(jsonio_find(root, "r")), JSONIO_TYPE_REAL);
    assert_true(jsonio_bool(jsonio_find(root, "t")));
    assert_false(jsonio_bool(jsonio_find(root, "f")));
    assert_int_equal(jsonio_type(jsonio_find(root, "n")), JSONIO_TYPE_NULL);
    const struct jsonio_value *array = jsonio_find(root, "a");
    assert_int_equal(jsonio_count(array), 3);
    assert_int_equal(jsonio_integer(jsonio_item(array, 0)), 1);
    assert_int_equal(jsonio_type(jsonio_item(array, 1)), JSONIO_TYPE_REAL);
    assert_int_equal(jsonio_type(jsonio_item(array, 2)), JSONIO_TYPE_OBJECT);
    assert_null(jsonio_find(root, "absent"));
    jsonio_doc_free(doc);
    jsonio_doc_free(NULL);
}

static void numbers(void **state)
{
    (void)state;
    struct jsonio_doc *doc = parse("[9223372036854775807,-0,-0.0,1e3,0]");
    const struct jsonio_value *root = jsonio_root(doc);
    assert_true(jsonio_integer(jsonio_item(root, 0)) == INT64_MAX);
    assert_int_equal(jsonio_integer(jsonio_item(root, 1)), 0);
    assert_int_equal(jsonio_type(jsonio_item(root, 2)), JSONIO_TYPE_REAL);
    assert_int_equal(jsonio_type(jsonio_item(root, 3)), JSONIO_TYPE_REAL);
    jsonio_doc_free(doc);
}

static void every_root_is_a_value(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum jsonio_type type;
    } ROOTS[] = {
        {"\"x\"", JSONIO_TYPE_STRING}, {"1", JSONIO_TYPE_INTEGER}, {"1.5", JSONIO_TYPE_REAL},
        {"true", JSONIO_TYPE_BOOL},    {"null", JSONIO_TYPE_NULL}, {"[]", JSONIO_TYPE_ARRAY},
    };
    for (size_t i = 0; i < sizeof(ROOTS) / sizeof(ROOTS[0]); i++) {
        struct jsonio_doc *doc = parse(ROOTS[i].text);
        assert_int_equal(jsonio_type(jsonio_root(doc)), ROOTS[i].type);
        jsonio_doc_free(doc);
    }
}

static void refusals_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } BAD[] = {
        {"", "line 1, column 1: the text ends too early"},
        {"  \n ", "line 2, column 2: the text ends too early"},
        {"{\"a\":1", "line 1, column 7: the text ends too early"},
        {"{\"a\":1}\n{}", "line 2, column 2: something follows the value"},
        {"{\"a\":1,\n \"a\":2}", "line 2, column 5: a key is given twice in one object"},
        {"[9223372036854775808]", "line 1, column 21: a number is out of range (whole numbers have "
                                  "to fit 64 bits, signed)"},
        {"[-9223372036854775809]", "line 1, column 22: a number is out of range (whole numbers "
                                   "have to fit 64 bits, signed)"},
        {"[1e999]", "line 1, column 7: a number is out of range (whole numbers have to fit 64 "
                    "bits, signed)"},
        {"\"a\\u0000b\"", "line 1, column 11: a string holds a NUL"},
        {"\"\xff\"", "line 1, column 2: the text is not valid UTF-8"},
        {"\"\xed\xa0\x80\"", "line 1, column 2: the text is not valid UTF-8"},
        {"[01]", "line 1, column 3: this is not valid JSON"},
        {"[1,]", "line 1, column 5: this is not valid JSON"},
        {"{'a':1}", "line 1, column 3: this is not valid JSON"},
        {"[NaN]", "line 1, column 5: this is not valid JSON"},
        {"\"\\ud800\"", "line 1, column 9: this is not valid JSON"},
        {"\"a\tb\"", "line 1, column 3: this is not valid JSON"},
        {"\xef\xbb\xbf{}", "line 1, column 2: this is not valid JSON"},
        {"[[[[[]]]]]", "line 1, column 5: objects and arrays are nested too deeply"},
        {"{\"\xe3\x81\x82\":\n{\"b\":[{\"c\":[]}]}}",
         "line 2, column 12: objects and arrays are nested too deeply"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_refused(slice_str(BAD[i].text), BAD[i].want);
    assert_refused(slice_of("[1\0]", 4), "line 1, column 3: the text holds a NUL");
    assert_refused(slice_of(NULL, 0), "line 1, column 1: the text ends too early");
}

static void depth_counts_brackets_outside_strings(void **state)
{
    (void)state;
    jsonio_doc_free(parse("[[[[]],[[]]],\"[[[[[[\",\"\\\"[[[[[[\"]"));
    assert_int_equal(jsonio_scan_depth(slice_str("[[\"]]\\\"[[[\"]]"), 2), 13);
    assert_int_equal(jsonio_scan_depth(slice_str("[[["), 2), 2);
    assert_int_equal(jsonio_scan_depth(slice_str("]]][[["), 2), 5);
    static char deep[1 << 20];
    memset(deep, '[', sizeof(deep));
    assert_refused(slice_of(deep, sizeof(deep)),
                   "line 1, column 5: objects and arrays are nested too deeply");
}

static enum rc collect(void *ctx, const char *key, const struct jsonio_value *value)
{
    struct buf *out = ctx;
    if (jsonio_type(value) == JSONIO_TYPE_NULL)
        return RC_FULL;
    buf_add_str(out, key);
    return RC_OK;
}

static void each_walks_in_the_order_of_the_text(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    struct jsonio_doc *doc = parse("{\"z\":1,\"b\":1,\"y\":1,\"a\":1,\"stop\":null,\"c\":1}");
    assert_int_equal(jsonio_each(jsonio_root(doc), collect, &out), RC_FULL);
    assert_string_equal((char *)out.data, "zbya");
    jsonio_doc_free(doc);
    doc = parse("{}");
    assert_int_equal(jsonio_each(jsonio_root(doc), collect, &out), RC_OK);
    jsonio_doc_free(doc);
    buf_done(&out);
}

static void every_failed_allocation_is_a_retry(void **state)
{
    (void)state;
    static const char TEXT[] = "{\"a\":[1,2.5,\"text that is longer than a short buffer\",{\"b\":"
                               "[null,true]}],\"c\":{\"d\":1,\"e\":2,\"f\":3,\"g\":4,\"h\":5,"
                               "\"i\":6,\"j\":7,\"k\":8,\"l\":9,\"m\":10}}";
    jsonio_doc_free(parse("{}")); /* so that what jansson does once is done */
    for (long n = 1;; n++) {
        struct jsonio_doc *doc = NULL;
        struct err err;
        mem_fail_nth(n);
        enum rc rc = jsonio_parse(slice_str(TEXT), DEPTH, &doc, &err);
        int is_over = mem_fail_pending();
        mem_fail_nth(0);
        if (is_over) {
            assert_int_equal(rc, RC_OK);
            assert_true(n > 30);
            jsonio_doc_free(doc);
            return;
        }
        assert_int_equal(rc, RC_RETRY);
        assert_string_equal(err.text, "out of memory");
        assert_null(doc);
    }
}

static void written_strings_are_escaped(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 200);
    jsonio_write_string(&out, slice_of("a\"\\\n\0\x7f\xe3\x81\x82\xff\xe3\x81", 12));
    assert_string_equal((char *)out.data, "\"a\\\"\\\\\\u000a\\u0000\\u007f\xe3\x81\x82"
                                          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_reset(&out);
    jsonio_write_string(&out, slice_of(NULL, 0));
    assert_string_equal((char *)out.data, "\"\"");
    buf_done(&out);
}

static void types_have_names(void **state)
{
    (void)state;
    for (int type = JSONIO_TYPE_OBJECT; type <= JSONIO_TYPE_NULL; type++)
        assert_non_null(jsonio_type_name((enum jsonio_type)type));
    assert_string_equal(jsonio_type_name(JSONIO_TYPE_STRING), "a string");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_values),
        cmocka_unit_test(numbers),
        cmocka_unit_test(every_root_is_a_value),
        cmocka_unit_test(refusals_name_the_place),
        cmocka_unit_test(depth_counts_brackets_outside_strings),
        cmocka_unit_test(each_walks_in_the_order_of_the_text),
        cmocka_unit_test(every_failed_allocation_is_a_retry),
        cmocka_unit_test(written_strings_are_escaped),
        cmocka_unit_test(types_have_names),
    };
    return UNIT_MAIN(tests);
}
