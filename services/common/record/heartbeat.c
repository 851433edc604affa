/* An agent's word about itself, decoded and judged in one step: nobody stores it, so a bad one is
   only dropped. */
#include "services/common/record/heartbeat.h"

#include "services/common/base/limits.h"
#include "services/common/record/record.h"
#include "services/common/record/record_check.h"
#include "services/common/record/record_wire.h"

static enum rc validate(const Kasumori__V1__Heartbeat *heartbeat, struct err *err)
{
    enum rc rc = record_check_message(&heartbeat->base, err);
    if (rc != RC_OK)
        return rc;
    const struct {
        const char *name;
        const char *value;
    } required[] = {
        {"tenant", heartbeat->tenant}, {"site", heartbeat->site}, {"agent", heartbeat->agent}};
    if (heartbeat->schema_major != RECORD_SCHEMA_MAJOR)
        return err_set(err, RC_REJECT, "schema_major: %u instead of %d", heartbeat->schema_major,
                       RECORD_SCHEMA_MAJOR);
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (required[i].value == NULL || required[i].value[0] == '\0')
            return err_set(err, RC_REJECT, "%s: missing", required[i].name);
    return heartbeat->at_us == 0 ? err_set(err, RC_REJECT, "at_us: missing") : RC_OK;
}

enum rc heartbeat_encode(const Kasumori__V1__Heartbeat *heartbeat, struct buf *out, struct err *err)
{
    enum rc rc = validate(heartbeat, err);
    return rc == RC_OK ? record_wire_encode(&heartbeat->base, out, err) : rc;
}

enum rc heartbeat_decode(struct slice value, struct arena *arena,
                         Kasumori__V1__Heartbeat **ret_heartbeat, struct err *err)
{
    if (value.size > LIMIT_VALUE_BYTES)
        return err_set(err, RC_REJECT, "heartbeat: %zu bytes, more than %d", value.size,
                       LIMIT_VALUE_BYTES);
    if (record_wire_major(value) > RECORD_SCHEMA_MAJOR)
        return err_set(err, RC_REJECT, "schema_major: %u, this program reads up to %d",
                       record_wire_major(value), RECORD_SCHEMA_MAJOR);
    ProtobufCMessage *message;
    enum rc rc =
        record_wire_decode(&kasumori__v1__heartbeat__descriptor, value, arena, &message, err);
    if (rc != RC_OK)
        return rc;
    rc = validate((Kasumori__V1__Heartbeat *)message, err);
    if (rc == RC_OK)
        *ret_heartbeat = (Kasumori__V1__Heartbeat *)message;
    return rc;
}
