/* Invariant: size < capacity whenever data is not NULL, so that the closing NUL always fits. */
#include "services/common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/mem.h"

void buf_init(struct buf *buf, size_t size_max)
{
    *buf = (struct buf){.size_max = size_max};
}

void buf_done(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){.size_max = buf->size_max};
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
    buf->is_failed = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

static int buf_reserve(struct buf *buf, size_t more)
{
    if (buf->is_failed)
        return 0;
    if (more > buf->size_max - buf->size) {
        buf->is_failed = 1;
        return 0;
    }
    size_t need = buf->size + more + 1;
    if (need <= buf->capacity)
        return 1;
    size_t capacity = buf->capacity ? buf->capacity * 2 : 256;
    if (capacity < need)
        capacity = need;
    uint8_t *data = mem_realloc(buf->data, capacity);
    if (data == NULL) {
        buf->is_failed = 1;
        return 0;
    }
    buf->data = data;
    buf->capacity = capacity;
    return 1;
}

void buf_add(struct buf *buf, const void *data, size_t size)
{
    if (!buf_reserve(buf, size))
        return;
    if (size > 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void buf_add_str(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n >= 0 && buf_reserve(buf, (size_t)n)) {
        vsnprintf((char *)buf->data + buf->size, (size_t)n + 1, fmt, again);
        buf->size += (size_t)n;
    }
    va_end(again);
}
