#ifndef KASUMORI_CLI_SITE_H
#define KASUMORI_CLI_SITE_H

#include "services/cli/cli.h"

extern const struct cli_verb site_verbs[];

#endif
