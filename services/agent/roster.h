#ifndef KASUMORI_AGENT_ROSTER_H
#define KASUMORI_AGENT_ROSTER_H

#include "services/agent/mask.h"
#include "services/common/base/rc.h"

/* Reads the roster file for the masker. RC_RETRY when it cannot be read, RC_REJECT with its line
   when its content is bad. */
enum rc roster_load(const char *path, struct mask_roster **ret_roster, struct err *err) MUST_CHECK;

#endif
