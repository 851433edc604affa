#ifndef KASUMORI_CLI_CLI_FACTS_H
#define KASUMORI_CLI_CLI_FACTS_H

#include "services/cli/cli.h"
#include "services/common/base/arena.h"
#include "services/common/correlate/derived.h"
#include "services/common/correlate/facts.h"

/* A tenant's facts in one snapshot and all that follows from them. */
struct cli_facts {
    struct arena *arena;
    struct facts facts;
    const struct derived *derived;
};

/* Fills *facts; release it with cli_facts_done, also after a failure. */
enum rc cli_facts_load(struct db *db, const char *tenant, struct cli_facts *facts,
                       struct err *err) MUST_CHECK;
/* Computes derived anew, after a change of facts->facts. */
enum rc cli_facts_derive(struct cli_facts *facts, struct err *err) MUST_CHECK;
void cli_facts_done(struct cli_facts *facts);

/* What a look at persons or a decision leaves in kasumori.audit. */
struct cli_audit {
    const char *tenant;
    const char *action;  /* "explain.subject" */
    const char *purpose; /* NULL: not given */
    const char *object;  /* kind and id, never an identifier */
};

/* Part of the transaction under way, if there is one. */
enum rc cli_audit_write(struct db *db, const struct cli_audit *audit, struct err *err) MUST_CHECK;

#endif
