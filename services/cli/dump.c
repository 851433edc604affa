/* Everything derived from a tenant's facts, in the form in which two computations are compared.
   Invariant: it reads facts only, so it says what the derived tables ought to hold. */
#include "services/cli/dump.h"

#include <stdio.h>

#include "services/cli/cli_facts.h"
#include "services/common/base/buf.h"
#include "services/common/base/limits.h"
#include "services/common/correlate/correlate.h"

static enum rc print(struct cli_facts *facts, struct err *err)
{
    struct buf out;
    buf_init(&out, LIMIT_DUMP_BYTES);
    enum rc rc = correlate_dump(facts->derived, facts->arena, &out, err);
    if (rc == RC_OK && out.size > 0 && fwrite(out.data, 1, out.size, stdout) != out.size)
        rc = err_set(err, RC_RETRY, "could not write to standard output: %m");
    buf_done(&out);
    return rc;
}

static enum rc dump(struct cli *cli, struct err *err)
{
    struct db *db;
    struct cli_facts facts = {0};
    const char *tenant = cli_value(cli, "tenant");
    enum rc rc = cli_check_name("--tenant", tenant, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = cli_audit_write(
        db, &(struct cli_audit){.tenant = tenant, .action = "dump", .object = "tenant"}, err);
    if (rc == RC_OK)
        rc = cli_facts_load(db, tenant, &facts, err);
    db_close(db);
    if (rc == RC_OK)
        rc = print(&facts, err);
    cli_facts_done(&facts);
    return rc;
}

static int run(struct cli *cli)
{
    struct err err;
    return dump(cli, &err) == RC_OK ? CLI_OK : cli_fail(&err);
}

static const struct cli_option OPTIONS[] = {
    {"canonical", NULL, 1, "one JSON object a line, sorted: the only form there is"},
    {"tenant", "NAME", 1, "whose facts"},
    {0},
};

const struct cli_verb dump_verbs[] = {
    {.group = "dump",
     .is_on_database = 1,
     .summary = "print everything that follows from a tenant's facts",
     .details = "Computed anew from the facts, whatever the derived tables hold. Tokens and record "
                "ids stand in\n"
                "it, identifiers and free text do not. Leaves an audit row.",
     .options = OPTIONS,
     .run = run},
    {0},
};
