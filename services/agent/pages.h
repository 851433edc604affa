#ifndef KASUMORI_AGENT_PAGES_H
#define KASUMORI_AGENT_PAGES_H

#include "services/common/http/http.h"

/* The pages of services/agent/web, as they are in the program. */

/* Replies with the file, 304 when the browser has it, 404 when there is none. */
void pages_serve(struct http_request *request, const char *name);

#endif
