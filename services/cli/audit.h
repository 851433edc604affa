#ifndef KASUMORI_CLI_AUDIT_H
#define KASUMORI_CLI_AUDIT_H

#include "services/cli/cli.h"

extern const struct cli_verb audit_verbs[];

#endif
