#include "tests/support/unit.h"

#include "services/common/base/base64.h"
#include "services/common/base/buf.h"
#include "services/common/base/mem.h"

static void grows_to_its_limit(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    for (int i = 0; i < 100; i++)
        buf_addf(&buf, "%010d", i);
    assert_false(buf.is_failed);
    assert_int_equal(buf.size, 1000);
    buf_add_char(&buf, 'x');
    assert_true(buf.is_failed);
    assert_int_equal(buf.size, 1000);
    buf_reset(&buf);
    buf_add_str(&buf, "again");
    assert_false(buf.is_failed);
    assert_string_equal(buf.data, "again");
    buf_done(&buf);
}

static void no_memory_sticks(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    mem_fail_nth(1);
    buf_add_str(&buf, "a");
    buf_add_str(&buf, "b");
    assert_true(buf.is_failed);
    assert_int_equal(buf.size, 0);
    buf_done(&buf);
}

static void check_base64(const char *text, const char *encoded)
{
    struct buf buf;
    uint8_t data[64];
    size_t size;
    buf_init(&buf, 100);
    base64_write(&buf, slice_str(text));
    assert_string_equal(buf.size == 0 ? "" : (char *)buf.data, encoded);
    assert_int_equal(base64_read(slice_str(encoded), data, &size), RC_OK);
    assert_true(slice_is_equal(slice_of(data, size), slice_str(text)));
    buf_done(&buf);
}

static void base64_is_rfc_4648(void **state)
{
    (void)state;
    check_base64("", "");
    check_base64("f", "Zg==");
    check_base64("fo", "Zm8=");
    check_base64("foo", "Zm9v");
    check_base64("foob", "Zm9vYg==");
    check_base64("fooba", "Zm9vYmE=");
    uint8_t data[64];
    size_t size;
    assert_int_equal(base64_read(slice_str("_-8"), data, &size), RC_OK);
    assert_int_equal(data[0], 0xff);
    static const char *const BAD[] = {"A", "AAAAA", "A=AA", "AA=A", "A A=", "====", "AAA*"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_int_equal(base64_read(slice_str(BAD[i]), data, &size), RC_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_limit),
        cmocka_unit_test(no_memory_sticks),
        cmocka_unit_test(base64_is_rfc_4648),
    };
    return UNIT_MAIN(tests);
}
