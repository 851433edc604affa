#ifndef KASUMORI_CLI_PROBE_H
#define KASUMORI_CLI_PROBE_H

#include "services/cli/cli.h"

/* kasumori probe ADDRESS:PORT/PATH: what a container's health check calls, where no other HTTP
   client is. */
extern const struct cli_verb probe_verbs[];

#endif
