#ifndef KASUMORI_INGEST_DECODE_H
#define KASUMORI_INGEST_DECODE_H

#include <stdint.h>

#include "services/aggregator/ingest/item.h"
#include "services/common/base/arena.h"
#include "services/common/base/rc.h"

/* Fills record, id and delivery of an item whose sender is proven, or its class and reason.
   horizon_us: ids before it are class archived. RC_FULL when the arena has no room (its class is
   then not decided), RC_RETRY when memory is out; a bad value is RC_OK. */
enum rc decode_item(struct item *item, int64_t horizon_us, struct arena *arena,
                    struct err *err) MUST_CHECK;

/* Sets class and copies the reason into the arena; RC_FULL when it has no room. */
enum rc decode_refuse(struct item *item, enum bad_class class, const char *reason,
                      struct arena *arena) MUST_CHECK;

/* The body as the columns of kasumori.record see it: 1 contact, 2 incident, 3 supplement. */
int decode_kind(const Kasumori__V1__Record *record);

#endif
