#ifndef KASUMORI_MONITOR_PROPOSE_H
#define KASUMORI_MONITOR_PROPOSE_H

#include "services/monitor/decide.h"

/* Decisions that need two persons, as kasumori.proposed_decision keeps them. */
call_run propose_list, propose_approve, propose_withdraw;

/* One row and its audit row. body: kasumori.decision.body as it would be. */
enum rc propose_insert(struct call *call, const struct decide_request *request, struct slice body,
                       struct uuid *ret_proposal, struct err *err) MUST_CHECK;

#endif
