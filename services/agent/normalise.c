/* One small rule per kind of identifier, over folded code points.
   Invariant: no rule makes a text longer, so what fits raw fits normalised. */
#include "services/agent/normalise.h"

#include "services/agent/fold.h"
#include "services/agent/phone.h"
#include "services/common/base/check.h"
#include "services/common/base/utf8.h"
#include "services/common/record/record.h"

_Static_assert((int)PHONE_WITHHELD_BY_CALLER == KASUMORI__V1__WITHHELD__WITHHELD_BY_CALLER, "wire");
_Static_assert((int)PHONE_WITHHELD_PUBLIC_PHONE == KASUMORI__V1__WITHHELD__WITHHELD_PUBLIC_PHONE,
               "wire");
_Static_assert((int)PHONE_WITHHELD_OUT_OF_AREA == KASUMORI__V1__WITHHELD__WITHHELD_OUT_OF_AREA,
               "wire");
_Static_assert((int)PHONE_WITHHELD_UNKNOWN == KASUMORI__V1__WITHHELD__WITHHELD_UNKNOWN, "wire");

#define KIND(name) KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_##name

struct points {
    int32_t at[LIMIT_RAW_IDENTIFIER_BYTES];
    size_t size;
};

static void fold_all(struct slice raw, struct points *ret)
{
    ret->size = 0;
    for (size_t at = 0; at < raw.size;) {
        int32_t c = fold_next(raw, &at);
        if (!fold_is_ignorable(c))
            ret->at[ret->size++] = c;
    }
}

/* Keeps [from, to). */
static void cut(struct points *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        text->at[i - from] = text->at[i];
    text->size = to - from;
}

static int is_blank(int32_t c)
{
    return c == ' ' || c == '\n' || c == '\r';
}

static void trim(struct points *text)
{
    size_t from = 0, to = text->size;
    while (from < to && is_blank(text->at[from]))
        from++;
    while (to > from && is_blank(text->at[to - 1]))
        to--;
    cut(text, from, to);
}

static void drop(struct points *text, int (*is_dropped)(const struct points *text, size_t i))
{
    struct points kept = {.size = 0};
    for (size_t i = 0; i < text->size; i++)
        if (!is_dropped(text, i))
            kept.at[kept.size++] = text->at[i];
    *text = kept;
}

static void map(struct points *text, int32_t (*to)(int32_t))
{
    for (size_t i = 0; i < text->size; i++)
        text->at[i] = to(text->at[i]);
}

static int is_space_at(const struct points *text, size_t i)
{
    return is_blank(text->at[i]);
}

static int is_ascii_word(int32_t c)
{
    return fold_is_digit(c) || fold_is_letter(c);
}

static int is_long_vowel(int32_t c)
{
    return c == 0x30fc;
}

/* ー is typed for a dash between ASCII, and is a letter among kana. */
static int is_dash_at(const struct points *text, size_t i)
{
    if (!is_long_vowel(text->at[i]))
        return fold_is_dash(text->at[i]);
    while (i > 0 && (is_long_vowel(text->at[i]) || is_blank(text->at[i])))
        i--;
    return is_ascii_word(text->at[i]) || (!is_long_vowel(text->at[i]) && fold_is_dash(text->at[i]));
}

static int is_gap_at(const struct points *text, size_t i)
{
    return is_space_at(text, i) || is_dash_at(text, i);
}

static int is_plate_gap_at(const struct points *text, size_t i)
{
    int32_t c = text->at[i];
    return is_space_at(text, i) || fold_is_dash(c) || c == '.' || c == 0x30fb;
}

static int32_t to_plate(int32_t c)
{
    return c >= 0x30a1 && c <= 0x30f6 ? c - 0x60 : fold_upper(c);
}

static size_t find_last(const struct points *text, int32_t c)
{
    for (size_t i = text->size; i > 0; i--)
        if (text->at[i - 1] == c)
            return i - 1;
    return text->size;
}

static size_t find_first(const struct points *text, int32_t c)
{
    size_t i = 0;
    while (i < text->size && text->at[i] != c)
        i++;
    return i;
}

static int cut_prefix(struct points *text, const char *prefix)
{
    size_t i = 0;
    for (; prefix[i] != '\0'; i++)
        if (i >= text->size || text->at[i] != (unsigned char)prefix[i])
            return 0;
    cut(text, i, text->size);
    return 1;
}

static const char *rule_mail(struct points *text)
{
    size_t open = find_last(text, '<');
    if (open < text->size) {
        cut(text, open + 1, text->size);
        cut(text, 0, find_first(text, '>'));
    }
    drop(text, is_space_at);
    map(text, fold_lower);
    while (cut_prefix(text, "mailto:"))
        continue;
    cut(text, 0, find_first(text, '?'));
    while (text->size > 0 && text->at[text->size - 1] == '.')
        text->size--;
    size_t at = find_last(text, '@');
    if (at == 0 || at + 1 >= text->size)
        return "cannot be a mail address: want text@text";
    return NULL;
}

