#ifndef KASUMORI_CLI_ACCOUNT_WORKER_H
#define KASUMORI_CLI_ACCOUNT_WORKER_H

#include "services/cli/cli.h"

/* Whose worker code an account is, so that its owner judges no report of their own. */
extern const struct cli_verb account_worker_verbs[];

#endif
