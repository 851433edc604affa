#include "tests/support/unit.h"

#include <string.h>

#include "services/common/base/mem.h"
#include "services/common/config/config.h"

struct item {
    char *name;
    int64_t size;
};

struct rating {
    char *name;
    int64_t value;
};

struct sample {
    char *text;
    int64_t number, wait_us, bytes;
    int is_on;
    struct {
        char *address;
        int64_t port;
    } http;
    struct config_list items;
    struct config_list names;
    struct config_list ratings;
};

static const struct config_field HTTP[] = {
    {.key = "address", .type = CONFIG_TYPE_STRING, .offset = offsetof(struct sample, http.address)},
    {.key = "port",
     .type = CONFIG_TYPE_INT,
     .offset = offsetof(struct sample, http.port),
     .standard = "8470",
     .max = 65535},
    {0},
};

static const struct config_field ITEM[] = {
    {.key = "name", .type = CONFIG_TYPE_STRING, .offset = 0, .is_required = 1},
    {.key = "size", .type = CONFIG_TYPE_SIZE, .offset = offsetof(struct item, size)},
    {0},
};

static enum rc check_short(const char *text, struct err *err)
{
    return strlen(text) > 3 ? err_set(err, RC_REJECT, "is long") : RC_OK;
}

static const struct config_field RATING[] = {
    {.key = "rating", .type = CONFIG_TYPE_STRING, .check = check_short},
    {.key = "rating",
     .type = CONFIG_TYPE_INT,
     .offset = offsetof(struct rating, value),
     .min = 1,
     .max = 5},
    {0},
};

static const struct config_field SAMPLE[] = {
    {.key = "text",
     .type = CONFIG_TYPE_STRING,
     .offset = offsetof(struct sample, text),
     .is_required = 1},
    {.key = "number",
     .type = CONFIG_TYPE_INT,
     .offset = offsetof(struct sample, number),
     .standard = "7",
     .min = -5,
     .max = 100},
    {.key = "wait", .type = CONFIG_TYPE_DURATION, .offset = offsetof(struct sample, wait_us)},
    {.key = "bytes", .type = CONFIG_TYPE_SIZE, .offset = offsetof(struct sample, bytes)},
    {.key = "on", .type = CONFIG_TYPE_BOOL, .offset = offsetof(struct sample, is_on)},
    {.key = "http", .type = CONFIG_TYPE_SECTION, .fields = HTTP},
    {.key = "items",
     .type = CONFIG_TYPE_LIST,
     .offset = offsetof(struct sample, items),
     .fields = ITEM,
     .item_size = sizeof(struct item),
     .items_max = 3},
    {.key = "names", .type = CONFIG_TYPE_STRINGS, .offset = offsetof(struct sample, names)},
    {.key = "ratings",
     .type = CONFIG_TYPE_MAP,
     .offset = offsetof(struct sample, ratings),
     .fields = RATING,
     .item_size = sizeof(struct rating),
     .items_min = 1,
     .items_max = 3},
    {0},
};

static enum rc parse(const char *text, struct sample *sample, struct err *err)
{
    return config_parse("f.yaml", slice_str(text), SAMPLE, sample, sizeof(*sample), err);
}

static const char FULL[] = "text: 'a: b'  # comment\n"
                           "number: -5\n"
                           "wait: 250ms\n"
                           "bytes: 64KiB\n"
                           "on: true\n"
                           "http: {address: 127.0.0.1, port: 0}\n"
                           "items:\n"
                           "  - name: one\n"
                           "    size: 2GiB\n"
                           "  - name: two\n"
                           "names: [x, \"y\"]\n"
                           "ratings: {a:b: 5, c: 1}\n";

static void all_types_are_read(void **state)
{
    (void)state;
    struct sample s;
    struct err err;
    assert_int_equal(parse(FULL, &s, &err), RC_OK);
    assert_string_equal(s.text, "a: b");
    assert_int_equal(s.number, -5);
    assert_int_equal(s.wait_us, 250000);
    assert_int_equal(s.bytes, 65536);
    assert_int_equal(s.is_on, 1);
    assert_string_equal(s.http.address, "127.0.0.1");
    assert_int_equal(s.http.port, 0);
    assert_int_equal(s.items.count, 2);
    const struct item *items = s.items.items;
    assert_string_equal(items[1].name, "two");
    assert_int_equal(items[0].size, INT64_C(2) << 30);
    assert_int_equal(s.names.count, 2);
    assert_string_equal(((char **)s.names.items)[1], "y");
    assert_int_equal(s.ratings.count, 2);
    const struct rating *ratings = s.ratings.items;
    assert_string_equal(ratings[0].name, "a:b");
    assert_int_equal(ratings[0].value, 5);
    assert_string_equal(ratings[1].name, "c");
    assert_int_equal(ratings[1].value, 1);
    config_done(SAMPLE, &s, sizeof(s));
    assert_null(s.text);
}

