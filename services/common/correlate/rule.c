/* Names of the rules. */
#include "services/common/correlate/rule.h"

const char *rule_name(enum rule rule)
{
    static const char *const NAMES[RULE_COUNT] = {
        [RULE_CONFINEMENT] = "confinement",     [RULE_REPETITION] = "repetition",
        [RULE_REPEAT_MATTER] = "repeat_matter", [RULE_CROSS_SITE] = "cross_site",
        [RULE_ESCALATION] = "escalation",
    };
    return NAMES[rule];
}
