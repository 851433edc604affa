#include "tests/support/unit.h"

#include <string.h>

#include "services/cli/category_file.h"
#include "services/common/base/mem.h"

static const char GOOD[] =
    "scheme: own\nversion: 2026\nja: 自社\nen: own\ncomplete: true\n"
    "categories:\n  - {code: shout, ja: 怒声, en: shouting, severity: 3}\n"
    "  - {code: wait, ja: 待ち伏せ, en: lying in wait}\n"
    "mappings:\n  - {code: shout, scheme: mhlw9, version: 2022, to: abuse}\n";

static void all_of_a_file_is_read(void **state)
{
    (void)state;
    struct category_file file;
    assert_int_equal(category_file_parse("f", slice_str(GOOD), &file, NULL), RC_OK);
    const struct category_line *category = file.categories.items;
    const struct mapping_line *mapping = file.mappings.items;
    assert_string_equal(file.scheme, "own");
    assert_string_equal(file.version, "2026");
    assert_true(file.is_complete);
    assert_int_equal(file.categories.count, 2);
    assert_string_equal(category[0].code, "shout");
    assert_string_equal(category[0].ja, "怒声");
    assert_int_equal(category[0].severity, 3);
    assert_int_equal(category[1].severity, 0);
    assert_int_equal(file.mappings.count, 1);
    assert_string_equal(mapping[0].to, "abuse");
    category_file_done(&file);
}

static void an_unknown_name_is_left_out(void **state)
{
    (void)state;
    static const char TEXT[] = "{scheme: s, version: v, ja: j, en: e, categories: [{code: c}]}";
    struct category_file file;
    assert_int_equal(category_file_parse("f", slice_str(TEXT), &file, NULL), RC_OK);
    const struct category_line *category = file.categories.items;
    assert_null(category[0].ja);
    assert_null(category[0].en);
    assert_false(file.is_complete);
    category_file_done(&file);
}

#define HEAD "scheme: s\nversion: v\nja: j\nen: e\n"

static void bad_files_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } CASES[] = {
        {"", "f:1:1: the file is empty"},
        {"version: v\nja: j\nen: e\ncategories: [{code: c}]\n", "f:1:1: scheme: is required"},
        {HEAD, "f:1:1: categories: is required"},
        {HEAD "categories: []\n", "f:5:14: categories: has too few items"},
        {HEAD "colour: red\n", "f:5:1: colour: unknown key"},
        {"scheme: a:b\n", "f:1:9: scheme: want 1 to 64 bytes without spaces and colons"},
        {"ja: ''\n", "f:1:5: ja: want a name of 1 to 256 bytes in one line"},
        {"ja: \"a\\nb\"\n", "f:1:5: ja: want a name of 1 to 256 bytes in one line"},
        {HEAD "categories:\n  - {code: c, ja: j}\n",
         "f:6:5: categories: c: want both ja and en, or neither"},
        {HEAD "categories:\n  - {code: c}\n  - {code: c}\n", "f:7:5: categories: c: given twice"},
        {HEAD "categories:\n  - {ja: j, en: e}\n", "f:6:5: code: is required"},
        {HEAD "categories:\n  - {code: c, severity: 6}\n",
         "f:6:25: severity: 6 is not between 1 and 5"},
        {HEAD "complete: true\ncategories: [{code: c}]\n",
         "f: categories: c: a complete scheme has no code without names"},
        {HEAD "categories: [{code: c}]\nmappings: [{code: d, scheme: x, version: y, to: z}]\n",
         "f: mappings: d: is no code of the file"},
        {HEAD "categories: [{code: c}]\nmappings: [{code: c, scheme: s, version: v, to: c}]\n",
         "f: mappings: c: leads to the scheme itself"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct category_file file;
        struct err err;
        assert_int_equal(category_file_parse("f", slice_str(CASES[i].text), &file, &err),
                         RC_REJECT);
        assert_string_equal(err.text, CASES[i].error);
    }
}

static void the_nth_allocation_fails(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct category_file file;
        struct err err;
        mem_fail_nth(n);
        enum rc rc = category_file_parse("f", slice_str(GOOD), &file, &err);
        int is_through = mem_fail_pending();
        mem_fail_nth(0);
        if (rc == RC_OK)
            category_file_done(&file);
        if (is_through) {
            assert_int_equal(rc, RC_OK);
            return;
        }
        assert_int_not_equal(rc, RC_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_file_is_read),
        cmocka_unit_test(an_unknown_name_is_left_out),
        cmocka_unit_test(bad_files_name_the_place),
        cmocka_unit_test(the_nth_allocation_fails),
    };
    return UNIT_MAIN(tests);
}
