/* Counters and gauges as one array of atomics beside one array of descriptions. */
#include "services/common/metrics/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"

struct metrics {
    const struct metric_desc *desc;
    size_t count;
    _Atomic int64_t values[];
};

struct metrics *metrics_new(const struct metric_desc *desc, size_t count)
{
    struct metrics *metrics = mem_zalloc(sizeof(*metrics) + count * sizeof(metrics->values[0]));
    if (metrics == NULL)
        return NULL;
    metrics->desc = desc;
    metrics->count = count;
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    mem_free(metrics);
}

void metrics_add(struct metrics *metrics, size_t index, int64_t by)
{
    if (metrics == NULL)
        return;
    CHECK(index < metrics->count);
    atomic_fetch_add_explicit(&metrics->values[index], by, memory_order_relaxed);
}

void metrics_set(struct metrics *metrics, size_t index, int64_t value)
{
    if (metrics == NULL)
        return;
    CHECK(index < metrics->count);
    atomic_store_explicit(&metrics->values[index], value, memory_order_relaxed);
}

int64_t metrics_get(const struct metrics *metrics, size_t index)
{
    CHECK(index < metrics->count);
    return atomic_load_explicit(&metrics->values[index], memory_order_relaxed);
}

void metrics_write(const struct metrics *metrics, struct buf *out)
{
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric_desc *desc = &metrics->desc[i];
        if (i == 0 || strcmp(desc->name, metrics->desc[i - 1].name) != 0) {
            const char *kind = desc->kind == METRIC_KIND_COUNTER ? "counter" : "gauge";
            buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", desc->name, desc->help, desc->name, kind);
        }
        buf_add_str(out, desc->name);
        if (desc->labels != NULL)
            buf_addf(out, "{%s}", desc->labels);
        buf_addf(out, " %" PRId64 "\n", metrics_get(metrics, i));
    }
}
