#include "tests/support/unit.h"

#include "services/common/fetch/fetch.h"

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum rc rc;
    } CASES[] = {
        {"https://monitor.example", RC_OK},
        {"https://monitor.example:8443", RC_OK},
        {"http://127.0.0.1:80", RC_OK},
        {"http://[::1]:80", RC_OK},
        {"http://localhost", RC_OK},
        {"http://localhost.evil.example", RC_REJECT},
        {"http://127.0.0.1.example", RC_REJECT},
        {"http://127.0.0.1@evil", RC_REJECT},
        {"http://10.0.0.1", RC_REJECT},
        {"https://", RC_REJECT},
        {"https://a/b", RC_REJECT},
        {"https://a?b", RC_REJECT},
        {"https://a#b", RC_REJECT},
        {"ftp://a", RC_REJECT},
        {"monitor.example", RC_REJECT},
        {"", RC_REJECT},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct err err;
        assert_int_equal(fetch_check_url(CASES[i].url, &err), CASES[i].rc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(urls)};
    return UNIT_MAIN(tests);
}
