/* Any bytes as an alert and as a watch entry: what decodes encodes again to what decodes. */
#include <stddef.h>
#include <stdint.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/record/alert.h"

enum { ARENA_BYTES = 4 * LIMIT_DECODE_ARENA_BYTES };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct buf out;
    Kasumori__V1__Alert *alert;
    Kasumori__V1__WatchEntry *entry;
    if (arena == NULL)
        return 0;
    buf_init(&out, 2 * LIMIT_VALUE_BYTES);
    if (alert_decode(slice_of(data, size), arena, &alert, NULL) == RC_OK) {
        CHECK(alert_encode(alert, &out, NULL) == RC_OK);
        CHECK(alert_decode(buf_slice(&out), arena, &alert, NULL) == RC_OK);
    }
    buf_reset(&out);
    if (alert_decode_watch(slice_of(data, size), arena, &entry, NULL) == RC_OK) {
        CHECK(alert_encode_watch(entry, &out, NULL) == RC_OK);
        CHECK(alert_decode_watch(buf_slice(&out), arena, &entry, NULL) == RC_OK);
    }
    buf_done(&out);
    arena_free(arena);
    return 0;
}
