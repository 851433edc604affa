/* Record ids: time first, so that indexes grow at one end. */
#include "services/common/base/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "services/common/base/hex.h"

enum rc uuid_make_v7(int64_t at_us, struct uuid *ret_uuid, struct err *err)
{
    struct uuid uuid;
    if (getrandom(uuid.bytes, sizeof(uuid.bytes), 0) != (ssize_t)sizeof(uuid.bytes))
        return err_set(err, RC_RETRY, "could not read random bytes: errno %d", errno);
    uint64_t ms = (uint64_t)(at_us / 1000);
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    uuid.bytes[6] = (uint8_t)(0x70 | (uuid.bytes[6] & 0x0f));
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
    *ret_uuid = uuid;
    return RC_OK;
}

int64_t uuid_v7_at_us(const struct uuid *uuid)
{
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | uuid->bytes[i];
    return (int64_t)ms * 1000;
}

int uuid_is_v7(const struct uuid *uuid)
{
    return uuid->bytes[6] >> 4 == 7 && uuid->bytes[8] >> 6 == 2;
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, UUID_BYTES);
}

void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_BYTES])
{
    char hex[2 * UUID_BYTES + 1];
    hex_format(uuid->bytes, UUID_BYTES, hex);
    static const int SIZES[] = {8, 4, 4, 4, 12};
    const char *from = hex;
    char *to = text;
    for (int i = 0; i < 5; i++) {
        if (i > 0)
            *to++ = '-';
        memcpy(to, from, (size_t)SIZES[i]);
        to += SIZES[i];
        from += SIZES[i];
    }
    *to = '\0';
}

enum rc uuid_parse(const char *text, struct uuid *ret_uuid)
{
    if (strlen(text) != UUID_TEXT_BYTES - 1)
        return RC_REJECT;
    char hex[2 * UUID_BYTES + 1];
    int n = 0;
    for (int i = 0; text[i] != '\0'; i++) {
        int is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;
        if ((text[i] == '-') != is_dash_place)
            return RC_REJECT;
        if (!is_dash_place)
            hex[n++] = text[i];
    }
    hex[n] = '\0';
    struct uuid uuid;
    if (hex_parse(hex, uuid.bytes, UUID_BYTES) != RC_OK)
        return RC_REJECT;
    *ret_uuid = uuid;
    return RC_OK;
}
