#ifndef KASUMORI_MONITOR_MONITOR_H
#define KASUMORI_MONITOR_MONITOR_H

#include "services/common/base/rc.h"
#include "services/monitor/monitor_config.h"

/* Runs the monitor until SIGTERM or SIGINT. config is borrowed. */
enum rc monitor_run(const struct monitor_config *config, struct err *err) MUST_CHECK;

#endif
