#ifndef KASUMORI_MONITOR_CALL_H
#define KASUMORI_MONITOR_CALL_H

#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
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

struct caller {
    struct slice tenant, account; /* account: of a machine its key's name */
    enum role role;
    const struct slice *sites; /* of role site and supervisor; else none: all */
    size_t sites_count;
    int is_japanese; /* by Accept-Language */
};

struct call {
    const struct caller *caller;
    struct db *db;       /* in a transaction with kasumori.tenant set; commit is the pool's */
    struct arena *arena; /* until the answer has gone */
    struct slice body;   /* of the request */
    struct buf out;      /* the answer's body: JSON unless type is set */
    int status;          /* 200 */
    const char *type;
    struct slice etag; /* of the answer; 304 and 412 are the pool's work */
    void *request;     /* for call_query and call_part */
};

/* NULL when absent. Valid until the answer. */
const char *call_query(const struct call *call, const char *name);
struct slice call_part(const struct call *call, size_t n);

/* Answers with a problem document: status, stable code ("not_found"), the place at fault (or NULL)
   and one sentence. Always RC_REJECT, to be returned; the transaction is rolled back. */
enum rc call_problem(struct call *call, int status, const char *code, const char *place,
                     const char *detail) MUST_CHECK;

/* Appends an audit row in the transaction: what the answer shows is what the row says. */
enum rc call_audit(struct call *call, const char *action, struct slice purpose, struct slice object,
                   struct err *err) MUST_CHECK;

/* RC_REJECT after call_problem; RC_RETRY answers 503 with Retry-After; others 500 and a log line.
 */
typedef enum rc call_run(struct call *call, struct err *err);

#endif
