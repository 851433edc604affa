/* Strict UTF-8 (RFC 3629). */
#include "services/common/base/utf8.h"

static int is_tail(struct slice text, size_t at)
{
    return at < text.size && (text.data[at] & 0xc0) == 0x80;
}

int32_t utf8_next(struct slice text, size_t *at)
{
    static const int32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    if (*at >= text.size)
        return -1;
    uint8_t lead = text.data[*at];
    if (lead < 0x80) {
        *at += 1;
        return lead;
    }
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4)
        return -1;
    int32_t code_point = lead & (0x7f >> size);
    for (size_t i = 1; i < size; i++) {
        if (!is_tail(text, *at + i))
            return -1;
        code_point = code_point << 6 | (text.data[*at + i] & 0x3f);
    }
    int is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    if (code_point < LEAST[size] || code_point > 0x10ffff || is_surrogate)
        return -1;
    *at += size;
    return code_point;
}

int utf8_is_valid(struct slice text)
{
    size_t at = 0;
    while (at < text.size)
        if (utf8_next(text, &at) <= 0)
            return 0;
    return 1;
}

size_t utf8_length(struct slice text)
{
    size_t length = 0;
    for (size_t i = 0; i < text.size; i++)
        length += (text.data[i] & 0xc0) != 0x80;
    return length;
}

size_t utf8_put(int32_t code_point, char out[4])
{
    uint32_t c = (uint32_t)code_point;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    static const uint8_t LEAD[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(LEAD[size] | c);
    return size;
}
