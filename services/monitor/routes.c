/* The table of /v1. Invariant: default deny. What is not in this table does not exist, and whoever
   a row does not name is refused before its handler runs. */
#include "services/monitor/routes.h"

#include "services/common/base/limits.h"
#include "services/monitor/session.h"

#define GET(path_, roles_, scopes_, run_, flags_)                                           \
    {                                                                                       \
        .method = HTTP_METHOD_GET, .path = (path_), .roles = (roles_), .scopes = (scopes_), \
        .run = (run_), .flags = (flags_)                                                    \
    }
#define POST(path_, roles_, scopes_, run_, flags_)                                           \
    {                                                                                        \
        .method = HTTP_METHOD_POST, .path = (path_), .roles = (roles_), .scopes = (scopes_), \
        .run = (run_), .body_bytes_max = LIMIT_MONITOR_BODY_BYTES, .flags = (flags_)         \
    }

const struct route routes_all[] = {
    POST("/v1/session", 0, 0, session_open, 0),
    GET("/v1/session", ROLE_PEOPLE, 0, session_show, 0),
    POST("/v1/session/end", ROLE_PEOPLE, 0, session_end, 0),
};

const size_t routes_count = sizeof(routes_all) / sizeof(routes_all[0]);

static void print_bits(FILE *out, unsigned bits, const char *const *names, size_t count)
{
    const char *gap = "";
    for (size_t i = 0; i < count; i++)
        if ((bits & 1u << i) != 0) {
            fprintf(out, "%s%s", gap, names[i]);
            gap = ",";
        }
    fputs(bits == 0 ? "-\t" : "\t", out);
}

void routes_print(FILE *out)
{
    static const char *const ROLES[] = {"site",    "supervisor", "headquarters",
                                        "privacy", "admin",      "machine"};
    static const char *const SCOPES[] = {"lookup", "export", "read"};
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes_all[i];
        fprintf(out, "%s\t%s\t", route->method == HTTP_METHOD_GET ? "GET" : "POST", route->path);
        print_bits(out, route->roles, ROLES, sizeof(ROLES) / sizeof(ROLES[0]));
        print_bits(out, route->scopes, SCOPES, sizeof(SCOPES) / sizeof(SCOPES[0]));
        fprintf(out, "%s\t%s\n", (route->flags & ROUTE_PURPOSE) != 0 ? "purpose" : "-",
                (route->flags & ROUTE_REPEATABLE) != 0 ? "repeatable" : "-");
    }
}
