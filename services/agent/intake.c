/* The one way in. Invariant: when RC_OK, no raw identifier is in the record: each draft_raw has
   become tokens and a seal, or its identifier is gone. */
#include "services/agent/intake.h"

#include <stdio.h>
#include <string.h>

#include "services/agent/normalise.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"

enum rc intake_init(struct intake *intake, const struct bundle *bundle,
                    const struct mask_roster *roster, struct err *err)
{
    struct seal *seal = NULL;
    enum rc rc = seal_new(bundle->vault_public, &seal, err);
    if (rc != RC_OK)
        return rc;
    struct arena *arena = arena_new(LIMIT_INTAKE_ARENA_BYTES);
    if (arena == NULL) {
        seal_free(seal);
        return err_set(err, RC_RETRY, "out of memory");
    }
    *intake = (struct intake){.bundle = bundle, .roster = roster, .arena = arena, .seal = seal};
    buf_init(&intake->value, LIMIT_VALUE_BYTES);
    return RC_OK;
}

void intake_done(struct intake *intake)
{
    buf_done(&intake->value);
    arena_free(intake->arena);
    seal_free(intake->seal);
    *intake = (struct intake){0};
}

static enum rc no_room(struct err *err)
{
    return err_set(err, RC_FULL, "the record is too large");
}

/* Where an identifier stands, for messages: "persons[1].identifiers[0]". */
static void name_place(const Kasumori__V1__Record *record,
                       const Kasumori__V1__Identifier *identifier, char *place, size_t size)
{
    snprintf(place, size, identifier == record->worker ? "worker" : "identifier");
    for (size_t i = 0; i < record->n_persons; i++)
        for (size_t k = 0; k < record->persons[i]->n_identifiers; k++)
            if (record->persons[i]->identifiers[k] == identifier)
                snprintf(place, size, "persons[%zu].identifiers[%zu]", i, k);
}

/* Takes an identifier out of its person or the envelope. */
static void drop_identifier(Kasumori__V1__Record *record, Kasumori__V1__Identifier *identifier)
{
    if (record->worker == identifier)
        record->worker = NULL;
    for (size_t i = 0; i < record->n_persons; i++) {
        Kasumori__V1__Person *person = record->persons[i];
        size_t kept = 0;
        for (size_t k = 0; k < person->n_identifiers; k++)
            if (person->identifiers[k] != identifier)
                person->identifiers[kept++] = person->identifiers[k];
        person->n_identifiers = kept;
    }
}

static void note_withheld(Kasumori__V1__Record *record, uint32_t withheld)
{
    if (record->body_case != KASUMORI__V1__RECORD__BODY_CONTACT)
        return;
    if (record->contact->withheld == KASUMORI__V1__WITHHELD__WITHHELD_UNSPECIFIED)
        record->contact->withheld = (Kasumori__V1__Withheld)withheld;
}

static enum rc add_tokens(struct intake *intake, Kasumori__V1__Identifier *identifier,
                          const struct normalised *normalised,
                          struct token_mac macs[TOKEN_MACS_MAX], struct err *err)
{
    const struct bundle *bundle = intake->bundle;
    size_t n = token_make(bundle->token_keys, bundle->token_keys_count, normalised->kind,
                          normalised_slice(normalised), macs);
    if (n == 0)
        return err_set(err, RC_REJECT, "this site holds no key for this kind of identifier");
    Kasumori__V1__Token *tokens = arena_alloc(intake->arena, n * sizeof(*tokens));
    Kasumori__V1__Token **list = arena_alloc(intake->arena, n * sizeof(*list));
    if (tokens == NULL || list == NULL)
        return no_room(err);
    for (size_t i = 0; i < n; i++) {
        uint8_t *mac = (uint8_t *)arena_copy(intake->arena, macs[i].mac, TOKEN_MAC_BYTES);
        if (mac == NULL)
            return no_room(err);
        kasumori__v1__token__init(&tokens[i]);
        tokens[i].key_id = macs[i].key_id;
        tokens[i].mac = (ProtobufCBinaryData){.len = TOKEN_MAC_BYTES, .data = mac};
        list[i] = &tokens[i];
    }
    identifier->tokens = list;
    identifier->n_tokens = n;
    return RC_OK;
}

static enum rc add_seal(struct intake *intake, Kasumori__V1__Identifier *identifier,
                        const struct seal_value *value, int64_t now_us, struct err *err)
{
    size_t size = value->value.size + 4 + TOKEN_SEAL_OVERHEAD_BYTES;
    uint8_t *box = arena_alloc(intake->arena, size);
    if (box == NULL)
        return no_room(err);
    enum rc rc = seal_box(intake->seal, value, now_us, box, err);
    if (rc == RC_OK)
        identifier->sealed = (ProtobufCBinaryData){.len = size, .data = box};
    return rc;
}

