/* Scalars: numbers, durations and sizes as people write them. */
#include "services/common/config/config_value.h"

#include <inttypes.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/mem.h"

struct unit {
    const char *suffix;
    int64_t factor;
};

static const struct unit DURATIONS[] = {
    {"us", 1},
    {"ms", CLOCK_US_PER_MS},
    {"s", CLOCK_US_PER_S},
    {"m", 60 * CLOCK_US_PER_S},
    {"h", CLOCK_US_PER_HOUR},
    {"d", CLOCK_US_PER_DAY},
    {NULL, 0},
};

static const struct unit SIZES[] = {
    {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0},
};

static const struct unit NUMBERS[] = {{"", 1}, {NULL, 0}};

/* Decimal digits, optionally signed, then one of the suffixes. */
static enum rc read_number(const char *text, const struct unit *units, const char *want,
                           int64_t *ret_value, struct err *err)
{
    const char *at = text;
    int is_negative = *at == '-';
    at += is_negative;
    if (*at < '0' || *at > '9')
        return err_set(err, RC_REJECT, "want %s", want);
    if (*at == '0' && at[1] >= '0' && at[1] <= '9')
        return err_set(err, RC_REJECT, "a number does not start with 0");
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return err_set(err, RC_REJECT, "the number is too large");
    for (const struct unit *unit = units; unit->suffix != NULL; unit++) {
        if (strcmp(at, unit->suffix) != 0)
            continue;
        if (__builtin_mul_overflow(value, unit->factor, &value))
            return err_set(err, RC_REJECT, "the number is too large");
        *ret_value = is_negative ? -value : value;
        return RC_OK;
    }
    return err_set(err, RC_REJECT, "want %s", want);
}

static enum rc set_number(const struct config_field *field, const char *text,
                          const struct unit *units, const char *want, int64_t *place,
                          struct err *err)
{
    int64_t value;
    enum rc rc = read_number(text, units, want, &value, err);
    if (rc != RC_OK)
        return rc;
    int is_bounded = field->min != 0 || field->max != 0;
    if (is_bounded && (value < field->min || value > field->max))
        return err_set(err, RC_REJECT, "%s is not between %" PRId64 " and %" PRId64 "%s", text,
                       field->min, field->max,
                       field->type == CONFIG_TYPE_DURATION ? " microseconds"
                       : field->type == CONFIG_TYPE_SIZE   ? " bytes"
                                                           : "");
    *place = value;
    return RC_OK;
}

static enum rc set_bool(const char *text, int *place, struct err *err)
{
    int is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return err_set(err, RC_REJECT, "want true or false");
    *place = is_true;
    return RC_OK;
}

static enum rc set_string(const char *text, char **place, struct err *err)
{
    char *copy = mem_strdup(text);
    if (copy == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    *place = copy;
    return RC_OK;
}

enum rc config_value_set(const struct config_field *field, const char *text, int is_plain,
                         void *base, struct err *err)
{
    void *place = (char *)base + field->offset;
    if (!is_plain && field->type != CONFIG_TYPE_STRING)
        return err_set(err, RC_REJECT, "want a plain value, not a quoted string");
    switch (field->type) {
    case CONFIG_TYPE_STRING:
        if (field->check != NULL && field->check(text, err) != RC_OK)
            return RC_REJECT;
        return set_string(text, place, err);
    case CONFIG_TYPE_INT:
        return set_number(field, text, NUMBERS, "a whole number", place, err);
    case CONFIG_TYPE_BOOL:
        return set_bool(text, place, err);
    case CONFIG_TYPE_DURATION:
        return set_number(field, text, DURATIONS, "a duration such as 250ms, 10s, 5m, 72h or 30d",
                          place, err);
    case CONFIG_TYPE_SIZE:
        return set_number(field, text, SIZES, "a size such as 512, 64KiB, 16MiB or 2GiB", place,
                          err);
    case CONFIG_TYPE_SECTION:
    case CONFIG_TYPE_MAP:
        return err_set(err, RC_REJECT, "want a mapping");
    case CONFIG_TYPE_LIST:
    case CONFIG_TYPE_STRINGS:
        return err_set(err, RC_REJECT, "want a list");
    }
    return err_set(err, RC_FATAL, "unknown field type");
}
