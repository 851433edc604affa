/* Bytes in JSON. */
#include "services/common/base/base64.h"

void base64_write(struct buf *out, struct slice data)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < data.size; i += 3) {
        size_t left = data.size - i;
        uint32_t bits = (uint32_t)data.data[i] << 16;
        if (left > 1)
            bits |= (uint32_t)data.data[i + 1] << 8;
        if (left > 2)
            bits |= data.data[i + 2];
        char quad[4] = {DIGITS[bits >> 18], DIGITS[bits >> 12 & 63],
                        left > 1 ? DIGITS[bits >> 6 & 63] : '=',
                        left > 2 ? DIGITS[bits & 63] : '='};
        buf_add(out, quad, sizeof(quad));
    }
}

static int digit_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

enum rc base64_read(struct slice text, uint8_t *data, size_t *ret_size)
{
    size_t digits = text.size;
    if (text.size % 4 == 0)
        for (int i = 0; i < 2 && digits > 0 && text.data[digits - 1] == '='; i++)
            digits--;
    if (digits % 4 == 1)
        return RC_REJECT;
    size_t size = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = digit_value(text.data[i]);
        if (value < 0)
            return RC_REJECT;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            data[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    *ret_size = size;
    return RC_OK;
}
