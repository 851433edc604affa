#ifndef KASUMORI_CLI_OFFSET_H
#define KASUMORI_CLI_OFFSET_H

#include "services/cli/cli.h"

extern const struct cli_verb offset_verbs[];

#endif
