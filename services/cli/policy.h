#ifndef KASUMORI_CLI_POLICY_H
#define KASUMORI_CLI_POLICY_H

#include "services/cli/cli.h"

extern const struct cli_verb policy_verbs[];

#endif
