#ifndef KASUMORI_CLI_WORKER_H
#define KASUMORI_CLI_WORKER_H

#include "services/cli/cli.h"

/* worker add, list, remove: who may sign in on a site's form. */
extern const struct cli_verb worker_verbs[];

#endif
