#ifndef KASUMORI_CLI_KEYGEN_H
#define KASUMORI_CLI_KEYGEN_H

#include "services/cli/cli.h"

extern const struct cli_verb keygen_verbs[];

#endif
