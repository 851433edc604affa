#ifndef KASUMORI_MONITOR_SESSION_H
#define KASUMORI_MONITOR_SESSION_H

#include "services/monitor/call.h"

/* POST /v1/session, GET /v1/session, POST /v1/session/end. */
call_run session_open, session_show, session_end;

#endif
