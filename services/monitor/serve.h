#ifndef KASUMORI_MONITOR_SERVE_H
#define KASUMORI_MONITOR_SERVE_H

#include "services/common/http/http.h"
#include "services/monitor/routes.h"
#include "services/monitor/state.h"

/* Serves one request by its row of routes_all: who asks, whether the row lets them in, the handler
   in a thread of the pool within one transaction, the answer. On the loop's thread; always answers.
 */
void serve(struct monitor_state *state, const struct route *route, struct http_request *request);

#endif
