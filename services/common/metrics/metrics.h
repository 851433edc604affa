#ifndef KASUMORI_METRICS_METRICS_H
#define KASUMORI_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"

/* A fixed table of metrics in Prometheus' text format (version 0.0.4). The table is data: a service
   declares an array of struct metric_desc once; values live in an array of the same order. Adding
   is lock-free and may be done by any thread. No label ever holds personal data. */
enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE };

struct metric_desc {
    const char *name;   /* kasumori_agent_accepted_total; equal names must stand together */
    const char *labels; /* "class=\"forged\"" or NULL */
    const char *help;
    enum metric_kind kind;
};

struct metrics;

/* desc is borrowed for the life of the table. NULL when memory is out. */
struct metrics *metrics_new(const struct metric_desc *desc, size_t count) MUST_CHECK;
void metrics_free(struct metrics *metrics);

/* index < count. metrics may be NULL: then nothing happens, so that tests need no table. */
void metrics_add(struct metrics *metrics, size_t index, int64_t by);
void metrics_set(struct metrics *metrics, size_t index, int64_t value);
int64_t metrics_get(const struct metrics *metrics, size_t index);

void metrics_write(const struct metrics *metrics, struct buf *out);

#endif
