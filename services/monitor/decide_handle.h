#ifndef KASUMORI_MONITOR_DECIDE_HANDLE_H
#define KASUMORI_MONITOR_DECIDE_HANDLE_H

#include "services/monitor/decide.h"

/* Fills request->fact.handle, the token that stands for the person to be attached to: the one that
   the subject named has already; else a new one, which is first attached to the mention that the
   subject's name names; else, without a subject, a new one. RC_REJECT with *fault. */
enum rc decide_handle(struct call *call, struct decide_request *request, struct decide_fault *fault,
                      struct err *err) MUST_CHECK;

#endif
