#include "tests/support/unit.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/base/mem.h"
#include "services/common/db/db.h"

enum { LONG_BYTES = 64 << 20, ROOM_BYTES = 16 << 20 };

static enum rc open_with(const char *conninfo, struct err *err)
{
    struct db *db = NULL;
    enum rc rc = db_open(conninfo, "test", &db, err);
    db_close(db);
    return rc;
}

static void a_bad_string_is_refused(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(open_with("nonsense", &err), RC_REJECT);
    assert_string_equal(err.text, "cannot read the database's connection string");
    assert_int_equal(open_with("password=x", &err), RC_REJECT);
}

static void long_options_are_refused(void **state)
{
    (void)state;
    char text[8192];
    struct err err;
    memset(text, 'x', sizeof(text));
    memcpy(text, "options=", 8);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(open_with(text, &err), RC_REJECT);
    assert_string_equal(err.text, "the connection string's options are too long");
}

/* In a process of its own, whose memory ends before the string is copied. */
static int open_without_memory(char *text)
{
    struct err err;
    struct rlimit limit = {LONG_BYTES + ROOM_BYTES, LONG_BYTES + ROOM_BYTES};
    pid_t child = fork();
    if (child == 0) {
        int rc = setrlimit(RLIMIT_AS, &limit) != 0 ? -1 : (int)open_with(text, &err);
        _exit(rc == RC_RETRY && strcmp(err.text, "out of memory") == 0 ? 0 : 1);
    }
    int status;
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

static void no_memory_is_no_bad_string(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* these need more address space than can be taken away */
#endif
    char *text = mem_alloc(LONG_BYTES);
    assert_non_null(text);
    memset(text, 'x', LONG_BYTES);
    memcpy(text, "user=", 5);
    text[LONG_BYTES - 1] = '\0';
    assert_int_equal(open_without_memory(text), 0);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_string_is_refused),
        cmocka_unit_test(long_options_are_refused),
        cmocka_unit_test(no_memory_is_no_bad_string),
    };
    return UNIT_MAIN(tests);
}
