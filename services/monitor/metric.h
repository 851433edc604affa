#ifndef KASUMORI_MONITOR_METRIC_H
#define KASUMORI_MONITOR_METRIC_H

#include "services/common/metrics/metrics.h"

/* What /metrics tells. */
enum metric {
    METRIC_DATABASE_UP,
    METRIC_READ_AT_MS,
    METRIC_SITES, /* from here to BAD_OPEN: columns of kasumori.chain_state */
    METRIC_AGENTS,
    METRIC_AGENTS_SILENT,
    METRIC_AGENTS_REFUSING,
    METRIC_SEQUENCE_GAPS,
    METRIC_BAD_OPEN,
    METRIC_CALLS,
    METRIC_CALLS_REFUSED,
    METRIC_CALLS_FAILED,
    METRIC_CALLS_UNDER_WAY,
    METRIC_SIGN_INS,
    METRIC_SIGN_INS_FAILED,
    METRIC_AUDIT_SEALED,
    METRIC_AUDIT_SEALED_AT_MS,
    METRIC_COUNT,
};

/* NULL when memory is out. */
struct metrics *metric_table_new(void) MUST_CHECK;

#endif
