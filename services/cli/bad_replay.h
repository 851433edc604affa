#ifndef KASUMORI_CLI_BAD_REPLAY_H
#define KASUMORI_CLI_BAD_REPLAY_H

#include "services/cli/cli.h"

/* kasumori bad replay; an exit code. */
int bad_replay_run(struct cli *cli);

#endif
