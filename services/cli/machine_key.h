#ifndef KASUMORI_CLI_MACHINE_KEY_H
#define KASUMORI_CLI_MACHINE_KEY_H

#include "services/cli/cli.h"

extern const struct cli_verb machine_key_verbs[];

#endif
