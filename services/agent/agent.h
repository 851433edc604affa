#ifndef KASUMORI_AGENT_AGENT_H
#define KASUMORI_AGENT_AGENT_H

#include "services/agent/agent_config.h"
#include "services/agent/bundle.h"
#include "services/common/base/rc.h"

/* Runs the agent until SIGTERM or SIGINT. config and bundle are borrowed. RC_OK after an orderly
   end; otherwise what kept it from starting. */
enum rc agent_run(const struct agent_config *config, const struct bundle *bundle,
                  struct err *err) MUST_CHECK;

#endif
