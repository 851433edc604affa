/* kasumori, the operator's command: see services/cli/DESIGN.md. */
#include <stdio.h>

#include "services/cli/account.h"
#include "services/cli/account_worker.h"
#include "services/cli/agent.h"
#include "services/cli/audit.h"
#include "services/cli/bad.h"
#include "services/cli/category.h"
#include "services/cli/cli.h"
#include "services/cli/decide.h"
#include "services/cli/doctor.h"
#include "services/cli/dump.h"
#include "services/cli/explain.h"
#include "services/cli/keygen.h"
#include "services/cli/machine_key.h"
#include "services/cli/migrate.h"
#include "services/cli/offset.h"
#include "services/cli/policy.h"
#include "services/cli/probe.h"
#include "services/cli/rebuild.h"
#include "services/cli/site.h"
#include "services/cli/tick.h"
#include "services/cli/topics.h"
#include "services/cli/vault.h"
#include "services/cli/worker.h"

static const struct cli_verb *const TABLES[] = {
    migrate_verbs,     keygen_verbs,  topics_verbs,   site_verbs,    agent_verbs,
    bad_verbs,         offset_verbs,  policy_verbs,   decide_verbs,  tick_verbs,
    dump_verbs,        explain_verbs, rebuild_verbs,  vault_verbs,   doctor_verbs,
    probe_verbs,       worker_verbs,  category_verbs, account_verbs, account_worker_verbs,
    machine_key_verbs, audit_verbs,   NULL,
};

int main(int argc, char **argv)
{
    struct cli cli = {0};
    struct err err;
    switch (cli_parse(TABLES, argc, argv, &cli, &err)) {
    case CLI_PARSED_VERSION:
        printf("kasumori " KASUMORI_VERSION "\n");
        return CLI_OK;
    case CLI_PARSED_HELP:
        cli_print_help(TABLES, &cli);
        return CLI_OK;
    case CLI_PARSED_USAGE:
        cli_fail(&err);
        return CLI_USAGE;
    case CLI_PARSED_RUN:
        break;
    }
    int code = cli.verb->run(&cli);
    if (fflush(stdout) == 0)
        return code;
    fprintf(stderr, "kasumori: could not write to standard output: %m\n");
    return CLI_FAILED;
}
