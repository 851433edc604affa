/* The rules of a record, the same at the agent and at the center, so that nothing an agent accepted
   is refused later. Invariant: judged from the record alone, never from the present time, so that a
   replay next year judges the same. */
#include <inttypes.h>
#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/record/record.h"
#include "services/common/record/record_check.h"

/* 2000-01-01T00:00:00Z: where clocks start whose battery is flat; nothing we hear of is older. */
#define OCCURRED_MIN_US INT64_C(946684800000000)

static enum rc check_envelope(const Kasumori__V1__Record *record, struct err *err)
{
    if (record->schema_major != RECORD_SCHEMA_MAJOR)
        return err_set(err, RC_REJECT, "schema_major: %u instead of %d", record->schema_major,
                       RECORD_SCHEMA_MAJOR);
    if (record->tenant == NULL || record->tenant[0] == '\0')
        return err_set(err, RC_REJECT, "tenant: missing");
    if (record->site == NULL || record->site[0] == '\0')
        return err_set(err, RC_REJECT, "site: missing");
    if (record->record_id.len != UUID_BYTES)
        return err_set(err, RC_REJECT, "record_id: missing");
    struct uuid id;
    memcpy(id.bytes, record->record_id.data, UUID_BYTES);
    if (!uuid_is_v7(&id))
        return err_set(err, RC_REJECT, "record_id: not a UUID of version 7");
    return RC_OK;
}

static enum rc check_times(const Kasumori__V1__Record *record, struct err *err)
{
    struct uuid id;
    memcpy(id.bytes, record->record_id.data, UUID_BYTES);
    int64_t id_at_us = uuid_v7_at_us(&id);
    int64_t start = record->occurred_start_us;
    int64_t end = record->occurred_end_us;
    if (start == 0)
        return err_set(err, RC_REJECT, "occurred_start_us: missing");
    if (start < OCCURRED_MIN_US)
        return err_set(err, RC_REJECT, "occurred_start_us: before the year 2000");
    if (start > id_at_us + LIMIT_OCCURRED_AHEAD_US)
        return err_set(err, RC_REJECT, "occurred_start_us: more than %d hour after the record's id",
                       (int)(LIMIT_OCCURRED_AHEAD_US / CLOCK_US_PER_HOUR));
    if (start < id_at_us - LIMIT_OCCURRED_AGE_US)
        return err_set(err, RC_REJECT,
                       "occurred_start_us: more than %d days before the record's id",
                       (int)(LIMIT_OCCURRED_AGE_US / CLOCK_US_PER_DAY));
    if (end != 0 && end < start)
        return err_set(err, RC_REJECT, "occurred_end_us: before occurred_start_us");
    if (end != 0 && end - start > LIMIT_RECORD_SPAN_US)
        return err_set(err, RC_REJECT,
                       "occurred_end_us: more than %d hours after occurred_start_us",
                       (int)(LIMIT_RECORD_SPAN_US / CLOCK_US_PER_HOUR));
    return RC_OK;
}

static enum rc check_ordinals(const Kasumori__V1__Record *record, struct err *err)
{
    for (size_t i = 0; i < record->n_persons; i++)
        for (size_t k = 0; k < i; k++)
            if (record->persons[i]->ordinal == record->persons[k]->ordinal)
                return err_set(err, RC_REJECT, "persons[%zu].ordinal: %u is persons[%zu]'s already",
                               i, record->persons[i]->ordinal, k);
    return RC_OK;
}

static int is_same(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    return slice_is_equal(slice_of(a.data, a.len), slice_of(b.data, b.len));
}

/* A target is another record than the ones named by own; place is the field's. */
static enum rc check_target(ProtobufCBinaryData target, ProtobufCBinaryData own, const char *place,
                            struct err *err)
{
    if (target.len != UUID_BYTES)
        return err_set(err, RC_REJECT, "%s: missing", place);
    if (is_same(target, own))
        return err_set(err, RC_REJECT, "%s: the record itself", place);
    return RC_OK;
}

static enum rc check_correction(const Kasumori__V1__Record *record, struct err *err)
{
    const Kasumori__V1__Correction *correction = record->correction;
    enum rc rc =
        check_target(correction->target_id, record->record_id, "correction.target_id", err);
    if (rc != RC_OK)
        return rc;
    switch (correction->replacement_case) {
    case KASUMORI__V1__CORRECTION__REPLACEMENT_CONTACT:
    case KASUMORI__V1__CORRECTION__REPLACEMENT_INCIDENT:
    case KASUMORI__V1__CORRECTION__REPLACEMENT_RETRACTION:
        return RC_OK;
    case KASUMORI__V1__CORRECTION__REPLACEMENT_SUPPLEMENT:
        /* In its new form the supplement is the record that this one corrects. */
        rc = check_target(correction->supplement->target_id, correction->target_id,
                          "correction.supplement.target_id", err);
        if (rc != RC_OK)
            return rc;
        return check_target(correction->supplement->target_id, record->record_id,
                            "correction.supplement.target_id", err);
    case KASUMORI__V1__CORRECTION__REPLACEMENT__NOT_SET:
    case _KASUMORI__V1__CORRECTION__REPLACEMENT__CASE_IS_INT_SIZE:
        break;
    }
    return err_set(err, RC_REJECT, "correction: no replacement and no retraction");
}

static enum rc check_body(const Kasumori__V1__Record *record, struct err *err)
{
    switch (record->body_case) {
    case KASUMORI__V1__RECORD__BODY_CONTACT:
    case KASUMORI__V1__RECORD__BODY_INCIDENT:
        return RC_OK;
    case KASUMORI__V1__RECORD__BODY_SUPPLEMENT:
        return check_target(record->supplement->target_id, record->record_id,
                            "supplement.target_id", err);
    case KASUMORI__V1__RECORD__BODY_CORRECTION:
        return check_correction(record, err);
    case KASUMORI__V1__RECORD__BODY__NOT_SET:
    case _KASUMORI__V1__RECORD__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return err_set(err, RC_REJECT, "record: no contact, incident, supplement or correction");
}

enum rc record_validate(const Kasumori__V1__Record *record, struct err *err)
{
    static enum rc (*const RULES[])(const Kasumori__V1__Record *, struct err *) = {
        check_envelope, check_times, check_ordinals, check_body};
    enum rc rc = record_check_message(&record->base, err);
    for (size_t i = 0; rc == RC_OK && i < sizeof(RULES) / sizeof(RULES[0]); i++)
        rc = RULES[i](record, err);
    return rc;
}
