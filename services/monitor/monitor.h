#ifndef KASUMORI_MONITOR_MONITOR_H
#define KASUMORI_MONITOR_MONITOR_H

#include "services/common/base/rc.h"
#include "services/monitor/monitor_config.h"

/* Versions of the schema that this program can work with. */
enum { MONITOR_SCHEMA_LEAST = 39, MONITOR_SCHEMA_MOST = 39 };

/* Runs the monitor until SIGTERM or SIGINT. config is borrowed. */
enum rc monitor_run(const struct monitor_config *config, struct err *err) MUST_CHECK;

#endif
