/* What the center tells: alerts and watch entries, judged alike when written and when read. */
#include "services/common/record/alert.h"

#include "services/common/base/limits.h"
#include "services/common/base/uuid.h"
#include "services/common/record/record.h"
#include "services/common/record/record_check.h"
#include "services/common/record/record_wire.h"

static enum rc check_head(uint32_t major, const char *tenant, uint64_t change_no, struct err *err)
{
    if (major != RECORD_SCHEMA_MAJOR)
        return err_set(err, RC_REJECT, "schema_major: %u instead of %d", major,
                       RECORD_SCHEMA_MAJOR);
    if (tenant == NULL || tenant[0] == '\0')
        return err_set(err, RC_REJECT, "tenant: missing");
    return change_no == 0 ? err_set(err, RC_REJECT, "change_no: missing") : RC_OK;
}

static enum rc check_id(const char *place, const ProtobufCBinaryData *id, int is_required,
                        struct err *err)
{
    if (id->len == UUID_BYTES || (id->len == 0 && !is_required))
        return RC_OK;
    return err_set(err, RC_REJECT, "%s: %zu bytes instead of %d", place, id->len, UUID_BYTES);
}

static enum rc validate_alert(const ProtobufCMessage *message, struct err *err)
{
    const Kasumori__V1__Alert *alert = (const Kasumori__V1__Alert *)message;
    enum rc rc = record_check_message(message, err);
    if (rc == RC_OK)
        rc = check_head(alert->schema_major, alert->tenant, alert->change_no, err);
    if (rc == RC_OK)
        rc = check_id("alert_id", &alert->alert_id, 1, err);
    if (rc == RC_OK)
        rc = check_id("merged_into", &alert->merged_into, 0, err);
    for (size_t i = 0; rc == RC_OK && i < alert->n_record_ids; i++)
        rc = check_id("record_ids", &alert->record_ids[i], 1, err);
    return rc;
}

static enum rc validate_watch(const ProtobufCMessage *message, struct err *err)
{
    const Kasumori__V1__WatchEntry *entry = (const Kasumori__V1__WatchEntry *)message;
    enum rc rc = record_check_message(message, err);
    if (rc == RC_OK)
        rc = check_head(entry->schema_major, entry->tenant, entry->change_no, err);
    if (rc == RC_OK)
        rc = check_id("entry_id", &entry->entry_id, 1, err);
    for (size_t i = 0; rc == RC_OK && i < entry->n_tokens; i++)
        rc = check_id("tokens", &entry->tokens[i]->mac, 1, err);
    return rc;
}

static enum rc decode(const ProtobufCMessageDescriptor *descriptor, struct slice value,
                      struct arena *arena, ProtobufCMessage **ret_message, struct err *err)
{
    if (value.size > LIMIT_VALUE_BYTES)
        return err_set(err, RC_REJECT, "%s: %zu bytes, more than %d", descriptor->short_name,
                       value.size, LIMIT_VALUE_BYTES);
    if (record_wire_major(value) > RECORD_SCHEMA_MAJOR)
        return err_set(err, RC_REJECT, "schema_major: %u, this program reads up to %d",
                       record_wire_major(value), RECORD_SCHEMA_MAJOR);
    return record_wire_decode(descriptor, value, arena, ret_message, err);
}

enum rc alert_encode(const Kasumori__V1__Alert *alert, struct buf *out, struct err *err)
{
    enum rc rc = validate_alert(&alert->base, err);
    return rc == RC_OK ? record_wire_encode(&alert->base, out, err) : rc;
}

enum rc alert_decode(struct slice value, struct arena *arena, Kasumori__V1__Alert **ret_alert,
                     struct err *err)
{
    ProtobufCMessage *message;
    enum rc rc = decode(&kasumori__v1__alert__descriptor, value, arena, &message, err);
    if (rc == RC_OK)
        rc = validate_alert(message, err);
    if (rc == RC_OK)
        *ret_alert = (Kasumori__V1__Alert *)message;
    return rc;
}

enum rc alert_encode_watch(const Kasumori__V1__WatchEntry *entry, struct buf *out, struct err *err)
{
    enum rc rc = validate_watch(&entry->base, err);
    return rc == RC_OK ? record_wire_encode(&entry->base, out, err) : rc;
}

enum rc alert_decode_watch(struct slice value, struct arena *arena,
                           Kasumori__V1__WatchEntry **ret_entry, struct err *err)
{
    ProtobufCMessage *message;
    enum rc rc = decode(&kasumori__v1__watch_entry__descriptor, value, arena, &message, err);
    if (rc == RC_OK)
        rc = validate_watch(message, err);
    if (rc == RC_OK)
        *ret_entry = (Kasumori__V1__WatchEntry *)message;
    return rc;
}
