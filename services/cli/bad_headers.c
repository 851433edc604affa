/* The headers of a message that could not be stored. */
#include "services/cli/bad_headers.h"

#include <string.h>

/* Takes size_bytes of a big-endian size and as many bytes after it; 0 when text is too short. */
static int take(struct slice *text, size_t size_bytes, struct slice *ret_part)
{
    size_t size = 0;
    if (text->size < size_bytes)
        return 0;
    for (size_t i = 0; i < size_bytes; i++)
        size = size << 8 | text->data[i];
    if (size > text->size - size_bytes)
        return 0;
    *ret_part = slice_of(text->data + size_bytes, size);
    *text = slice_of(text->data + size_bytes + size, text->size - size_bytes - size);
    return 1;
}

enum rc bad_headers_read(struct slice text, struct arena *arena, struct kafka_header *headers,
                         size_t headers_max, size_t *ret_count, struct err *err)
{
    size_t count = 0;
    while (text.size > 0) {
        struct slice name;
        struct slice value;
        if (count == headers_max)
            return err_set(err, RC_CORRUPT, "more than %zu headers are stored", headers_max);
        if (!take(&text, 2, &name) || !take(&text, 4, &value) ||
            memchr(name.data, '\0', name.size) != NULL)
            return err_set(err, RC_CORRUPT, "the stored headers cannot be read");
        headers[count].name = arena_copy(arena, name.data, name.size);
        headers[count].value = value;
        if (headers[count].name == NULL)
            return err_set(err, RC_FULL, "the headers are too large");
        count++;
    }
    *ret_count = count;
    return RC_OK;
}
