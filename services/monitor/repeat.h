#ifndef KASUMORI_MONITOR_REPEAT_H
#define KASUMORI_MONITOR_REPEAT_H

#include "services/monitor/call.h"

/* The Idempotency-Key header: 1 to 128 printable characters, the caller's own. A request that comes
   again within 24 hours gets the answer of the first; with another body it is refused with 422. A
   request without the header is done each time. */

/* *ret_is_answered: call holds the first one's answer. RC_REJECT after a problem. */
enum rc repeat_find(struct call *call, int *ret_is_answered, struct err *err) MUST_CHECK;
/* After the handler, in its transaction. */
enum rc repeat_keep(struct call *call, struct err *err) MUST_CHECK;

#endif
