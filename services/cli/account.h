#ifndef KASUMORI_CLI_ACCOUNT_H
#define KASUMORI_CLI_ACCOUNT_H

#include "services/cli/cli.h"

extern const struct cli_verb account_verbs[];

#endif
