#ifndef KASUMORI_CLI_REBUILD_H
#define KASUMORI_CLI_REBUILD_H

#include "services/cli/cli.h"

extern const struct cli_verb rebuild_verbs[];

#endif
