#include "tests/support/unit.h"

#include "services/common/http/http_path.h"

static int fits(const char *pattern, const char *path)
{
    return http_path_fits(pattern, slice_str(path));
}

static void a_path_without_stars_fits_itself_alone(void **state)
{
    (void)state;
    assert_true(fits("/", "/"));
    assert_true(fits("/v1/now", "/v1/now"));
    assert_false(fits("/v1/now", "/v1/now/"));
    assert_false(fits("/v1/now", "/v1"));
    assert_false(fits("/v1/now", "/v1/NOW"));
    assert_false(fits("/v1/now", "/v1/nowhere"));
    assert_false(fits("/v1/now", "//v1/now"));
    assert_false(fits("/v1/now", "/v1//now"));
    assert_false(fits("/v1/now", "/v1/no%77")); /* compared as it came */
    assert_false(fits("/v1/now", ""));
    assert_false(fits("/v1/now", "v1/now"));
}

static void a_star_is_one_segment(void **state)
{
    (void)state;
    assert_true(fits("/a/*", "/a/b"));
    assert_true(fits("/a/*", "/a/*"));
    assert_true(fits("/a/*", "/a/b%2Fc"));
    assert_true(fits("/*/b/*", "/x/b/y"));
    assert_false(fits("/a/*", "/a/"));
    assert_false(fits("/a/*", "/a"));
    assert_false(fits("/a/*", "/a/b/c"));
    assert_false(fits("/a/*/c", "/a//c"));
    assert_false(fits("/a/*/c", "/a/b/d"));
    assert_false(fits("/a/*b", "/a/xb")); /* a star within a segment is a letter */
    assert_true(fits("/a/*b", "/a/*b"));
}

static void parts_are_decoded_after_they_are_split(void **state)
{
    static const char PATH[] = "/x%2Fy/b/%e3%81%82/%41";
    char text[sizeof(PATH)];
    struct slice parts[HTTP_PATH_PARTS_MAX];
    (void)state;
    assert_int_equal(3, http_path_parts("/*/b/*/*", slice_str(PATH), text, parts));
    assert_true(slice_is_equal(slice_str("x/y"), parts[0]));
    assert_true(slice_is_equal(slice_str("\xe3\x81\x82"), parts[1]));
    assert_true(slice_is_equal(slice_str("A"), parts[2]));
    for (int i = 0; i < 3; i++)
        assert_int_equal('\0', parts[i].data[parts[i].size]);
}

static void the_longest_parts_fit_their_text(void **state)
{
    static const char PATH[] = "/aaaa/b/cc/ddd";
    char text[sizeof(PATH)]; /* one byte more is the sanitizer's to see */
    struct slice parts[HTTP_PATH_PARTS_MAX];
    (void)state;
    assert_int_equal(4, http_path_parts("/*/*/*/*", slice_str(PATH), text, parts));
    assert_true(slice_is_equal(slice_str("aaaa"), parts[0]));
    assert_true(slice_is_equal(slice_str("ddd"), parts[3]));
    assert_int_equal(0, http_path_parts("/aaaa/b/cc/ddd", slice_str(PATH), text, parts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_without_stars_fits_itself_alone),
        cmocka_unit_test(a_star_is_one_segment),
        cmocka_unit_test(parts_are_decoded_after_they_are_split),
        cmocka_unit_test(the_longest_parts_fit_their_text),
    };
    return UNIT_MAIN(tests);
}
