/* What people, telephone systems and headquarters send to the form and the look-up. A form that can
   be read builds or is refused; an answer that is believed has its state. */
#include <stdint.h>
#include <string.h>

#include "services/agent/caller_text.h"
#include "services/agent/form_draft.h"
#include "services/agent/receipt.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/workers/workers.h"

static struct agent_spot spot = {.name = (char *)"till 1"};
static const struct config_list spots = {.items = &spot, .count = 1};
static struct bundle bundle = {.site = "s001",
                               .token_keys = {{.kind = 4, .key_id = 1}, {.kind = 2, .key_id = 1}},
                               .token_keys_count = 2};
static struct arena *arena;

static void try_form(struct slice text, enum form_kind kind)
{
    const struct form_frame frame = {.worker = "w12", .at_us = INT64_C(1795527190000000)};
    struct form_entry entry;
    struct draft draft;
    char place[FORM_PLACE_BYTES];
    struct err err;
    arena_reset(arena);
    if (form_read(text, kind, &spots, arena, &entry, place, &err) != RC_OK)
        return;
    enum rc rc = form_build(&entry, &frame, arena, &draft, place, &err);
    CHECK(rc == RC_OK || rc == RC_REJECT || rc == RC_FULL);
    CHECK(rc != RC_OK || draft.record->body_case != 0);
}

static void try_question(struct slice text)
{
    enum caller_verdict verdict = CALLER_VERDICT_WITHHELD;
    struct buf question;
    struct err err;
    buf_init(&question, 4096);
    enum rc rc = caller_text_read(text, &bundle, &question, &verdict, &err);
    CHECK((rc == RC_OK && verdict == CALLER_VERDICT_ASK) == (question.size > 0 && rc == RC_OK));
    buf_done(&question);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct receipt receipt;
    struct workers workers;
    char code[RECEIPT_CODE_BYTES];
    struct err err;
    int is_known = -1;
    if (arena == NULL)
        arena = arena_new(LIMIT_INTAKE_ARENA_BYTES);
    CHECK(arena != NULL);
    for (int kind = FORM_KIND_REPORT; kind <= FORM_KIND_RETRACTION; kind++)
        try_form(text, (enum form_kind)kind);
    try_question(text);
    CHECK(caller_text_check_answer(text, &is_known) != RC_OK || is_known != -1);
    if (receipt_read(text, &receipt) == RC_OK)
        CHECK(strlen(receipt.code) == RECEIPT_CODE_BYTES - 1);
    if (receipt_read_code(text, code) == RC_OK)
        CHECK(strlen(code) == RECEIPT_CODE_BYTES - 1);
    if (workers_parse(text, &workers, &err) == RC_OK)
        workers_done(&workers);
    return 0;
}
