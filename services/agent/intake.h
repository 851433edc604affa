#ifndef KASUMORI_AGENT_INTAKE_H
#define KASUMORI_AGENT_INTAKE_H

#include <stdint.h>

#include "services/agent/bundle.h"
#include "services/agent/draft.h"
#include "services/agent/mask.h"
#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/token/seal.h"

/* Where every adapter ends: a draft becomes the bytes that leave the site. Pure but for randomness
   (ids, seals). One per thread. */
struct intake {
    const struct bundle *bundle;
    const struct mask_roster *roster; /* NULL: none */
    struct arena *arena;              /* reset by the caller between records */
    struct seal *seal;                /* seal_start it where a wait would hurt */
    struct buf value;                 /* the last encoded record */
};

struct intake_result {
    struct uuid record_id;
    uint32_t masked; /* stretches of free text that were hidden */
};

/* RC_RETRY when memory is out, RC_REJECT when the bundle's vault key is none. bundle and roster are
   borrowed. */
enum rc intake_init(struct intake *intake, const struct bundle *bundle,
                    const struct mask_roster *roster, struct err *err) MUST_CHECK;
void intake_done(struct intake *intake);

/* Completes the envelope (tenant, site, id, schema, recorded_at = now_us when absent), normalises
   and tokenises and seals each raw identifier or drops a withheld one, masks free text, validates,
   encodes into intake->value. is_clock_suspect: the spool's. RC_REJECT with the place for bad
   input; RC_RETRY without randomness or memory; RC_FULL when the record is too large to handle. */
enum rc intake_finish(struct intake *intake, struct draft *draft, int64_t now_us,
                      int is_clock_suspect, struct intake_result *ret_result,
                      struct err *err) MUST_CHECK;

#endif
