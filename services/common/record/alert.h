#ifndef KASUMORI_RECORD_ALERT_H
#define KASUMORI_RECORD_ALERT_H

#include "kasumori/v1/alert.pb-c.h" /* generated from proto/kasumori/v1 */
#include "kasumori/v1/watch.pb-c.h"
#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* The messages on kasumori.alerts.v1 and kasumori.watch.v1. Same contracts as record_encode and
   record_decode, validation included: lengths, UTF-8, schema version, ids of 16 bytes. */
enum rc alert_encode(const Kasumori__V1__Alert *alert, struct buf *out, struct err *err) MUST_CHECK;
enum rc alert_decode(struct slice value, struct arena *arena, Kasumori__V1__Alert **ret_alert,
                     struct err *err) MUST_CHECK;
enum rc alert_encode_watch(const Kasumori__V1__WatchEntry *entry, struct buf *out,
                           struct err *err) MUST_CHECK;
enum rc alert_decode_watch(struct slice value, struct arena *arena,
                           Kasumori__V1__WatchEntry **ret_entry, struct err *err) MUST_CHECK;

#endif
