#ifndef KASUMORI_BASE_SLICE_H
#define KASUMORI_BASE_SLICE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes: data may be NULL only when size is 0 (or, where said, for "absent"). */
struct slice {
    const uint8_t *data;
    size_t size;
};

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){.data = data, .size = size};
}

static inline struct slice slice_str(const char *text)
{
    return slice_of(text, text == NULL ? 0 : strlen(text));
}

static inline int slice_is_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#endif
