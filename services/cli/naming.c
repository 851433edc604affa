/* Names on the command line.
   Invariant: a name that could mean two things is refused, never guessed. */
#include "services/cli/naming.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/base/timefmt.h"
#include "services/common/base/uuid.h"
#include "services/common/correlate/steps.h"
#include "services/common/history/history_names.h"

static struct slice cut(struct slice *rest, char at)
{
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, at, rest->size);
    struct slice head = end == NULL ? *rest : slice_of(rest->data, (size_t)(end - rest->data));
    size_t gone = end == NULL ? head.size : head.size + 1;
    *rest = slice_of(rest->data + gone, rest->size - gone);
    return head;
}

int naming_next(struct slice *list, struct slice *ret_item)
{
    if (list->size == 0)
        return 0;
    *ret_item = cut(list, ',');
    return 1;
}

/* Decimal, 0..2^32-1. */
static int read_number(struct slice text, uint32_t *ret_value)
{
    uint64_t value = 0;
    if (text.size == 0 || text.size > 10)
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!isdigit(text.data[i]))
            return 0;
        value = 10 * value + text.data[i] - '0';
    }
    *ret_value = (uint32_t)value;
    return value <= UINT32_MAX;
}

static int read_digits(struct slice text, char digits[2 * FACT_MAC_BYTES + 1])
{
    if (text.size < NAMING_DIGITS_MIN || text.size > 2 * FACT_MAC_BYTES)
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!isxdigit(text.data[i]))
            return 0;
        digits[i] = (char)tolower(text.data[i]);
    }
    digits[text.size] = '\0';
    return 1;
}

enum rc naming_parse_token(const char *what, struct slice text, struct naming_token *ret_token,
                           struct err *err)
{
    struct naming_token token;
    struct slice kind = cut(&text, ':'), key_id = cut(&text, ':');
    if (!history_kind_find(kind, &token.kind) || !read_number(key_id, &token.key_id) ||
        !read_digits(text, token.digits))
        return err_set(err, RC_REJECT,
                       "%s: want kind:key_id:mac, the mac as at least %d hexadecimal digits", what,
                       NAMING_DIGITS_MIN);
    *ret_token = token;
    return RC_OK;
}

enum rc naming_parse_class(const char *what, struct slice text, struct naming_class *ret_class,
                           struct err *err)
{
    char time[TIMEFMT_TEXT_BYTES + 8];
    struct naming_class class;
    struct err why;
    struct slice token = cut(&text, '@');
    enum rc rc = naming_parse_token(what, token, &class.token, err);
    if (rc != RC_OK)
        return rc;
    if (text.size == 0 || text.size >= sizeof(time))
        return err_set(err, RC_REJECT, "%s: want kind:key_id:mac@time, the time as RFC 3339", what);
    snprintf(time, sizeof(time), "%.*s", (int)text.size, (const char *)text.data);
    if (timefmt_parse_rfc3339(time, &class.at_us, &why) != RC_OK)
        return err_set(err, RC_REJECT, "%s: %s", what, why.text);
    *ret_class = class;
    return RC_OK;
}

static int begins_so(const struct fact_token *token, const struct naming_token *name)
{
    char digits[2 * FACT_MAC_BYTES + 1];
    if (token->kind != name->kind || token->key_id != name->key_id)
        return 0;
    hex_format(token->mac, FACT_MAC_BYTES, digits);
    return strncmp(digits, name->digits, strlen(name->digits)) == 0;
}

enum rc naming_find_token(const struct derived *d, const struct naming_token *name,
                          struct fact_token *ret_token, struct err *err)
{
    size_t found = NONE, count = 0;
    for (size_t i = 0; i < d->tokens_count; i++)
        if (begins_so(&d->tokens[i], name)) {
            found = i;
            count++;
        }
    if (count == 1) {
        *ret_token = d->tokens[found];
        return RC_OK;
    }
    return err_set(err, RC_REJECT, "%s:%" PRIu32 ":%.*s is %s", history_kind_name(name->kind),
                   name->key_id, NAMING_DIGITS_MIN, name->digits,
                   count == 0 ? "not known" : "the beginning of more than one token");
}

void naming_format_token(const struct fact_token *token, char text[NAMING_TOKEN_BYTES])
{
    char digits[2 * FACT_MAC_BYTES + 1];
    hex_format(token->mac, FACT_MAC_BYTES, digits);
    snprintf(text, NAMING_TOKEN_BYTES, "%s:%" PRIu32 ":%.*s", history_kind_name(token->kind),
             token->key_id, NAMING_DIGITS_MIN, digits);
}

enum rc naming_parse_uuid(const char *what, struct slice text, struct uuid *ret_uuid,
                          struct err *err)
{
    char copy[UUID_TEXT_BYTES];
    if (text.size < sizeof(copy)) {
        snprintf(copy, sizeof(copy), "%.*s", (int)text.size, (const char *)text.data);
        if (uuid_parse(copy, ret_uuid) == RC_OK ||
            hex_parse(copy, ret_uuid->bytes, UUID_BYTES) == RC_OK)
            return RC_OK;
    }
    return err_set(err, RC_REJECT, "%s: want a UUID", what);
}
