#ifndef KASUMORI_CLI_DUMP_H
#define KASUMORI_CLI_DUMP_H

#include "services/cli/cli.h"

extern const struct cli_verb dump_verbs[];

#endif
