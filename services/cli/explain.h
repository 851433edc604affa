#ifndef KASUMORI_CLI_EXPLAIN_H
#define KASUMORI_CLI_EXPLAIN_H

#include "services/cli/cli.h"
#include "services/common/base/buf.h"
#include "services/common/correlate/derived.h"

extern const struct cli_verb explain_verbs[];

/* An explanation under way. Everything appends to out. */
struct explain {
    const struct derived *d;
    int is_english;
    struct buf *out;
};

/* A mention, and of its classes the one to look at (NONE: its owner). */
struct explain_target {
    size_t mention;
    size_t node;
};

void explain_subject(const struct explain *x, const struct explain_target *target);
void explain_occurrence(const struct explain *x, size_t occurrence);
void explain_finding(const struct explain *x, const struct finding *finding);

#endif
