#ifndef KASUMORI_AGGREGATOR_STATUS_H
#define KASUMORI_AGGREGATOR_STATUS_H

#include "services/common/base/rc.h"
#include "services/common/loop/loop.h"
#include "services/common/metrics/metrics.h"

/* /livez, /readyz and /metrics on the loop. */
struct status;

struct status_config {
    struct loop *loop;
    const char *address;
    int port; /* 0: any free one */
    struct metrics *metrics;
    int (*is_ready)(void *ctx);
    void *ctx;
};

/* All borrowed. http_server_new's results. */
enum rc status_new(const struct status_config *config, struct status **ret_status,
                   struct err *err) MUST_CHECK;
void status_free(struct status *status);
int status_port(const struct status *status);

#endif