static void absent_keys_get_their_standard(void **state)
{
    (void)state;
    struct sample s;
    assert_int_equal(parse("text: x\n", &s, NULL), RC_OK);
    assert_int_equal(s.number, 7);
    assert_int_equal(s.http.port, 8470);
    assert_null(s.http.address);
    config_done(SAMPLE, &s, sizeof(s));
}

static void problems_name_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } CASES[] = {
        {"", "f.yaml:1:1: the file is empty"},
        {"text: x\nother: 1\n", "f.yaml:2:1: other: unknown key"},
        {"text: x\n\ntext: y\n", "f.yaml:3:1: text: given twice"},
        {"number: 3\n", "f.yaml:1:1: text: is required"},
        {"text: x\nnumber: many\n", "f.yaml:2:9: number: want a whole number"},
        {"text: x\nnumber: '3'\n", "f.yaml:2:9: number: want a plain value, not a quoted string"},
        {"text: x\nnumber: 101\n", "f.yaml:2:9: number: 101 is not between -5 and 100"},
        {"text: x\nnumber: 010\n", "f.yaml:2:9: number: a number does not start with 0"},
        {"text: x\nnumber: 99999999999999999999\n", "f.yaml:2:9: number: the number is too large"},
        {"text: x\nwait: 10\n",
         "f.yaml:2:7: wait: want a duration such as 250ms, 10s, 5m, 72h or 30d"},
        {"text: x\non: yes\n", "f.yaml:2:5: on: want true or false"},
        {"text: [x]\n", "f.yaml:1:7: text: want a string"},
        {"text: x\nhttp: 3\n", "f.yaml:2:7: http: want a mapping of keys to values"},
        {"text: x\nitems: [{size: 1}]\n", "f.yaml:2:9: name: is required"},
        {"text: x\nitems: [{name: a}, {name: b}, {name: c}, {name: d}]\n",
         "f.yaml:2:42: items: has too many items"},
        {"text: x\nratings: [a]\n", "f.yaml:2:10: ratings: want a mapping"},
        {"text: x\nratings: {}\n", "f.yaml:2:11: ratings: has too few items"},
        {"text: x\nratings: {a: 1,\n  a: 2}\n", "f.yaml:3:3: a: given twice"},
        {"text: x\nratings:\n  a: 6\n", "f.yaml:3:6: rating: 6 is not between 1 and 5"},
        {"text: x\nratings:\n  a: [6]\n", "f.yaml:3:6: rating: want a whole number"},
        {"text: x\nratings: {long: 1}\n", "f.yaml:2:11: rating: is long"},
        {"text: x\nratings: {[a]: 1}\n", "f.yaml:2:11: rating: want a string"},
        {"text: x\nratings: {a: 1, b: 1, c: 1, d: 1}\n",
         "f.yaml:2:29: ratings: has too many items"},
        {"text: &a x\n", "f.yaml:1:7: anchors, aliases and tags are not allowed"},
        {"text: !!str x\n", "f.yaml:1:7: anchors, aliases and tags are not allowed"},
        {"text: *a\n", "f.yaml:1:7: anchors, aliases and tags are not allowed"},
        {"text: x\n---\ntext: y\n", "f.yaml:2:1: only one document is allowed"},
        {"text: \"a\\0b\"\n", "f.yaml:1:7: text: holds a NUL character"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct sample s;
        struct err err;
        assert_int_equal(parse(CASES[i].text, &s, &err), RC_REJECT);
        assert_string_equal(err.text, CASES[i].error);
        assert_null(s.text);
    }
    struct sample s;
    struct err err;
    assert_int_equal(parse("text: {\n", &s, &err), RC_REJECT);
    assert_memory_equal(err.text, "f.yaml:", 7);
}

static void the_nth_allocation_fails(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct sample s;
        struct err err;
        mem_fail_nth(n);
        enum rc rc = parse(FULL, &s, &err);
        int is_through = mem_fail_pending();
        mem_fail_nth(0);
        if (is_through) {
            assert_int_equal(rc, RC_OK);
            config_done(SAMPLE, &s, sizeof(s));
            return;
        }
        assert_int_not_equal(rc, RC_OK);
        if (strstr(err.text, "out of memory") != NULL)
            assert_int_equal(rc, RC_RETRY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_types_are_read),
        cmocka_unit_test(absent_keys_get_their_standard),
        cmocka_unit_test(problems_name_their_place),
        cmocka_unit_test(the_nth_allocation_fails),
    };
    return UNIT_MAIN(tests);
}
