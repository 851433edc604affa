#ifndef KASUMORI_AGENT_CALLER_TEXT_H
#define KASUMORI_AGENT_CALLER_TEXT_H

#include "services/agent/bundle.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* The look-up's texts: what is asked here, what the center is asked, what it answers. */
enum caller_verdict {
    CALLER_VERDICT_ASK,      /* ret_question holds the center's body */
    CALLER_VERDICT_WITHHELD, /* by the caller */
    CALLER_VERDICT_PUBLIC_PHONE,
    CALLER_VERDICT_OUT_OF_AREA,
    CALLER_VERDICT_NO_NUMBER,  /* withheld for an unknown reason */
    CALLER_VERDICT_IMPERSONAL, /* 0120, 0570, 110, an extension: nobody's */
};

/* body: {"number"|"memberId"|"account"|"mail"|"vehicle"|"sns", "purpose", "callId"?}, exactly one
   of the first. RC_REJECT with the member; no message holds a value. question: empty, set up by the
   caller, wiped by it. */
enum rc caller_text_read(struct slice body, const struct bundle *bundle, struct buf *question,
                         enum caller_verdict *ret_verdict, struct err *err) MUST_CHECK;

/* RC_REJECT unless text is what POST /v1/lookup of the center answers: then nothing may be read
   from it. */
enum rc caller_text_check_answer(struct slice text, int *ret_is_known) MUST_CHECK;

#endif
