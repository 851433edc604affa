#ifndef KASUMORI_CLI_VAULT_H
#define KASUMORI_CLI_VAULT_H

#include "services/cli/cli.h"

extern const struct cli_verb vault_verbs[];

#endif
