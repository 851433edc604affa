/* Second step: what was sent, and whether this agent may say so.
   Invariant: every bound is judged by LogAppendTime and the id, never by the clock of this machine,
   so that a replay next year judges the same. */
#include "services/aggregator/ingest/decode.h"

#include <inttypes.h>
#include <string.h>

#include "services/aggregator/ingest/body.h"
#include "services/common/base/limits.h"
#include "services/common/mac/mac.h"
#include "services/common/record/record.h"

enum { SMALLINT_MAX = INT16_MAX };

enum rc decode_refuse(struct item *item, enum bad_class class, const char *reason,
                      struct arena *arena)
{
    char *copy = arena_copy(arena, reason, strlen(reason));
    if (copy == NULL)
        return RC_FULL;
    item->class = class;
    item->reason = copy;
    return RC_OK;
}

int decode_kind(const Kasumori__V1__Record *record)
{
    switch (record->body_case) {
    case KASUMORI__V1__RECORD__BODY_CONTACT:
        return 1;
    case KASUMORI__V1__RECORD__BODY_INCIDENT:
        return 2;
    case KASUMORI__V1__RECORD__BODY_SUPPLEMENT:
        return 3;
    case KASUMORI__V1__RECORD__BODY_CORRECTION:
        return 4;
    case KASUMORI__V1__RECORD__BODY__NOT_SET:
    case _KASUMORI__V1__RECORD__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return 0;
}

static enum bad_class class_of(enum record_class class)
{
    switch (class) {
    case RECORD_CLASS_MALFORMED:
        return BAD_CLASS_MALFORMED;
    case RECORD_CLASS_OVERSIZED:
        return BAD_CLASS_OVERSIZED;
    case RECORD_CLASS_NEWER:
        return BAD_CLASS_NEWER;
    case RECORD_CLASS_OK:
        break;
    }
    return BAD_CLASS_MALFORMED;
}

static int is_key_of(struct slice key, const struct registry_agent *agent)
{
    size_t tenant = strlen(agent->tenant);
    size_t site = strlen(agent->site);
    return key.size == tenant + 1 + site && memcmp(key.data, agent->tenant, tenant) == 0 &&
           key.data[tenant] == '/' && memcmp(key.data + tenant + 1, agent->site, site) == 0;
}

static const char *find_trespass(const struct item *item)
{
    const struct registry_agent *agent = item->sender.proven;
    if (strcmp(item->record->tenant, agent->tenant) != 0)
        return "tenant is not the agent's";
    if (strcmp(item->record->site, agent->site) != 0)
        return "site is not the agent's";
    if (!is_key_of(item->message->key, agent))
        return "the message's key is not the agent's tenant/site";
    return NULL;
}

/* Unknown enum values are kept, but only as far as their column goes. */
static int fits_column(int64_t value)
{
    return value >= 0 && value <= SMALLINT_MAX;
}

static const char *find_misfit_in(const Kasumori__V1__Identifier *identifier)
{
    if (!fits_column(identifier->kind))
        return "kind of an identifier is beyond 32767";
    if (!fits_column(identifier->assurance))
        return "assurance of an identifier is beyond 32767";
    return NULL;
}

static const char *find_misfit_in_person(const Kasumori__V1__Person *person)
{
    if (!fits_column(person->ordinal))
        return "ordinal of a person is beyond 32767";
    if (!fits_column(person->role))
        return "role of a person is beyond 32767";
    const char *misfit = NULL;
    for (size_t i = 0; i < person->n_identifiers && misfit == NULL; i++)
        misfit = find_misfit_in(person->identifiers[i]);
    return misfit;
}

static const char *find_misfit_in_body(const struct body *body)
{
    if (body->contact != NULL &&
        (!fits_column(body->contact->outcome) || !fits_column(body->contact->withheld)))
        return "outcome or withheld of a contact is beyond 32767";
    const char *misfit = NULL;
    for (size_t i = 0; body->incident != NULL && i < body->incident->n_measures; i++) {
        const Kasumori__V1__Measure *measure = body->incident->measures[i];
        for (size_t k = 0; k < measure->n_decided_by && misfit == NULL; k++)
            misfit = find_misfit_in(measure->decided_by[k]);
    }
    return misfit;
}

static const char *find_misfit(const Kasumori__V1__Record *record)
{
    struct body body = body_of(record);
    if (!fits_column(record->clock_state))
        return "clock_state is beyond 32767";
    if (!fits_column(record->channel))
        return "channel is beyond 32767";
    if (!fits_column(record->direction))
        return "direction is beyond 32767";
    const char *misfit = record->worker == NULL ? NULL : find_misfit_in(record->worker);
    for (size_t i = 0; i < record->n_persons && misfit == NULL; i++)
        misfit = find_misfit_in_person(record->persons[i]);
    return misfit != NULL ? misfit : find_misfit_in_body(&body);
}

static enum bad_class judge_time(const struct item *item, int64_t horizon_us, struct err *why)
{
    int64_t id_at_us = uuid_v7_at_us(&item->id);
    int64_t appended_at_us = item->message->appended_at_us;
    if (id_at_us < appended_at_us - LIMIT_ID_AGE_US) {
        err_set(why, RC_REJECT, "record_id is older than 400 days when it arrived");
        return BAD_CLASS_CLOCK;
    }
    if (id_at_us > appended_at_us + LIMIT_ID_AHEAD_US) {
        err_set(why, RC_REJECT, "record_id is more than an hour ahead of its arrival");
        return BAD_CLASS_CLOCK;
    }
    if (id_at_us < horizon_us) {
        err_set(why, RC_REJECT, "record_id is older than archive_horizon");
        return BAD_CLASS_ARCHIVED;
    }
    return BAD_CLASS_NONE;
}

static enum bad_class judge(struct item *item, struct err *why)
{
    if (record_validate(item->record, why) != RC_OK)
        return BAD_CLASS_MALFORMED;
    const char *misfit = find_misfit(item->record);
    if (misfit != NULL) {
        err_set(why, RC_REJECT, "%s", misfit);
        return BAD_CLASS_MALFORMED;
    }
    const char *trespass = find_trespass(item);
    if (trespass != NULL) {
        err_set(why, RC_REJECT, "%s", trespass);
        return BAD_CLASS_FORGED;
    }
    return BAD_CLASS_NONE;
}

static void copy_uuid(struct uuid *to, ProtobufCBinaryData from)
{
    if (from.len == UUID_BYTES)
        memcpy(to->bytes, from.data, UUID_BYTES);
}

static void fill_target(struct dedup_delivery *delivery, const Kasumori__V1__Record *record)
{
    delivery->has_target = delivery->kind == 3 || delivery->kind == 4;
    if (delivery->kind == 3)
        copy_uuid(&delivery->target, record->supplement->target_id);
    if (delivery->kind == 4)
        copy_uuid(&delivery->target, record->correction->target_id);
}

static enum rc fill_delivery(struct item *item, struct err *err)
{
    const Kasumori__V1__Record *record = item->record;
    struct dedup_delivery *delivery = &item->delivery;
    *delivery = (struct dedup_delivery){
        .tenant = record->tenant,
        .site = record->site,
        .source = record->source,
        .id = item->id,
        .revision = record->revision,
        .kind = decode_kind(record),
        .has_external = record->external_id[0] != '\0',
    };
    fill_target(delivery, record);
    if (delivery->has_external) {
        uint8_t digest[MAC_SHA256_BYTES];
        mac_sha256(slice_str(record->external_id), digest);
        memcpy(delivery->external_hash, digest, sizeof(delivery->external_hash));
    }
    return record_body_hash(record, delivery->body_hash, err);
}

static void move_answers(const struct body *body, int64_t by_us)
{
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; i < body->answers_count[list]; i++)
            if (body->answers[list][i]->recorded_at_us != 0)
                body->answers[list][i]->recorded_at_us += by_us;
}

