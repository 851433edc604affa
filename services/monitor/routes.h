#ifndef KASUMORI_MONITOR_ROUTES_H
#define KASUMORI_MONITOR_ROUTES_H

#include <stddef.h>
#include <stdio.h>

#include "services/common/http/http.h"
#include "services/monitor/call.h"

enum route_flag {
    ROUTE_PURPOSE = 1,    /* "?purpose=" is checked to be there; for the audit row of the handler */
    ROUTE_REPEATABLE = 2, /* takes an Idempotency-Key */
    ROUTE_LOOKUP = 4,     /* answered many at a time (lookup.h); by a machine's key alone */
};

/* Every way into /v1, as data. A path that has no row is 404, a method that has none 405, a caller
   whose role the row does not name 403. */
struct route {
    enum http_method method;
    const char *path;
    unsigned roles;        /* bits of enum role; 0: whoever comes, signed in or not */
    unsigned scopes;       /* with ROLE_MACHINE: any of these is enough */
    call_run *run;         /* NULL: ROUTE_LOOKUP */
    size_t body_bytes_max; /* POST */
    unsigned flags;        /* of enum route_flag */
};

extern const struct route routes_all[];
extern const size_t routes_count;

/* One row a line, tab-separated: method, path, roles, scopes, purpose, repeatable. */
void routes_print(FILE *out);

#endif
