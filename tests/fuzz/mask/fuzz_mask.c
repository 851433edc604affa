/* The first line of the input is the roster's only name beside fixed ones, the rest is the text. */
#include <string.h>

#include "services/agent/mask.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mask_roster *load(struct slice name)
{
    static const char FIXED[] = "山田太郎\nAnn\nAnn Lee\n店員7\nﾔﾏﾀﾞ\n";
    char names[sizeof(FIXED) + LIMIT_NAME_BYTES];
    struct mask_roster *roster = NULL;
    size_t extra = name.size > LIMIT_NAME_BYTES ? 0 : name.size;
    memcpy(names, FIXED, sizeof(FIXED) - 1);
    if (extra > 0)
        memcpy(names + sizeof(FIXED) - 1, name.data, extra);
    if (mask_roster_new(slice_of(names, sizeof(FIXED) - 1 + extra), &roster, NULL) != RC_OK)
        CHECK(mask_roster_new(slice_str(FIXED), &roster, NULL) == RC_OK);
    return roster;
}

static void check_text(const struct mask_roster *roster, struct arena *arena, struct slice text)
{
    struct slice once, twice;
    uint32_t count;
    if (mask_text(roster, arena, text, &once, &count, NULL) != RC_OK)
        return;
    CHECK(once.size <= LIMIT_TEXT_BYTES && utf8_is_valid(once));
    CHECK(count > 0 || slice_is_equal(once, text));
    CHECK(mask_text(roster, arena, once, &twice, &count, NULL) == RC_OK);
    CHECK(count == 0 && slice_is_equal(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t name_size = end == NULL ? 0 : (size_t)(end - data);
    size_t text_from = end == NULL ? 0 : name_size + 1;
    struct mask_roster *roster = load(slice_of(data, name_size));
    struct arena *arena = arena_new(1024 * 1024);
    CHECK(arena != NULL);
    check_text(roster, arena, slice_of(data + text_from, size - text_from));
    arena_free(arena);
    mask_roster_free(roster);
    return 0;
}