/* Under another time: the same record by an id of that time, what it tells as long before it as it
   was before its own. recorded_at_us stays what the site's clock said. */
static void restamp(struct item *item)
{
    Kasumori__V1__Record *record = item->record;
    struct body body = body_of(record);
    int64_t at_ms = item->restamped_at_us / CLOCK_US_PER_MS;
    int64_t by_us = at_ms * CLOCK_US_PER_MS - uuid_v7_at_us(&item->id);
    for (int i = 0; i < 6; i++)
        item->id.bytes[i] = (uint8_t)(at_ms >> (40 - 8 * i));
    record->occurred_start_us += by_us;
    if (record->occurred_end_us != 0)
        record->occurred_end_us += by_us;
    move_answers(&body, by_us);
}

/* What can be said without decoding; 1 when class and reason are set. */
static int is_hopeless(const struct item *item, enum bad_class *ret_class, struct err *why)
{
    if (item->message->value_size > LIMIT_VALUE_BYTES) {
        err_set(why, RC_REJECT, "the value has %zu bytes, more than %d", item->message->value_size,
                LIMIT_VALUE_BYTES);
        *ret_class = BAD_CLASS_OVERSIZED;
        return 1;
    }
    if (item->message->value.data == NULL) {
        err_set(why, RC_REJECT, "the message has no value");
        *ret_class = BAD_CLASS_MALFORMED;
        return 1;
    }
    return 0;
}

enum rc decode_item(struct item *item, int64_t horizon_us, struct arena *arena, struct err *err)
{
    struct err why = {.text = ""};
    enum bad_class class;
    enum record_class record_class = RECORD_CLASS_MALFORMED;
    if (is_hopeless(item, &class, &why))
        return decode_refuse(item, class, why.text, arena);
    enum rc rc = record_decode(item->message->value, arena, &item->record, &record_class, &why);
    if (rc == RC_REJECT)
        return decode_refuse(item, class_of(record_class), why.text, arena);
    if (rc != RC_OK)
        return err_set(err, rc, "%s", why.text);
    item->has_id = item->record->record_id.len == UUID_BYTES;
    copy_uuid(&item->id, item->record->record_id);
    class = judge(item, &why);
    if (class == BAD_CLASS_NONE && item->restamped_at_us != 0)
        restamp(item);
    if (class == BAD_CLASS_NONE)
        class = judge_time(item, horizon_us, &why);
    if (class == BAD_CLASS_NONE)
        return fill_delivery(item, err);
    item->record = NULL;
    return decode_refuse(item, class, why.text, arena);
}
