#ifndef KASUMORI_RECORD_HEARTBEAT_H
#define KASUMORI_RECORD_HEARTBEAT_H

#include "kasumori/v1/health.pb-c.h" /* generated from proto/kasumori/v1 */
#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* The message on kasumori.health.v1. Same contracts as record_encode and record_decode, validation
   included: lengths, UTF-8, schema version. */
enum rc heartbeat_encode(const Kasumori__V1__Heartbeat *heartbeat, struct buf *out,
                         struct err *err) MUST_CHECK;
enum rc heartbeat_decode(struct slice value, struct arena *arena,
                         Kasumori__V1__Heartbeat **ret_heartbeat, struct err *err) MUST_CHECK;

#endif
