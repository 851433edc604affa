#include "tests/support/unit.h"

#include "services/common/metrics/metrics.h"

static const struct metric_desc DESC[] = {
    {.name = "a_total", .help = "A.", .kind = METRIC_KIND_COUNTER},
    {.name = "b", .labels = "k=\"x\"", .help = "B.", .kind = METRIC_KIND_GAUGE},
    {.name = "b", .labels = "k=\"y\"", .help = "B.", .kind = METRIC_KIND_GAUGE},
};

static void text_is_prometheus(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(DESC, 3);
    struct buf out;
    metrics_add(metrics, 0, 2);
    metrics_add(metrics, 0, 3);
    metrics_set(metrics, 2, -1);
    metrics_add(NULL, 0, 1);
    buf_init(&out, 1000);
    metrics_write(metrics, &out);
    assert_string_equal(out.data, "# HELP a_total A.\n# TYPE a_total counter\na_total 5\n"
                                  "# HELP b B.\n# TYPE b gauge\nb{k=\"x\"} 0\nb{k=\"y\"} -1\n");
    buf_done(&out);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_is_prometheus)};
    return UNIT_MAIN(tests);
}
