#ifndef KASUMORI_CLI_CATEGORY_H
#define KASUMORI_CLI_CATEGORY_H

#include "services/cli/cli.h"

/* kasumori category list, load */
extern const struct cli_verb category_verbs[];

#endif
