/* What holds where an operator has said nothing. */
#include "services/common/correlate/facts.h"

#include "services/common/base/clock.h"

#define YEAR_US (365 * CLOCK_US_PER_DAY)
#define MINUTE_US (60 * CLOCK_US_PER_S)
#define CATEGORY(text, severity_)                                                        \
    {                                                                                    \
        .category = {(const uint8_t *)(text), sizeof(text) - 1}, .severity = (severity_) \
    }

static const struct fact_severity SEVERITIES[] = {
    CATEGORY("mhlw9:2022:time", 2),    CATEGORY("mhlw9:2022:repeat", 2),
    CATEGORY("mhlw9:2022:abuse", 3),   CATEGORY("mhlw9:2022:violence", 5),
    CATEGORY("mhlw9:2022:threat", 4),  CATEGORY("mhlw9:2022:authority", 3),
    CATEGORY("mhlw9:2022:offsite", 4), CATEGORY("mhlw9:2022:sns", 3),
    CATEGORY("mhlw9:2022:sexual", 4),
};

const struct fact_policy facts_policy_standard = {
    .confinement_talk_us = 60 * MINUTE_US,
    .repetition_window_us = 30 * CLOCK_US_PER_DAY,
    .matter_window_us = 30 * CLOCK_US_PER_DAY,
    .cross_site_window_us = 90 * CLOCK_US_PER_DAY,
    .cross_site_sites = 2,
    .escalation_window_us = 180 * CLOCK_US_PER_DAY,
    .escalation_severity = 4,
    .severities = SEVERITIES,
    .severities_count = sizeof(SEVERITIES) / sizeof(SEVERITIES[0]),
};

const struct fact_linking facts_linking_standard = {
    .is_linking = {[FACT_KIND_HANDLE] = 1,
                   [FACT_KIND_MEMBER] = 1,
                   [FACT_KIND_ACCOUNT] = 1,
                   [FACT_KIND_PHONE] = 1,
                   [FACT_KIND_MAIL] = 1,
                   [FACT_KIND_VEHICLE] = 1,
                   [FACT_KIND_SNS] = 1},
    .expiry_us = {[0 ... FACT_KIND_PHONE - 1] = 5 * YEAR_US,
                  [FACT_KIND_PHONE] = 2 * YEAR_US,
                  [FACT_KIND_MAIL] = 5 * YEAR_US,
                  [FACT_KIND_VEHICLE] = 2 * YEAR_US,
                  [FACT_KIND_VEHICLE + 1 ... FACT_KINDS - 1] = 5 * YEAR_US},
    .subject_nodes_max = 32,
    .gap_us = 10 * MINUTE_US,
    .gap_attempt_us = 5 * MINUTE_US,
    .overlap_us = MINUTE_US,
    .pairs = 3,
    .cap = 3,
};
