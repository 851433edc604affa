#ifndef KASUMORI_AGENT_REVIEW_H
#define KASUMORI_AGENT_REVIEW_H

#include "services/agent/agent_config.h"
#include "services/agent/bundle.h"
#include "services/common/base/rc.h"
#include "services/common/base/uuid.h"
#include "services/common/loop/loop.h"

/* What headquarters says of reports that were made here: it is asked beside, never waited for, and
   its answers are remembered for a while. Owned by the loop's thread. */
struct review;

enum review_state {
    REVIEW_UNKNOWN,   /* it did not say, or has not got the report yet */
    REVIEW_RECEIVED,  /* nobody has looked at it yet */
    REVIEW_IN_REVIEW, /* a judge has */
    REVIEW_JUDGED,
    REVIEW_WITHDRAWN,
};

struct review_config {
    struct loop *loop;
    const struct agent_config *agent;
    const struct bundle *bundle;
};

/* config's pointers are borrowed. Without lookup.url all is REVIEW_UNKNOWN. RC_REJECT, RC_RETRY as
   fetch_start. */
enum rc review_start(const struct review_config *config, struct review **ret_review,
                     struct err *err) MUST_CHECK;
void review_stop(struct review *review);

/* What was said last of the report, and whether it was said within the last minute. When it is
   older than a few seconds headquarters is asked, and a later call may know. Never blocks. */
enum review_state review_of(struct review *review, const struct uuid *record_id,
                            int *ret_is_current);

#endif
