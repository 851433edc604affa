/* Cursors of lists.
   Invariant: what a cursor puts into a statement has the shape that the statement casts to. */
#include "services/monitor/read_cursor.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/base64.h"
#include "services/common/base/limits.h"

enum { HASH_DIGITS = 16, KEY_BYTES_MAX = 160, NUMBER_DIGITS_MAX = 18 };

uint64_t read_cursor_hash(uint64_t hash, struct slice text)
{
    if (hash == 0)
        hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ text.data[i]) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211); /* parts texts from each other */
}

void read_cursor_write(struct buf *out, struct slice key, uint64_t question)
{
    struct buf plain, coded;
    buf_init(&plain, KEY_BYTES_MAX + HASH_DIGITS + 1);
    buf_init(&coded, 2 * KEY_BYTES_MAX);
    buf_addf(&plain, "%016" PRIx64, question);
    buf_add(&plain, key.data, key.size);
    base64_write(&coded, buf_slice(&plain));
    for (size_t i = 0; i < coded.size && coded.data[i] != '='; i++)
        buf_add_char(out, coded.data[i] == '+'   ? '-'
                          : coded.data[i] == '/' ? '_'
                                                 : (char)coded.data[i]);
    if (plain.is_failed || coded.is_failed)
        out->is_failed = 1;
    buf_done(&plain);
    buf_done(&coded);
}

/* "-123" or "123" as JSON writes it, at most 18 digits, so that it fits a bigint. */
static size_t number_size(const char *text)
{
    size_t start = text[0] == '-', end = start;
    while (isdigit((unsigned char)text[end]))
        end++;
    int has_leading_zero = text[start] == '0' && end - start > 1;
    return end - start == 0 || end - start > NUMBER_DIGITS_MAX || has_leading_zero ? 0 : end;
}

static int take_key(struct read_args *args, char *key, enum read_type type)
{
    const struct read_param id = {.type = type};
    size_t size = number_size(key);
    if (size == 0 || key[size] != '.' || !read_is_valid(&id, key + size + 1))
        return 0;
    key[size] = '\0';
    read_args_raw(args, "after_at", key);
    read_args_text(args, "after_id", slice_str(key + size + 1));
    return 1;
}

int read_cursor_read(struct read_args *args, const char *text, enum read_type id, uint64_t question)
{
    char plain[KEY_BYTES_MAX + HASH_DIGITS + 1], hash[HASH_DIGITS + 1];
    uint8_t data[(KEY_BYTES_MAX + HASH_DIGITS + 2) / 3 * 3 + 3];
    size_t size;
    struct slice coded = slice_str(text);
    if (coded.size > (KEY_BYTES_MAX + HASH_DIGITS) / 3 * 4 ||
        base64_read(coded, data, &size) != RC_OK || size <= HASH_DIGITS || size >= sizeof(plain) ||
        memchr(data, '\0', size) != NULL)
        return 0;
    memcpy(plain, data, size);
    plain[size] = '\0';
    snprintf(hash, sizeof(hash), "%016" PRIx64, question);
    return memcmp(plain, hash, HASH_DIGITS) == 0 && take_key(args, plain + HASH_DIGITS, id);
}
