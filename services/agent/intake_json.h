#ifndef KASUMORI_AGENT_INTAKE_JSON_H
#define KASUMORI_AGENT_INTAKE_JSON_H

#include "services/agent/draft.h"
#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* One JSON object as a draft: the proto's JSON mapping, with these differences: an Identifier has
   "value" (what was typed or carried) instead of tokens and seal; instants (…Us) may also be RFC
   3339 text; ids may be UUID text, digests hexadecimal; a Text may be a plain string; "worker" may
   be a plain string (kind WORKER, assurance TYPED). What the agent sets itself (schema, clock
   state) is refused. site must be given and be the agent's. RC_REJECT with "persons[0].kind: why".
 */
enum rc intake_json_read(struct slice text, const char *tenant, const char *site,
                         struct arena *arena, struct draft *ret_draft, struct err *err) MUST_CHECK;

#endif
