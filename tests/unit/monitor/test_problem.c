#include "tests/support/unit.h"

#include <string.h>

#include "services/common/jsonio/jsonio.h"
#include "services/monitor/problem.h"

static struct buf out;
static struct jsonio_doc *doc;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 4096);
    doc = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    jsonio_doc_free(doc);
    buf_done(&out);
    return 0;
}

static const struct jsonio_value *parsed(void)
{
    struct err err;
    assert_false(out.is_failed);
    assert_int_equal(RC_OK, jsonio_parse(buf_slice(&out), 8, &doc, &err));
    return jsonio_root(doc);
}

static void expect(const struct jsonio_value *object, const char *name, const char *text)
{
    const struct jsonio_value *value = jsonio_find(object, name);
    assert_non_null(value);
    assert_string_equal(text, (const char *)jsonio_string(value).data);
}

static void a_document_has_code_and_titles(void **state)
{
    const struct problem problem = {
        .status = 412, .code = "stale", .place = "If-Match", .detail = "say \"when\"\n"};
    (void)state;
    problem_write(&problem, 0, &out);
    const struct jsonio_value *root = parsed();
    assert_int_equal(7, jsonio_count(root));
    expect(root, "type", "about:blank");
    assert_int_equal(412, jsonio_integer(jsonio_find(root, "status")));
    expect(root, "code", "stale");
    expect(root, "title", "It has changed since you looked");
    expect(jsonio_find(root, "titles"), "ja", "表示後に内容が変わりました");
    expect(jsonio_find(root, "titles"), "en", "It has changed since you looked");
    expect(root, "place", "If-Match");
    expect(root, "detail", "say \"when\"\n");
}

static void what_is_absent_is_left_out(void **state)
{
    const struct problem problem = {.status = 404, .code = "not_found"};
    (void)state;
    problem_write(&problem, 1, &out);
    const struct jsonio_value *root = parsed();
    assert_int_equal(5, jsonio_count(root));
    expect(root, "title", "該当するものがありません");
    assert_null(jsonio_find(root, "place"));
    assert_null(jsonio_find(root, "detail"));
}

static void an_unknown_code_is_internal(void **state)
{
    const struct problem problem = {.status = 500, .code = "never heard of"};
    (void)state;
    assert_false(problem_is_code("never heard of"));
    assert_true(problem_is_code("internal"));
    assert_true(problem_is_code("stale"));
    problem_write(&problem, 0, &out);
    expect(parsed(), "code", "internal");
}

static void a_full_buffer_is_told(void **state)
{
    const struct problem problem = {.status = 400, .code = "bad_json", .detail = "x"};
    (void)state;
    for (size_t size = 0; size < 200; size++) {
        buf_done(&out);
        buf_init(&out, size);
        problem_write(&problem, 1, &out);
        assert_true(out.is_failed);
    }
}

static void what_the_server_refuses_has_a_code_of_its_own(void **state)
{
    static const struct {
        int status;
        const char *code;
    } CASES[] = {{400, "bad_request"}, {401, "unauthenticated"}, {404, "not_found"},
                 {405, "bad_method"},  {408, "bad_request"},     {411, "bad_request"},
                 {413, "too_large"},   {414, "too_large"},       {417, "bad_request"},
                 {431, "too_large"},   {500, "internal"},        {501, "bad_request"},
                 {503, "busy"},        {505, "bad_request"}};
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        teardown(NULL);
        setup(NULL);
        problem_write_refusal(&out, CASES[i].status, "a title", "a detail");
        const struct jsonio_value *root = parsed();
        assert_true(problem_is_code(CASES[i].code));
        expect(root, "code", CASES[i].code);
        expect(root, "detail", "a detail");
        assert_int_equal(CASES[i].status, jsonio_integer(jsonio_find(root, "status")));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_has_code_and_titles),
        TEST(what_is_absent_is_left_out),
        TEST(an_unknown_code_is_internal),
        TEST(a_full_buffer_is_told),
        TEST(what_the_server_refuses_has_a_code_of_its_own),
    };
    return UNIT_MAIN(tests);
}
