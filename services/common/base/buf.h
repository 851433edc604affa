#ifndef KASUMORI_BASE_BUF_H
#define KASUMORI_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* A growable byte buffer whose largest size is fixed at init. Appends past it, or without memory,
   set is_failed, which sticks: check once at the end. data is always NUL-terminated when not NULL.
 */
struct buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t size_max;
    int is_failed;
};

void buf_init(struct buf *buf, size_t size_max);
void buf_done(struct buf *buf);
void buf_reset(struct buf *buf); /* size 0, not failed, memory kept */

void buf_add(struct buf *buf, const void *data, size_t size);
void buf_add_str(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);

static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_of(buf->data, buf->size);
}

#endif
