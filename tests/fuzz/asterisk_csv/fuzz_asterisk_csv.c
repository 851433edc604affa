/* A file of call records: rows to legs, legs to bytes and back, all as one call in two orders. */
#include <string.h>

#include "services/agent/asterisk.h"
#include "services/common/base/check.h"
#include "services/common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct asterisk_source SOURCE = {.name = "pbx1", .utc_offset_s = 9 * 3600};

static void check_strings(const struct draft *draft)
{
    const Kasumori__V1__Record *record = draft->record;
    CHECK(utf8_is_valid(slice_str(record->external_id)));
    CHECK(utf8_is_valid(slice_str(record->contact->dialled)));
    CHECK(record->occurred_end_us >= record->occurred_start_us);
    CHECK(record->contact->talk_us >= 0 && record->contact->ring_us >= 0);
    CHECK(draft->raws_count == record->n_persons);
}

static void check_call(const struct asterisk_leg *legs, size_t count, struct arena *arena)
{
    static struct asterisk_leg reversed[LIMIT_CALL_LEGS];
    struct draft a, b;
    for (size_t i = 0; i < count; i++)
        reversed[i] = legs[count - 1 - i];
    CHECK(asterisk_build_draft(&SOURCE, legs, count, arena, &a, NULL) == RC_OK);
    CHECK(asterisk_build_draft(&SOURCE, reversed, count, arena, &b, NULL) == RC_OK);
    check_strings(&a);
    CHECK(strcmp(a.record->external_id, b.record->external_id) == 0);
    CHECK(a.record->contact->talk_us == b.record->contact->talk_us);
    CHECK(a.raws_count == b.raws_count);
    CHECK(a.raws_count == 0 || slice_is_equal(a.raws[0].value, b.raws[0].value));
}

static void keep_rows(struct slice text, struct buf *kept)
{
    static struct csv csv;
    static struct csv_row row;
    csv_init(&csv, text);
    for (;;) {
        struct asterisk_leg leg;
        enum rc rc = csv_next(&csv, &row, NULL);
        if (rc == RC_OK && row.count == 0)
            return;
        if (rc == RC_OK && asterisk_leg_parse(&SOURCE, &row, &leg, NULL) == RC_OK)
            asterisk_leg_write(&leg, kept);
    }
}

static void check_kept(struct slice kept, int is_ours, struct arena *arena)
{
    static struct asterisk_leg legs[LIMIT_CALL_LEGS];
    size_t count = 0;
    for (size_t at = 0; at < kept.size;) {
        struct asterisk_leg leg;
        int is_new;
        if (asterisk_leg_read(kept, &at, &leg, NULL) != RC_OK) {
            CHECK(!is_ours);
            return;
        }
        if (asterisk_merge(legs, &count, &leg, &is_new, NULL) != RC_OK)
            break;
    }
    if (count > 0 && is_ours)
        check_call(legs, count, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf kept;
    struct arena *arena = arena_new(4 * 1024 * 1024);
    CHECK(arena != NULL);
    buf_init(&kept, 4 * 1024 * 1024);
    keep_rows(slice_of(data, size), &kept);
    check_kept(buf_slice(&kept), 1, arena);
    check_kept(slice_of(data, size), 0, arena);
    buf_done(&kept);
    arena_free(arena);
    return 0;
}
