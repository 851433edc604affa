#ifndef KASUMORI_CLI_TOPICS_H
#define KASUMORI_CLI_TOPICS_H

#include "services/cli/cli.h"

extern const struct cli_verb topics_verbs[];

#endif
