#ifndef KASUMORI_CLI_DOCTOR_H
#define KASUMORI_CLI_DOCTOR_H

#include "services/cli/cli.h"

extern const struct cli_verb doctor_verbs[];

#endif
