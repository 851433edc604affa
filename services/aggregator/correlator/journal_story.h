#ifndef KASUMORI_CORRELATOR_JOURNAL_STORY_H
#define KASUMORI_CORRELATOR_JOURNAL_STORY_H

#include "services/aggregator/correlator/journal.h"
#include "services/aggregator/correlator/plan.h"
#include "services/common/correlate/happening.h"

/* Findings and notices as the plan of alerts sees them, with what messages say of them. */
struct journal_detail { /* what a message says beside the plan's finding */
    enum rule rule;
    int64_t policy_version;
    int64_t first_at_us, last_at_us;
    const struct slice *sites;
    size_t sites_count;
};

struct journal_story {
    const struct journal_source *source;
    struct outbox *outbox;
    struct plan plan;
    struct plan_finding *findings;
    struct journal_detail *tolds; /* as findings */
};

/* Fills findings and their part of the plan from the source. RC_FULL: its arena is too small. */
enum rc journal_story_take(struct journal_story *story, struct err *err) MUST_CHECK;

#endif
