/* Bytes as hexadecimal text. */
#include "services/common/base/hex.h"

#include <string.h>

void hex_format(const uint8_t *data, size_t size, char *text)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = DIGITS[data[i] >> 4];
        text[2 * i + 1] = DIGITS[data[i] & 15];
    }
    text[2 * size] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum rc hex_parse(const char *text, uint8_t *data, size_t size)
{
    if (strlen(text) != 2 * size)
        return RC_REJECT;
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return RC_REJECT;
        data[i] = (uint8_t)(high << 4 | low);
    }
    return RC_OK;
}
