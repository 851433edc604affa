#ifndef KASUMORI_BASE_UUID_H
#define KASUMORI_BASE_UUID_H

#include <stdint.h>

#include "services/common/base/rc.h"

enum { UUID_BYTES = 16, UUID_TEXT_BYTES = 37 };

struct uuid {
    uint8_t bytes[UUID_BYTES];
};

/* UUIDv7 (RFC 9562): at_us's milliseconds, then 74 random bits. RC_RETRY when the kernel has no
   randomness to give. */
enum rc uuid_make_v7(int64_t at_us, struct uuid *ret_uuid, struct err *err) MUST_CHECK;

/* The instant in a v7 id, microseconds since 1970 UTC at millisecond precision. */
int64_t uuid_v7_at_us(const struct uuid *uuid);
int uuid_is_v7(const struct uuid *uuid);

int uuid_compare(const struct uuid *a, const struct uuid *b);

/* Lower-case 8-4-4-4-12; text holds UUID_TEXT_BYTES. */
void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_BYTES]);
enum rc uuid_parse(const char *text, struct uuid *ret_uuid) MUST_CHECK; /* RC_REJECT */

#endif
