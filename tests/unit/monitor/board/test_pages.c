#include "tests/support/unit.h"

#include <string.h>

#include "services/monitor/pages.h"

static void gzip_is_taken_when_named_and_not_refused(void **state)
{
    (void)state;
    assert_true(pages_takes_gzip("gzip"));
    assert_true(pages_takes_gzip("br, gzip, deflate"));
    assert_true(pages_takes_gzip("br;q=1.0,GZIP ; q=0.5"));
    assert_true(pages_takes_gzip("gzip;q=0.001"));
    assert_false(pages_takes_gzip(NULL));
    assert_false(pages_takes_gzip(""));
    assert_false(pages_takes_gzip(" , ,"));
    assert_false(pages_takes_gzip("br, xgzip, gzipped"));
    assert_false(pages_takes_gzip("gzip;q=0"));
    assert_false(pages_takes_gzip("gzip; q=0.000, br"));
}

static void an_etag_is_found_in_a_list(void **state)
{
    (void)state;
    assert_true(pages_has_etag("\"a\"", "\"a\""));
    assert_true(pages_has_etag("\"x\", W/\"a\" ,\"y\"", "\"a\""));
    assert_true(pages_has_etag("*", "\"a\""));
    assert_false(pages_has_etag(NULL, "\"a\""));
    assert_false(pages_has_etag("", "\"a\""));
    assert_false(pages_has_etag("\"ab\", a", "\"a\""));
}

static void expect_policy(const char *url, const char *connect)
{
    struct buf out;
    struct err err;
    buf_init(&out, 1024);
    assert_int_equal(RC_OK, pages_policy(url, &out, &err));
    assert_non_null(strstr((const char *)out.data, connect));
    assert_non_null(strstr((const char *)out.data, "default-src 'none'"));
    assert_null(strstr((const char *)out.data, "unsafe"));
    buf_done(&out);
}

static void the_policy_lets_in_the_tokeniser_only(void **state)
{
    (void)state;
    expect_policy(NULL, "connect-src 'self';");
    expect_policy("http://127.0.0.1:8470", "connect-src 'self' http://127.0.0.1:8470;");
    expect_policy("https://hq.example/x/y", "connect-src 'self' https://hq.example;");
    expect_policy("https://[::1]:1", "connect-src 'self' https://[::1]:1;");
}

static void a_tokeniser_that_is_no_origin_is_refused(void **state)
{
    static const char *const BAD[] = {
        "",          "127.0.0.1:8470",         "ftp://a",    "http://",    "https:///x",
        "http://a;", "http://a 'unsafe-eval'", "http://a\n", "http://u@a", "http://*",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct pages *pages = NULL;
        struct err err;
        assert_int_equal(RC_REJECT, pages_new(BAD[i], &pages, &err));
        assert_null(pages);
    }
}

static void every_file_is_found_by_its_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < pages_files_count; i++) {
        const struct page_file *file = &pages_files[i];
        assert_ptr_equal(file, pages_find(slice_str(file->path)));
        assert_true(file->plain.size > 0 && file->gzip.size > 0);
        assert_memory_equal(file->gzip.data, "\x1f\x8b", 2);
        assert_string_not_equal(file->etag, file->etag_gzip);
    }
    assert_null(pages_find(slice_str("assets/")));
    assert_null(pages_find(slice_str("../index.html")));
    assert_null(pages_find(slice_of(NULL, 0)));
}

/* What a browser fetches before it shows anything: all of it in one page. */
static void the_first_view_is_small(void **state)
{
    size_t size = 0;
    (void)state;
    for (size_t i = 0; i < pages_files_count; i++)
        size += pages_files[i].gzip.size;
    assert_true(size < 200 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_taken_when_named_and_not_refused),
        cmocka_unit_test(an_etag_is_found_in_a_list),
        cmocka_unit_test(the_policy_lets_in_the_tokeniser_only),
        cmocka_unit_test(a_tokeniser_that_is_no_origin_is_refused),
        cmocka_unit_test(every_file_is_found_by_its_path),
        cmocka_unit_test(the_first_view_is_small),
    };
    return UNIT_MAIN(tests);
}
