#ifndef KASUMORI_MONITOR_CALL_H
#define KASUMORI_MONITOR_CALL_H

#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"
#include "services/common/db/db.h"

/* One request of /v1 in a thread of the pool: who asks, inside a transaction of that tenant under
   row-level security, and the answer that grows. routes.c has the table: method, path, roles,
   handler; nothing reaches a handler that its row does not let in. */
enum role { /* bits */
            ROLE_SITE = 1,
            ROLE_SUPERVISOR = 2,
            ROLE_HEADQUARTERS = 4,
            ROLE_PRIVACY = 8,
            ROLE_ADMIN = 16,
            ROLE_MACHINE = 32,
            ROLE_PEOPLE = 31, /* whoever has signed in */
};

/* What a machine's key opens. */
enum scope { /* bits */
             SCOPE_LOOKUP = 1,
             SCOPE_EXPORT = 2,
             SCOPE_READ = 4,
             SCOPE_RECEIPT = 8,
};

struct caller {
    struct slice tenant, account; /* account: of a machine its key's name, after "machine:" */
    struct slice name;            /* of the account, shown to its owner */
    enum role role;               /* 0: nobody, on the one route that lets nobody in */
    unsigned scopes;              /* of role machine */
    const struct slice *sites;    /* of role site and supervisor, of a machine bound to a site;
                                     else none: all */
    size_t sites_count;
    int64_t expires_at_us; /* INT64_MAX: never */
    int is_japanese;       /* by Accept-Language */
};

struct http_request;
struct jsonio_doc;
struct jsonio_value;
struct monitor_state;

struct call {
    const struct caller *caller;
    struct db *db;       /* in a transaction with kasumori.tenant set; commit is the pool's */
    struct arena *arena; /* until the answer has gone */
    struct slice body;   /* of the request */
    struct buf out;      /* the answer's body: JSON unless type is set */
    int status;          /* 200 */
    const char *type;
    struct slice etag; /* of the answer, without quotes; 304 and 412 are the pool's work */
    void *request;     /* for call_query and call_part */

    const struct route *route;
    struct slice cookie;         /* Set-Cookie; empty: none */
    struct slice disposition;    /* Content-Disposition; empty: none */
    int retry_after_s;           /* of a problem; 0: none */
    struct monitor_state *state; /* what all calls share */
    struct jsonio_doc *json;     /* of call_json */

    /* An answer that goes on (event streams, exports): when set and the handler answered RC_OK, the
       loop's thread calls it after the commit instead of replying. It owns the request then, and
       frees ctx; it is called with request NULL, to free ctx only, when the call failed later on.
       Neither caller nor arena live on: copy what is needed. */
    void (*take_over)(void *ctx, struct http_request *request);
    void *take_over_ctx;
};

/* NULL when absent. Valid until the answer. */
const char *call_query(const struct call *call, const char *name);
const char *call_header(const struct call *call, const char *name);
struct slice call_part(const struct call *call, size_t n);

/* The body as one JSON object. RC_REJECT after a problem; lives until the answer. */
enum rc call_json(struct call *call, const struct jsonio_value **ret_object,
                  struct err *err) MUST_CHECK;

/* Whether the caller may see what concerns the site; in SQL, with the parameter S of call_select,
   "(cardinality($n::text[]) = 0 or site = any ($n))". */
int call_sees_site(const struct call *call, struct slice site);

/* Runs a statement with parameters by type, in one go. types, a letter for each: s struct slice as
   text, b struct slice as bytea, i int64_t as bigint, t int64_t as timestamptz (µs), u const struct
   uuid *, j struct slice as jsonb, y int as boolean, S the caller's sites as text[] (takes no
   argument). A slice without data and a NULL uuid are null. name as in db_run, unique among all
   files. ret_result may be NULL. */
enum rc call_select(struct call *call, const char *name, const char *sql,
                    struct db_result **ret_result, struct err *err, const char *types,
                    ...) MUST_CHECK;

/* Answers with a problem document: status, stable code ("not_found", of problem.c), the place at
   fault (or NULL) and one sentence (or NULL). Always RC_REJECT, to be returned; the transaction is
   rolled back. */
enum rc call_problem(struct call *call, int status, const char *code, const char *place,
                     const char *detail) MUST_CHECK;

/* "site", "supervisor", …; "" for nobody. */
const char *call_role(const struct call *call);

/* Appends an audit row in the transaction: what the answer shows is what the row says. object: kind
   and id ("record 0190…"), never an identifier. */
enum rc call_audit(struct call *call, const char *action, struct slice purpose, struct slice object,
                   struct err *err) MUST_CHECK;

/* Number of the newest decision that names the record, 0: none. The ETag of a record's page begins
   with it, "<number>-…", and a decision about one record sent with that ETag as If-Match is refused
   with 412 when another came between. */
enum rc call_record_version(struct call *call, const struct uuid *record, int64_t *ret_no,
                            struct err *err) MUST_CHECK;

/* RC_REJECT after call_problem; RC_RETRY answers 503 with Retry-After; others 500 and a log line.
 */
typedef enum rc call_run(struct call *call, struct err *err);

#endif
