#ifndef KASUMORI_AGGREGATOR_AGGREGATOR_METRICS_H
#define KASUMORI_AGGREGATOR_AGGREGATOR_METRICS_H

#include "services/aggregator/ingest/batch.h"
#include "services/common/metrics/metrics.h"

enum aggregator_metric {
    METRIC_RECORDS,
    METRIC_REVISIONS,
    METRIC_DUPLICATES,
    METRIC_BAD_MALFORMED, /* the classes in the order of enum bad_class */
    METRIC_BAD_OVERSIZED,
    METRIC_BAD_NEWER,
    METRIC_BAD_FORGED,
    METRIC_BAD_CLOCK,
    METRIC_BAD_ARCHIVED,
    METRIC_BAD_CONFLICT,
    METRIC_TRANSACTIONS,
    METRIC_REFUSED,
    METRIC_RETRIES,
    METRIC_FENCED,
    METRIC_REWOUND,
    METRIC_RECONNECTS,
    METRIC_GAPS,
    METRIC_HEARTBEATS,
    METRIC_HEARTBEATS_BAD,
    METRIC_PARTITIONS,
    METRIC_PARTITIONS_STOPPED,
    METRIC_LAG,
    METRIC_LANES_READY,
    METRIC_COUNT,
};

/* NULL when memory is out. */
struct metrics *aggregator_metrics_new(void) MUST_CHECK;
void aggregator_metrics_add(struct metrics *metrics, const struct batch_counts *counts);

#endif
