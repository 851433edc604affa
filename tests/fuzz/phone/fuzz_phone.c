/* Any bytes as an identifier of any kind: what is normalised is normalised. */
#include <string.h>

#include "services/agent/normalise.h"
#include "services/agent/phone.h"
#include "services/common/base/check.h"
#include "services/common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_phone(struct slice raw)
{
    struct phone once, twice;
    phone_normalise(raw, &once);
    CHECK((once.kind == PHONE_KIND_WITHHELD) == (once.reason != PHONE_WITHHELD_NOT));
    int has_number = once.kind == PHONE_KIND_PERSONAL || once.kind == PHONE_KIND_IMPERSONAL;
    CHECK(has_number == (once.e164[0] != '\0'));
    if (!has_number)
        return;
    phone_normalise(slice_str(once.e164), &twice);
    CHECK(strcmp(once.e164, twice.e164) == 0);
    CHECK(once.kind == twice.kind && once.is_doubtful == twice.is_doubtful);
}

static void check_identifier(uint32_t kind, struct slice raw)
{
    struct normalised once, twice;
    if (normalise_identifier(kind, raw, &once, NULL) != RC_OK || once.kind == 0)
        return;
    CHECK(once.size > 0 &&
          utf8_is_valid(normalised_slice(&once)) == (memchr(once.value, 0, once.size) == NULL));
    CHECK(normalise_identifier(once.kind, normalised_slice(&once), &twice, NULL) == RC_OK);
    CHECK(once.kind == twice.kind &&
          slice_is_equal(normalised_slice(&once), normalised_slice(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice raw = slice_of(data, size);
    check_phone(raw);
    for (uint32_t kind = 0; kind <= 12; kind++)
        check_identifier(kind, raw);
    return 0;
}
