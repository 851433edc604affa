#ifndef KASUMORI_AGGREGATOR_KEEPER_H
#define KASUMORI_AGGREGATOR_KEEPER_H

#include "services/aggregator/worker.h"
#include "services/common/base/rc.h"

/* The thread (worker.h) that keeps monthly partitions ahead of time, once an hour and at the start.
   conninfo: libpq's, a char *. */
enum rc keeper_run(void *conninfo, struct worker *worker, struct err *err);

#endif
