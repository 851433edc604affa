/* The mark's slot: whatever decodes encodes to the same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/spool/mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[MARK_ENCODED_BYTES] = {0}, again[MARK_ENCODED_BYTES];
    struct mark_state state;
    uint64_t generation;
    memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
    if (mark_decode(bytes, &state, &generation) != RC_OK)
        return 0;
    mark_encode(&state, generation, again);
    again[7] = bytes[7]; /* an older version may be read */
    CHECK(memcmp(bytes, again, MARK_ENCODED_BYTES - 8) == 0);
    return 0;
}
