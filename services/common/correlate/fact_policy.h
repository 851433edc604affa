#ifndef KASUMORI_CORRELATE_FACT_POLICY_H
#define KASUMORI_CORRELATE_FACT_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/slice.h"

/* A policy version as facts.h holds it: docs/correlation.md, "Policy of a place". */
struct fact_severity {
    struct slice category;
    int severity; /* 1..5 */
};

struct fact_policy {
    int64_t version, effective_from_us;
    int64_t confinement_talk_us;
    int64_t repetition_window_us;
    int64_t matter_window_us;
    int64_t cross_site_window_us, cross_site_sites;
    int64_t escalation_window_us, escalation_severity;
    const struct fact_severity *severities;
    size_t severities_count;
    const struct fact_override *overrides; /* the first that fits holds */
    size_t overrides_count;
};

/* What holds at some sites, or for some channels, in place of the policy around it. */
struct fact_override {
    const struct slice *sites; /* bytewise ascending; none: all */
    size_t sites_count;
    uint32_t channels;         /* bit 1 << channel; all bits: all, also those without one */
    struct fact_policy policy; /* whole: what the override leaves out is as around it */
};

#endif
