#ifndef KASUMORI_AGGREGATOR_AGGREGATOR_H
#define KASUMORI_AGGREGATOR_AGGREGATOR_H

#include "services/aggregator/aggregator_config.h"
#include "services/common/base/rc.h"

enum { AGGREGATOR_KEY_BYTES = 32 };

/* Reads the master key. RC_REJECT when the file is open to others or not 64 hex digits. */
enum rc aggregator_read_key(const struct aggregator_config *config,
                            uint8_t ret_key[AGGREGATOR_KEY_BYTES], struct err *err) MUST_CHECK;

/* Runs until SIGTERM or SIGINT, then stops within 10 s. RC_FATAL when a thread could not go on or
   not stop. */
enum rc aggregator_run(const struct aggregator_config *config, struct err *err) MUST_CHECK;

#endif