static enum rc hide_identifier(struct intake *intake, Kasumori__V1__Record *record,
                               const struct draft_raw *raw, int64_t now_us, struct err *err)
{
    struct normalised normalised;
    struct token_mac macs[TOKEN_MACS_MAX];
    Kasumori__V1__Identifier *identifier = raw->identifier;
    enum rc rc = normalise_identifier((uint32_t)identifier->kind, raw->value, &normalised, err);
    if (rc == RC_OK && normalised.kind == 0) {
        note_withheld(record, normalised.withheld);
        drop_identifier(record, identifier);
        return RC_OK;
    }
    if (rc == RC_OK) {
        identifier->kind = (Kasumori__V1__IdentifierKind)normalised.kind;
        rc = add_tokens(intake, identifier, &normalised, macs, err);
    }
    if (rc == RC_OK) {
        const struct seal_value value = {normalised.kind, normalised_slice(&normalised), macs};
        rc = add_seal(intake, identifier, &value, now_us, err);
    }
    explicit_bzero(&normalised, sizeof(normalised));
    return rc;
}

static enum rc hide_identifiers(struct intake *intake, struct draft *draft, int64_t now_us,
                                struct err *err)
{
    for (size_t i = 0; i < draft->raws_count; i++) {
        struct err why;
        enum rc rc = hide_identifier(intake, draft->record, &draft->raws[i], now_us, &why);
        if (rc != RC_OK) {
            char place[64];
            name_place(draft->record, draft->raws[i].identifier, place, sizeof(place));
            return err_set(err, rc, "%s: %s", place, why.text);
        }
    }
    return RC_OK;
}

struct masking {
    struct intake *intake;
    uint32_t count;
    struct err *err;
};

static enum rc mask_one(void *ctx, const char *place, Kasumori__V1__Text *text)
{
    struct masking *masking = ctx;
    struct arena *arena = masking->intake->arena;
    struct slice masked;
    uint32_t count;
    struct err why;
    enum rc rc =
        mask_text(masking->intake->roster, arena, slice_str(text->value), &masked, &count, &why);
    if (rc != RC_OK)
        return err_set(masking->err, rc, "%s: %s", place, why.text);
    if (count == 0)
        return RC_OK;
    text->value = arena_copy(arena, masked.data, masked.size);
    if (text->value == NULL)
        return no_room(masking->err);
    text->masked += count;
    masking->count += count;
    return RC_OK;
}

static enum rc complete_envelope(struct intake *intake, Kasumori__V1__Record *record,
                                 int64_t now_us, int is_clock_suspect, struct err *err)
{
    record->schema_major = RECORD_SCHEMA_MAJOR;
    record->schema_minor = RECORD_SCHEMA_MINOR;
    record->tenant = (char *)intake->bundle->tenant;
    record->site = (char *)intake->bundle->site;
    if (record->recorded_at_us == 0)
        record->recorded_at_us = now_us;
    record->clock_state = is_clock_suspect ? KASUMORI__V1__CLOCK_STATE__CLOCK_STATE_SUSPECT
                                           : KASUMORI__V1__CLOCK_STATE__CLOCK_STATE_UNSPECIFIED;
    if (record->record_id.len > 0)
        return RC_OK;
    struct uuid uuid;
    enum rc rc = uuid_make_v7(now_us, &uuid, err);
    if (rc != RC_OK)
        return rc;
    uint8_t *id = (uint8_t *)arena_copy(intake->arena, uuid.bytes, UUID_BYTES);
    if (id == NULL)
        return no_room(err);
    record->record_id = (ProtobufCBinaryData){.len = UUID_BYTES, .data = id};
    return RC_OK;
}

enum rc intake_finish(struct intake *intake, struct draft *draft, int64_t now_us,
                      int is_clock_suspect, struct intake_result *ret_result, struct err *err)
{
    Kasumori__V1__Record *record = draft->record;
    struct masking masking = {.intake = intake, .err = err};
    enum rc rc = complete_envelope(intake, record, now_us, is_clock_suspect, err);
    if (rc == RC_OK)
        rc = hide_identifiers(intake, draft, now_us, err);
    if (rc == RC_OK)
        rc = record_each_text(record, mask_one, &masking);
    if (rc == RC_OK)
        rc = record_validate(record, err);
    if (rc != RC_OK)
        return rc;
    buf_reset(&intake->value);
    rc = record_encode(record, &intake->value, err);
    if (rc != RC_OK)
        return rc;
    CHECK(record->record_id.len == UUID_BYTES);
    memcpy(ret_result->record_id.bytes, record->record_id.data, UUID_BYTES);
    ret_result->masked = masking.count;
    return RC_OK;
}
