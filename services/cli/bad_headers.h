#ifndef KASUMORI_CLI_BAD_HEADERS_H
#define KASUMORI_CLI_BAD_HEADERS_H

#include <stddef.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/kafka/kafka.h"

/* Reads kasumori.bad_record.headers: for each header the size of its name (2 bytes, big-endian),
   the name, the size of its value (4 bytes) and the value. Names are copied into arena with their
   NUL, values are borrowed from text. RC_CORRUPT when text is not that, holds a name with a NUL or
   more than headers_max headers; RC_FULL for the arena. */
enum rc bad_headers_read(struct slice text, struct arena *arena, struct kafka_header *headers,
                         size_t headers_max, size_t *ret_count, struct err *err) MUST_CHECK;

#endif
