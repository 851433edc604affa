#ifndef KASUMORI_AGENT_TRACE_H
#define KASUMORI_AGENT_TRACE_H

#include "services/common/base/buf.h"
#include "services/common/base/slice.h"

/* W3C trace context of a request, kept with its records until they are messages. What stands in the
   spool is the record's bytes, or, with a traceparent, a zero byte (no message can begin with it),
   a version byte 1, the TRACE_PARENT_BYTES of text, then the record's bytes. A spool from before is
   read as it is. Pure. */
enum {
    TRACE_PARENT_BYTES = 55, /* "00-<32 hex>-<16 hex>-<2 hex>" */
    TRACE_SPOOLED_BYTES = 2 + TRACE_PARENT_BYTES,
};

/* Version 00's form in lower case with ids that are not all zero. text may be NULL. */
int trace_is_valid(const char *text);

/* Puts before the record's bytes what trace_split takes off; traceparent is valid. A record without
   room for it within LIMIT_VALUE_BYTES goes without. Returns how many bytes were added. */
size_t trace_add(struct buf *out, const char *traceparent, size_t record_bytes);

/* ret_traceparent: of size 0 when there is none. Both borrow from spooled. */
void trace_split(struct slice spooled, struct slice *ret_record, struct slice *ret_traceparent);

#endif
