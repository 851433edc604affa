/* A trace is a help, never a reason to refuse: what is not valid is left out, as W3C says.
   Invariant: trace_split gives back exactly the record's bytes, whatever they are. */
#include "services/agent/trace.h"

#include <string.h>

#include "services/common/base/limits.h"

enum { MARK = 0, VERSION = 1 };

static_assert(TRACE_PARENT_BYTES == 2 + 1 + 32 + 1 + 16 + 1 + 2, "version, trace, parent, flags");

/* size lower-case hexadecimal digits; *ret_is_zero: all are 0. */
static int is_hex(const char *text, size_t size, int *ret_is_zero)
{
    *ret_is_zero = 1;
    for (size_t i = 0; i < size; i++) {
        int is_digit = text[i] >= '0' && text[i] <= '9';
        if (!is_digit && (text[i] < 'a' || text[i] > 'f'))
            return 0;
        *ret_is_zero &= text[i] == '0';
    }
    return 1;
}

int trace_is_valid(const char *text)
{
    int is_zero, is_trace_zero, is_parent_zero;
    return text != NULL && strnlen(text, TRACE_PARENT_BYTES + 1) == TRACE_PARENT_BYTES &&
           memcmp(text, "00-", 3) == 0 && is_hex(text + 3, 32, &is_trace_zero) && text[35] == '-' &&
           is_hex(text + 36, 16, &is_parent_zero) && text[52] == '-' &&
           is_hex(text + 53, 2, &is_zero) && !is_trace_zero && !is_parent_zero;
}

size_t trace_add(struct buf *out, const char *traceparent, size_t record_bytes)
{
    if (record_bytes + TRACE_SPOOLED_BYTES > LIMIT_VALUE_BYTES)
        return 0;
    buf_add_char(out, MARK);
    buf_add_char(out, VERSION);
    buf_add(out, traceparent, TRACE_PARENT_BYTES);
    return TRACE_SPOOLED_BYTES;
}

void trace_split(struct slice spooled, struct slice *ret_record, struct slice *ret_traceparent)
{
    *ret_record = spooled;
    *ret_traceparent = slice_of(NULL, 0);
    if (spooled.size < TRACE_SPOOLED_BYTES || spooled.data[0] != MARK || spooled.data[1] != VERSION)
        return;
    *ret_traceparent = slice_of(spooled.data + 2, TRACE_PARENT_BYTES);
    *ret_record = slice_of(spooled.data + TRACE_SPOOLED_BYTES, spooled.size - TRACE_SPOOLED_BYTES);
}
