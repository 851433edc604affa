#ifndef KASUMORI_CLI_AGENT_H
#define KASUMORI_CLI_AGENT_H

#include "services/cli/cli.h"

extern const struct cli_verb agent_verbs[];

#endif
