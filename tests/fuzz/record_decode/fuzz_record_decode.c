/* Any bytes as a record and as a heartbeat. What decodes must encode to something that decodes to
   the same hash, and nothing may need more than the arena a value is promised. */
#include <stdint.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/record/heartbeat.h"
#include "services/common/record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rc visit(void *ctx, const char *place, Kasumori__V1__Text *text)
{
    size_t *bytes = ctx;
    CHECK(place[0] != '\0');
    *bytes += strlen(text->value);
    return RC_OK;
}

static Kasumori__V1__Record *decode(struct slice value, struct arena *arena)
{
    struct err err = {.text = ""};
    Kasumori__V1__Record *record = NULL;
    enum record_class class = RECORD_CLASS_OK;
    enum rc rc = record_decode(value, arena, &record, &class, &err);
    CHECK(rc == RC_OK || (rc == RC_REJECT && class != RECORD_CLASS_OK && err.text[0] != '\0'));
    return record;
}

static void use(Kasumori__V1__Record *record, struct arena *arena)
{
    struct err err;
    struct buf out;
    struct buf json;
    uint8_t hash[RECORD_HASH_BYTES];
    uint8_t again[RECORD_HASH_BYTES];
    size_t bytes = 0;
    buf_init(&out, LIMIT_VALUE_BYTES);
    buf_init(&json, 16 * LIMIT_VALUE_BYTES);
    (void)!record_validate(record, &err);
    (void)record_has_unknown_fields(record);
    record_write_json(record, &json);
    CHECK(!json.is_failed);
    CHECK(record_body_hash(record, hash, &err) == RC_OK);
    CHECK(record_each_text(record, visit, &bytes) == RC_OK && bytes <= LIMIT_VALUE_BYTES);
    CHECK(record_encode(record, &out, &err) == RC_OK);
    arena_reset(arena);
    record = decode(buf_slice(&out), arena);
    CHECK(record != NULL);
    CHECK(record_body_hash(record, again, &err) == RC_OK);
    CHECK(memcmp(hash, again, sizeof(hash)) == 0);
    buf_done(&json);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    Kasumori__V1__Heartbeat *heartbeat;
    struct arena *arena = arena_new(LIMIT_DECODE_ARENA_BYTES);
    if (arena == NULL)
        return 0;
    Kasumori__V1__Record *record = decode(slice_of(data, size), arena);
    if (record != NULL)
        use(record, arena);
    arena_reset(arena);
    CHECK(heartbeat_decode(slice_of(data, size), arena, &heartbeat, &err) != RC_FULL);
    arena_free(arena);
    return 0;
}
