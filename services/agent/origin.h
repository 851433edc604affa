#ifndef KASUMORI_AGENT_ORIGIN_H
#define KASUMORI_AGENT_ORIGIN_H

#include "services/common/http/http.h"

/* Which pages a request may come from. A browser says its page's origin; what is no browser says
   none. A Host that is a name is refused where there is no certificate to bind the name to us: else
   a page of a stranger whose name points at this address would count as ours (DNS rebinding). */
enum origin {
    ORIGIN_NONE,    /* no browser, or a page of ours that was opened as such */
    ORIGIN_OWN,     /* a page of this agent */
    ORIGIN_ALLOWED, /* the configured one */
    ORIGIN_FOREIGN, /* refuse */
};

/* allowed: "https://board.example"; NULL: none. is_tls: of the listener. */
enum origin origin_judge(const char *origin, const char *host, int is_tls, const char *allowed);
enum origin origin_of(struct http_request *request, int is_tls, const char *allowed);

/* Its Content-Type is application/json, which no form of a foreign page can send unasked. */
int origin_sends_json(struct http_request *request);

/* An origin as browsers write it: scheme://host[:port], lower case, nothing behind it. */
int origin_is_one(const char *text);

#endif
