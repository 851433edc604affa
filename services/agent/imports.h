#ifndef KASUMORI_AGENT_IMPORTS_H
#define KASUMORI_AGENT_IMPORTS_H

#include <stddef.h>

#include "services/agent/agent_config.h"
#include "services/agent/bundle.h"
#include "services/agent/keeper.h"
#include "services/agent/mask.h"
#include "services/common/base/clock.h"
#include "services/common/base/rc.h"
#include "services/common/http/http.h"
#include "services/common/loop/loop.h"
#include "services/common/metrics/metrics.h"

/* Call records from followed files and from POST /v1/call-records, on a thread of their own because
   they wait for the disk. */
struct imports;

struct imports_config {
    struct loop *loop;
    struct keeper *keeper;
    const struct bundle *bundle;
    const struct mask_roster *roster;
    struct metrics *metrics;
    struct clock clock;
    const struct agent_asterisk *sources;
    size_t sources_count;
    const char *dir; /* of the spool; the map of calls stands in it as calls.db */
};

/* config's pointers are borrowed. RC_RETRY when the map cannot be opened or memory is out. */
enum rc imports_start(const struct imports_config *config, struct imports **ret_imports,
                      struct err *err) MUST_CHECK;
/* From the loop's thread: ends the thread after the import in work, replies to what is done. */
void imports_stop(struct imports *imports);

/* Takes the request; replies now (bad, full) or when its calls are durable. */
void imports_handle(struct imports *imports, struct http_request *request);

#endif
