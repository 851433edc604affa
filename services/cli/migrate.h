#ifndef KASUMORI_CLI_MIGRATE_H
#define KASUMORI_CLI_MIGRATE_H

#include "services/cli/cli.h"

extern const struct cli_verb migrate_verbs[];

#endif
