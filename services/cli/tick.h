#ifndef KASUMORI_CLI_TICK_H
#define KASUMORI_CLI_TICK_H

#include "services/cli/cli.h"

extern const struct cli_verb tick_verbs[];

#endif
