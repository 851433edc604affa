/* A JSON record as it comes over HTTP, through the whole of intake. What intake lets through must
   decode and validate at the other end. */
#include <stdint.h>
#include <string.h>

#include "services/agent/intake.h"
#include "services/agent/intake_json.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"

static struct bundle bundle = {.tenant = "acme", .site = "s001", .agent = "s001-a"};
static struct intake intake;
static struct arena *decoded;

static void set_up(void)
{
    uint8_t secret[TOKEN_VAULT_KEY_BYTES];
    CHECK(token_init(NULL) == RC_OK);
    CHECK(token_make_vault_keys(bundle.vault_public, secret) == RC_OK);
    for (uint32_t kind = 1; kind <= 10; kind++)
        bundle.token_keys[bundle.token_keys_count++] =
            (struct token_key){.kind = kind, .key_id = 1, .key = {(uint8_t)kind}};
    CHECK(intake_init(&intake, &bundle, NULL, NULL) == RC_OK);
    decoded = arena_new(LIMIT_DECODE_ARENA_BYTES);
    CHECK(decoded != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draft draft;
    struct intake_result result;
    struct err err;
    if (decoded == NULL)
        set_up();
    arena_reset(intake.arena);
    enum rc rc = intake_json_read(slice_of(data, size), bundle.tenant, bundle.site, intake.arena,
                                  &draft, &err);
    if (rc == RC_OK)
        rc = intake_finish(&intake, &draft, INT64_C(1795527190000000), 0, &result, &err);
    CHECK(rc == RC_OK || rc == RC_REJECT || rc == RC_FULL);
    if (rc != RC_OK)
        return 0;
    Kasumori__V1__Record *record;
    enum record_class class;
    arena_reset(decoded);
    CHECK(record_decode(buf_slice(&intake.value), decoded, &record, &class, &err) == RC_OK);
    CHECK(record_validate(record, &err) == RC_OK);
    return 0;
}