static void rule_code(struct points *text)
{
    drop(text, is_gap_at);
    map(text, fold_upper);
}

static void rule_vehicle(struct points *text)
{
    drop(text, is_plate_gap_at);
    map(text, to_plate);
}

static void rule_sns(struct points *text)
{
    drop(text, is_space_at);
    map(text, fold_lower);
    size_t colon = find_first(text, ':');
    size_t start = colon == text->size ? 0 : colon + 1;
    size_t end = start;
    while (end < text->size && text->at[end] == '@')
        end++;
    for (size_t i = end; i < text->size; i++)
        text->at[i - (end - start)] = text->at[i];
    text->size -= end - start;
}

static void rule_name(struct points *text)
{
    trim(text);
    struct points kept = {.size = 0};
    for (size_t i = 0; i < text->size; i++) {
        int32_t c = is_blank(text->at[i]) ? ' ' : text->at[i];
        if (c != ' ' || kept.at[kept.size - 1] != ' ')
            kept.at[kept.size++] = c;
    }
    *text = kept;
}

static const char *apply(uint32_t kind, struct points *text)
{
    switch (kind) {
    case KIND(MAIL):
        return rule_mail(text);
    case KIND(MEMBER):
    case KIND(ACCOUNT):
    case KIND(WORKER):
        rule_code(text);
        return NULL;
    case KIND(VEHICLE):
        rule_vehicle(text);
        return NULL;
    case KIND(SNS):
        rule_sns(text);
        return NULL;
    case KIND(NAME):
        rule_name(text);
        return NULL;
    default:
        trim(text);
        return NULL;
    }
}

static void put(uint32_t kind, const struct points *text, struct normalised *ret)
{
    *ret = (struct normalised){.kind = kind};
    for (size_t i = 0; i < text->size; i++) {
        char bytes[4];
        size_t size = utf8_put(text->at[i], bytes);
        CHECK(ret->size + size <= sizeof(ret->value));
        memcpy(ret->value + ret->size, bytes, size);
        ret->size += size;
    }
}

static enum rc normalise_phone(uint32_t kind, struct slice raw, struct normalised *ret,
                               struct err *err)
{
    struct phone phone;
    phone_normalise(raw, &phone);
    if (phone.kind == PHONE_KIND_NONE)
        return err_set(err, RC_REJECT, "cannot be a phone number: there are no digits in it");
    *ret = (struct normalised){.kind = kind, .is_doubtful = phone.is_doubtful};
    if (phone.kind == PHONE_KIND_WITHHELD) {
        ret->kind = 0;
        ret->withheld = phone.reason;
        return RC_OK;
    }
    if (phone.kind == PHONE_KIND_IMPERSONAL)
        ret->kind = KIND(PHONE_IMPERSONAL);
    ret->size = strlen(phone.e164);
    memcpy(ret->value, phone.e164, ret->size);
    return RC_OK;
}

static void handle(struct slice raw, struct normalised *ret)
{
    while (raw.size > 0 && raw.data[0] == ' ')
        raw = slice_of(raw.data + 1, raw.size - 1);
    while (raw.size > 0 && raw.data[raw.size - 1] == ' ')
        raw.size--;
    *ret = (struct normalised){.kind = KIND(HANDLE), .size = raw.size};
    if (raw.size > 0)
        memcpy(ret->value, raw.data, raw.size);
}

enum rc normalise_identifier(uint32_t kind, struct slice raw, struct normalised *ret,
                             struct err *err)
{
    struct points text;
    struct normalised result;
    if (kind == KIND(UNSPECIFIED))
        return err_set(err, RC_REJECT, "cannot normalise an identifier without its kind");
    if (raw.size > LIMIT_RAW_IDENTIFIER_BYTES)
        return err_set(err, RC_REJECT, "cannot be longer than %d bytes",
                       LIMIT_RAW_IDENTIFIER_BYTES);
    if (kind == KIND(PHONE) || kind == KIND(PHONE_IMPERSONAL))
        return normalise_phone(kind, raw, ret, err);
    if (!utf8_is_valid(raw))
        return err_set(err, RC_REJECT, "cannot be read: it is not UTF-8");
    if (kind == KIND(HANDLE)) {
        handle(raw, &result);
    } else {
        fold_all(raw, &text);
        const char *reason = apply(kind, &text);
        if (reason != NULL)
            return err_set(err, RC_REJECT, "%s", reason);
        put(kind, &text, &result);
    }
    if (result.size == 0)
        return err_set(err, RC_REJECT, "cannot be empty");
    *ret = result;
    return RC_OK;
}
