#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/base/file.h"

static char dir[] = "/tmp/kasumori-files-XXXXXX";
static char path[128];

static int make_dir(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/secret", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void secrets_are_private(void **state)
{
    (void)state;
    struct err err;
    struct buf buf;
    buf_init(&buf, 100);
    assert_int_equal(file_write_secret(path, slice_str("one"), &err), RC_OK);
    assert_int_equal(file_read_secret(path, &buf, &err), RC_OK);
    assert_string_equal(buf.data, "one");
    static const mode_t OPEN[] = {0640, 0604, 0620, 0610, 0601};
    for (size_t i = 0; i < sizeof(OPEN) / sizeof(OPEN[0]); i++) {
        chmod(path, OPEN[i]);
        assert_int_equal(file_read_secret(path, &buf, &err), RC_REJECT);
        assert_non_null(strstr(err.text, path));
    }
    assert_int_equal(file_read(path, &buf, &err), RC_OK);
    assert_int_equal(file_write_secret(path, slice_str("two"), &err), RC_OK);
    assert_int_equal(file_read_secret(path, &buf, &err), RC_OK);
    assert_string_equal(buf.data, "two");
    buf_done(&buf);
}

static void problems_name_the_path(void **state)
{
    (void)state;
    struct err err;
    struct buf buf;
    buf_init(&buf, 2);
    assert_int_equal(file_write_secret(path, slice_str("long"), &err), RC_OK);
    assert_int_equal(file_read(path, &buf, &err), RC_REJECT);
    assert_int_equal(file_read("/nowhere/at/all", &buf, &err), RC_RETRY);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_int_equal(file_read_secret(dir, &buf, &err), RC_REJECT);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_private),
        cmocka_unit_test(problems_name_the_path),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
