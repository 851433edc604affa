#include "tests/support/unit.h"

#include <string.h>
#include <unistd.h>

#include "services/common/log/log.h"

/* What log_line writes for text, without the time. */
static void logged(const char *text, char *out, size_t size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    int saved = dup(STDERR_FILENO);
    dup2(fds[1], STDERR_FILENO);
    log_warn("%s", text);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fds[1]);
    char line[8192];
    ssize_t n = read(fds[0], line, sizeof(line) - 1);
    close(fds[0]);
    assert_true(n > 28);
    line[n] = '\0';
    assert_ptr_equal(strchr(line, '\n'), line + n - 1);
    memcpy(out, line + 28, size < (size_t)n - 28 + 1 ? size : (size_t)n - 28 + 1);
}

static void no_text_forges_a_line(void **state)
{
    (void)state;
    char out[8192];
    log_init("test", LOG_LEVEL_INFO);
    logged("plain 店舗", out, sizeof(out));
    assert_string_equal(out, "warn test: plain 店舗\n");
    logged("a\nb\x1b[31m\xff\xc2\x85", out, sizeof(out));
    assert_string_equal(out, "warn test: a\\x0ab\\x1b[31m\\xff\\xc2\\x85\n");
    char longer[3000];
    memset(longer, '\n', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    logged(longer, out, sizeof(out));
    assert_int_equal(strlen(out), strlen("warn test: \n") + 4 * 1023);
}

static void levels_have_names(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_INFO;
    assert_true(log_level_parse("error", &level));
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_false(log_level_parse("loud", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_text_forges_a_line),
        cmocka_unit_test(levels_have_names),
    };
    return UNIT_MAIN(tests);
}
