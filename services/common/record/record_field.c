/* Reads messages through their descriptors. Invariant: a field is reached by its descriptor's
   offset and by nothing else, so memory layout is known in this file and record_build.c only. */
#include "services/common/record/record_field.h"

#include <stdio.h>
#include <string.h>

#include "kasumori/v1/health.pb-c.h"
#include "kasumori/v1/record.pb-c.h"
#include "services/common/base/limits.h"
#include "services/common/base/uuid.h"

static int ends_in(const char *name, const char *tail)
{
    size_t size = strlen(name);
    size_t tail_size = strlen(tail);
    return size >= tail_size && memcmp(name + size - tail_size, tail, tail_size) == 0;
}

int record_field_is_instant(const ProtobufCFieldDescriptor *field)
{
    static const char *const TAILS[] = {"_at_us", "_until_us", "_start_us", "_end_us"};
    if (field->type != PROTOBUF_C_TYPE_INT64)
        return 0;
    if (strcmp(field->name, "at_us") == 0 || strcmp(field->name, "until_us") == 0)
        return 1;
    for (size_t i = 0; i < sizeof(TAILS) / sizeof(TAILS[0]); i++)
        if (ends_in(field->name, TAILS[i]))
            return 1;
    return 0;
}

int record_field_is_duration(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_INT64 && ends_in(field->name, "_us") &&
           !record_field_is_instant(field);
}

/* The fields whose limit is not the general one: bytes of a value, items of a repeated field. */
static const struct {
    const ProtobufCMessageDescriptor *message;
    const char *field;
    uint32_t min;
    uint32_t max;
} EXCEPTIONS[] = {
    {&kasumori__v1__record__descriptor, "record_id", UUID_BYTES, UUID_BYTES},
    {&kasumori__v1__record__descriptor, "tenant", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__record__descriptor, "site", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__record__descriptor, "concerned_site", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__record__descriptor, "source", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__record__descriptor, "persons", 0, LIMIT_PERSONS},
    {&kasumori__v1__person__descriptor, "identifiers", 0, LIMIT_IDENTIFIERS},
    {&kasumori__v1__identifier__descriptor, "tokens", 0, LIMIT_TOKENS},
    {&kasumori__v1__identifier__descriptor, "sealed", 0, LIMIT_SEALED_BYTES},
    {&kasumori__v1__token__descriptor, "mac", RECORD_MAC_BYTES, RECORD_MAC_BYTES},
    {&kasumori__v1__text__descriptor, "value", 0, LIMIT_TEXT_BYTES},
    {&kasumori__v1__contact__descriptor, "recording_uri", 0, LIMIT_URI_BYTES},
    {&kasumori__v1__evidence__descriptor, "uri", 0, LIMIT_URI_BYTES},
    {&kasumori__v1__evidence__descriptor, "sha256", RECORD_SHA256_BYTES, RECORD_SHA256_BYTES},
    {&kasumori__v1__category__descriptor, "scheme", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__category__descriptor, "version", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__category__descriptor, "code", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__measure__descriptor, "decided_by", 0, LIMIT_IDENTIFIERS},
    {&kasumori__v1__supplement__descriptor, "target_id", UUID_BYTES, UUID_BYTES},
    {&kasumori__v1__correction__descriptor, "target_id", UUID_BYTES, UUID_BYTES},
    {&kasumori__v1__heartbeat__descriptor, "tenant", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__heartbeat__descriptor, "site", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__heartbeat__descriptor, "agent", 0, LIMIT_NAME_BYTES},
    {&kasumori__v1__heartbeat__descriptor, "version", 0, LIMIT_NAME_BYTES},
};

struct record_limits record_field_limits(const ProtobufCMessageDescriptor *message,
                                         const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < sizeof(EXCEPTIONS) / sizeof(EXCEPTIONS[0]); i++)
        if (EXCEPTIONS[i].message == message && strcmp(EXCEPTIONS[i].field, field->name) == 0)
            return (struct record_limits){.min = EXCEPTIONS[i].min, .max = EXCEPTIONS[i].max};
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return (struct record_limits){.max = LIMIT_REPEATED};
    return (struct record_limits){.max = LIMIT_STRING_BYTES};
}

/* Writes the chain outermost first; returns how much of text is used. */
static size_t format_chain(const struct record_place *place, char *text, size_t size)
{
    if (place == NULL)
        return 0;
    size_t used = format_chain(place->up, text, size);
    const char *dot = used > 0 ? "." : "";
    int n =
        place->field->label == PROTOBUF_C_LABEL_REPEATED && place->index != RECORD_PLACE_WHOLE
            ? snprintf(text + used, size - used, "%s%s[%zu]", dot, place->field->name, place->index)
            : snprintf(text + used, size - used, "%s%s", dot, place->field->name);
    if (n < 0)
        return used;
    return (size_t)n < size - used ? used + (size_t)n : size - 1;
}

void record_place_format(const struct record_place *place, char *text, size_t size)
{
    text[0] = '\0';
    format_chain(place, text, size);
}

enum rc record_place_reject(const struct record_place *place, struct err *err, const char *fmt, ...)
{
    char where[RECORD_PLACE_TEXT_BYTES];
    char why[sizeof(err->text)];
    record_place_format(place, where, sizeof(where));
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    return err_set(err, RC_REJECT, "%s: %s", place == NULL ? "value" : where, why);
}
