#include "tests/support/unit.h"

#include <string.h>

#include "services/common/base/stages.h"

static char trace[64];

static enum rc start_a(void *service, struct err *err)
{
    (void)service;
    (void)err;
    strncat(trace, "a", 2);
    return RC_OK;
}

static enum rc start_b(void *service, struct err *err)
{
    strncat(trace, "b", 2);
    return *(int *)service ? err_set(err, RC_RETRY, "no luck") : RC_OK;
}

static void stop_a(void *service)
{
    (void)service;
    strncat(trace, "A", 2);
}

static void stop_b(void *service)
{
    (void)service;
    strncat(trace, "B", 2);
}

static const struct stage STAGES[] = {{"first", start_a, stop_a}, {"second", start_b, stop_b}};

static void stop_runs_backwards(void **state)
{
    (void)state;
    int is_failing = 0;
    trace[0] = '\0';
    assert_int_equal(stages_start(STAGES, 2, &is_failing, NULL), RC_OK);
    stages_stop(STAGES, 2, &is_failing);
    assert_string_equal(trace, "abBA");
}

static void a_failure_stops_what_runs(void **state)
{
    (void)state;
    int is_failing = 1;
    struct err err;
    trace[0] = '\0';
    assert_int_equal(stages_start(STAGES, 2, &is_failing, &err), RC_RETRY);
    assert_string_equal(trace, "abA");
    assert_string_equal(err.text, "second: no luck");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_runs_backwards),
        cmocka_unit_test(a_failure_stops_what_runs),
    };
    return UNIT_MAIN(tests);
}
