/* What the verbs about persons and occurrences share: the facts, and the trace of having looked. */
#include "services/cli/cli_facts.h"

#include "services/common/base/limits.h"
#include "services/common/correlate/correlate.h"
#include "services/common/history/history.h"

enum rc cli_facts_derive(struct cli_facts *facts, struct err *err)
{
    return correlate_full(&facts->facts, facts->arena, &facts->derived, err);
}

enum rc cli_facts_load(struct db *db, const char *tenant, struct cli_facts *facts, struct err *err)
{
    *facts = (struct cli_facts){.arena = arena_new(LIMIT_HISTORY_BYTES)};
    if (facts->arena == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = history_load(db, tenant, facts->arena, &facts->facts, err);
    return rc == RC_OK ? cli_facts_derive(facts, err) : rc;
}

void cli_facts_done(struct cli_facts *facts)
{
    arena_free(facts->arena);
    *facts = (struct cli_facts){0};
}

enum rc cli_audit_write(struct db *db, const struct cli_audit *audit, struct err *err)
{
    return CLI_RUN(db, "write_audit",
                   "insert into kasumori.audit (tenant, actor, role, action, purpose, object) "
                   "values ($1, session_user, 'admin', $2, $3, $4)",
                   NULL, err, audit->tenant, audit->action,
                   audit->purpose == NULL ? "" : audit->purpose, audit->object);
}
