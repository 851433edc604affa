/* The table of /v1. Invariant: default deny. What is not in this table does not exist, and whoever
   a row does not name is refused before its handler runs. */
#include "services/monitor/routes.h"

#include "services/common/base/limits.h"
#include "services/monitor/decide.h"
#include "services/monitor/events.h"
#include "services/monitor/export.h"
#include "services/monitor/propose.h"
#include "services/monitor/read.h"
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

/* Which kinds each may decide is decide_check's to say. */
#define JUDGES (ROLE_SUPERVISOR | ROLE_HEADQUARTERS | ROLE_PRIVACY)
/* Who may see cases at all, of their sites; an administrator may not. */
#define CASES (ROLE_SITE | JUDGES)

const struct route routes_all[] = {
    POST("/v1/session", 0, 0, session_open, 0),
    GET("/v1/session", ROLE_PEOPLE, 0, session_show, 0),
    POST("/v1/session/end", ROLE_PEOPLE, 0, session_end, 0),

    POST("/v1/decisions", JUDGES, 0, decide, ROUTE_REPEATABLE),
    POST("/v1/decisions/bulk", JUDGES, 0, decide_bulk, ROUTE_REPEATABLE),
    GET("/v1/proposed-decisions", ROLE_HEADQUARTERS | ROLE_PRIVACY, 0, propose_list, 0),
    POST("/v1/proposed-decisions/*/approve", ROLE_HEADQUARTERS, 0, propose_approve,
         ROUTE_REPEATABLE),
    POST("/v1/proposed-decisions/*/withdraw", ROLE_HEADQUARTERS, 0, propose_withdraw,
         ROUTE_REPEATABLE),

    GET("/v1/now", ROLE_PEOPLE, 0, read_now, 0),
    GET("/v1/sites", ROLE_PEOPLE | ROLE_MACHINE, SCOPE_READ, read_sites, 0),
    GET("/v1/agents", ROLE_PEOPLE | ROLE_MACHINE, SCOPE_READ, read_agents, 0),
    GET("/v1/categories", ROLE_PEOPLE | ROLE_MACHINE, SCOPE_READ, read_categories, 0),
    GET("/v1/policies", ROLE_HEADQUARTERS | ROLE_PRIVACY | ROLE_ADMIN, 0, read_policies, 0),
    GET("/v1/incidents", CASES | ROLE_MACHINE, SCOPE_READ, read_incidents, 0),
    GET("/v1/incidents/*", CASES, 0, read_incident, 0),
    GET("/v1/occurrences/*", CASES, 0, read_occurrence, 0),
    GET("/v1/subjects/*", CASES, 0, read_subject, ROUTE_PURPOSE),
    GET("/v1/timeline/*", JUDGES, 0, read_timeline, 0),
    GET("/v1/alerts", CASES, 0, read_alerts, 0),
    GET("/v1/alerts/*", CASES, 0, read_alert, 0),
    GET("/v1/notices", CASES, 0, read_notices, 0),
    GET("/v1/review", JUDGES, 0, read_review, 0),
    GET("/v1/decisions", JUDGES, 0, read_decisions, 0),
    GET("/v1/bad-records", ROLE_HEADQUARTERS | ROLE_ADMIN, 0, read_bad_records, 0),
    GET("/v1/stats/*", ROLE_PEOPLE | ROLE_MACHINE, SCOPE_READ, stats_read, 0),
    GET("/v1/audit", ROLE_PRIVACY | ROLE_ADMIN, 0, read_audit, 0),
    GET("/v1/events", ROLE_PEOPLE, 0, events_listen, 0),
    GET("/v1/exports/incidents.csv", JUDGES | ROLE_MACHINE, SCOPE_EXPORT, export_csv,
        ROUTE_PURPOSE),
    GET("/v1/exports/incidents.ndjson", JUDGES | ROLE_MACHINE, SCOPE_EXPORT, export_ndjson,
        ROUTE_PURPOSE),
    POST("/v1/lookup", ROLE_MACHINE, SCOPE_LOOKUP, NULL, ROUTE_LOOKUP),
    POST("/v1/receipts", ROLE_MACHINE, SCOPE_RECEIPT, read_receipts, 0),
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
    static const char *const SCOPES[] = {"lookup", "export", "read", "receipt"};
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes_all[i];
        fprintf(out, "%s\t%s\t", route->method == HTTP_METHOD_GET ? "GET" : "POST", route->path);
        print_bits(out, route->roles, ROLES, sizeof(ROLES) / sizeof(ROLES[0]));
        print_bits(out, route->scopes, SCOPES, sizeof(SCOPES) / sizeof(SCOPES[0]));
        fprintf(out, "%s\t%s\n", (route->flags & ROUTE_PURPOSE) != 0 ? "purpose" : "-",
                (route->flags & ROUTE_REPEATABLE) != 0 ? "repeatable" : "-");
    }
}
