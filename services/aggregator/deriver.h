#ifndef KASUMORI_AGGREGATOR_DERIVER_H
#define KASUMORI_AGGREGATOR_DERIVER_H

#include "services/aggregator/aggregator_config.h"
#include "services/aggregator/worker.h"
#include "services/common/base/rc.h"
#include "services/common/metrics/metrics.h"

/* T2's thread: brings tenants' derived tables to their facts and sends what is to be told. Has a
   connection and a producer of its own; lanes never wait for it. */
struct deriver;

struct deriver_config {
    const struct aggregator_config *config; /* borrowed */
    struct metrics *metrics;
};

enum rc deriver_new(const struct deriver_config *config, struct deriver **ret_deriver,
                    struct err *err) MUST_CHECK;
void deriver_free(struct deriver *deriver);
/* worker.h; ctx: the deriver. */
enum rc deriver_run(void *ctx, struct worker *worker, struct err *err);

#endif
