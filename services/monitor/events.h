#ifndef KASUMORI_MONITOR_EVENTS_H
#define KASUMORI_MONITOR_EVENTS_H

#include "services/monitor/call.h"

/* Server-sent events. One task of the pool at a time asks, for each tenant that somebody listens
   to, what has come since the last time; the loop hands it to the streams of those who may see it.
   A stream goes on where Last-Event-ID ended when that is still in the tenant's ring, else begins
   with the event "reset". Slow readers are dropped, a session's end ends its streams. */
struct events;

/* state is borrowed. RC_RETRY when memory is out. From the loop's thread, as all but the handler.
 */
enum rc events_new(struct monitor_state *state, struct events **ret_events,
                   struct err *err) MUST_CHECK;
/* After the server and the pool have stopped. */
void events_free(struct events *events);

call_run events_listen;

#endif
