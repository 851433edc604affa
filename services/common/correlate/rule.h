#ifndef KASUMORI_CORRELATE_RULE_H
#define KASUMORI_CORRELATE_RULE_H

#include "services/common/correlate/derived.h"

/* "confinement", "repetition", … as in dumps, ids, tables and policies. */
const char *rule_name(enum rule rule);

#endif
