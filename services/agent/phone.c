/* Our own Japanese phone rules (phone.h lists them).
   Invariant: what is written to e164 reads back as itself; each rule that strips something
   therefore asks that a complete number follows, so that it cannot strip twice. */
#include "services/agent/phone.h"

#include <stdio.h>
#include <string.h>

#include "services/agent/fold.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"

enum {
    CARRIER_PREFIX_DIGITS = 4, /* 00XY */
    SHORT_DIGITS_MAX = 6,
    ENOUGH_DIGITS = 9, /* after so many, text ends the number */
};

struct span {
    const int32_t *at;
    size_t size;
};

struct digits {
    char at[PHONE_DIGITS_MAX + 1]; /* NUL-terminated */
    size_t size;
    int has_plus;
};

struct word {
    const char *text; /* folded, lower case, without spaces and dashes */
    enum phone_withheld reason;
    int is_anywhere; /* or only as the whole text */
};

static const struct word WORDS[] = {
    {"anonymous", PHONE_WITHHELD_BY_CALLER, 0},
    {"anonymousinvalid", PHONE_WITHHELD_BY_CALLER, 0},
    {"restricted", PHONE_WITHHELD_BY_CALLER, 0},
    {"private", PHONE_WITHHELD_BY_CALLER, 0},
    {"privatenumber", PHONE_WITHHELD_BY_CALLER, 0},
    {"privatecaller", PHONE_WITHHELD_BY_CALLER, 0},
    {"withheld", PHONE_WITHHELD_BY_CALLER, 0},
    {"numberwithheld", PHONE_WITHHELD_BY_CALLER, 0},
    {"blocked", PHONE_WITHHELD_BY_CALLER, 0},
    {"hidden", PHONE_WITHHELD_BY_CALLER, 0},
    {"nocallerid", PHONE_WITHHELD_BY_CALLER, 0},
    {"p", PHONE_WITHHELD_BY_CALLER, 0},
    {"非通知", PHONE_WITHHELD_BY_CALLER, 1},
    {"ヒツウチ", PHONE_WITHHELD_BY_CALLER, 1},
    {"payphone", PHONE_WITHHELD_PUBLIC_PHONE, 0},
    {"coinline", PHONE_WITHHELD_PUBLIC_PHONE, 0},
    {"coinline/payphone", PHONE_WITHHELD_PUBLIC_PHONE, 0},
    {"publicphone", PHONE_WITHHELD_PUBLIC_PHONE, 0},
    {"publictelephone", PHONE_WITHHELD_PUBLIC_PHONE, 0},
    {"c", PHONE_WITHHELD_PUBLIC_PHONE, 0},
    {"公衆", PHONE_WITHHELD_PUBLIC_PHONE, 1},
    {"コウシュウ", PHONE_WITHHELD_PUBLIC_PHONE, 1},
    {"unavailable", PHONE_WITHHELD_OUT_OF_AREA, 0},
    {"outofarea", PHONE_WITHHELD_OUT_OF_AREA, 0},
    {"o", PHONE_WITHHELD_OUT_OF_AREA, 0},
    {"圏外", PHONE_WITHHELD_OUT_OF_AREA, 1},
    {"ケンガイ", PHONE_WITHHELD_OUT_OF_AREA, 1},
    {"通知不可", PHONE_WITHHELD_OUT_OF_AREA, 1},
    {"unknown", PHONE_WITHHELD_UNKNOWN, 0},
    {"unknownnumber", PHONE_WITHHELD_UNKNOWN, 0},
    {"unknowncaller", PHONE_WITHHELD_UNKNOWN, 0},
    {"interactionwithotherservice", PHONE_WITHHELD_UNKNOWN, 0},
    {"s", PHONE_WITHHELD_UNKNOWN, 0},
    {"不明", PHONE_WITHHELD_UNKNOWN, 1},
    {"サービス競合", PHONE_WITHHELD_UNKNOWN, 1},
};

static size_t fold_all(struct slice raw, int32_t out[LIMIT_RAW_IDENTIFIER_BYTES])
{
    size_t count = 0;
    for (size_t at = 0; at < raw.size;) {
        int32_t c = fold_lower(fold_next(raw, &at));
        if (!fold_is_ignorable(c))
            out[count++] = c;
    }
    return count;
}

static struct span sub(struct span text, size_t from, size_t to)
{
    return (struct span){text.at + from, to - from};
}

/* Where c first stands; size when nowhere. */
static size_t find(struct span text, int32_t c)
{
    size_t i = 0;
    while (i < text.size && text.at[i] != c)
        i++;
    return i;
}

static int starts_with(struct span text, const char *ascii)
{
    size_t i = 0;
    for (; ascii[i] != '\0'; i++)
        if (i >= text.size || text.at[i] != (unsigned char)ascii[i])
            return 0;
    return 1;
}

static struct span trim(struct span text)
{
    while (text.size > 0 && (text.at[0] == ' ' || text.at[0] == '"' || text.at[0] == '\''))
        text = sub(text, 1, text.size);
    return text;
}

/* The user part of a URI or of user@host; other text as it is. */
static struct span user_part(struct span text)
{
    static const char *const SCHEMES[] = {"sip:", "sips:", "tel:", "callto:"};
    text = trim(text);
    for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++) {
        if (!starts_with(text, SCHEMES[i]))
            continue;
        text = sub(text, find(text, ':') + 1, text.size);
        break;
    }
    text = sub(text, 0, find(text, '@'));
    return sub(text, 0, find(text, ';'));
}

static int is_dropped_in_words(int32_t c)
{
    static const char MARKS[] = " \"'()<>[]{}_.";
    for (const char *mark = MARKS; *mark != '\0'; mark++)
        if (c == (unsigned char)*mark)
            return 1;
    return c != 0x30fc && fold_is_dash(c);
}

static int is_word_at(struct span text, const char *word, size_t *ret_end)
{
    struct slice want = slice_str(word);
    size_t i = 0;
    for (size_t at = 0; at < want.size; i++)
        if (i >= text.size || text.at[i] != fold_next(want, &at))
            return 0;
    *ret_end = i;
    return 1;
}

static int has_word(struct span text, const struct word *word)
{
    size_t end;
    if (!word->is_anywhere)
        return is_word_at(text, word->text, &end) && end == text.size;
    for (size_t i = 0; i < text.size; i++)
        if (is_word_at(sub(text, i, text.size), word->text, &end))
            return 1;
    return 0;
}

static enum phone_withheld read_withheld(struct span text)
{
    int32_t squeezed[LIMIT_RAW_IDENTIFIER_BYTES];
    struct span words = {squeezed, 0};
    for (size_t i = 0; i < text.size; i++)
        if (!is_dropped_in_words(text.at[i]))
            squeezed[words.size++] = text.at[i];
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
        if (has_word(words, &WORDS[i]))
            return WORDS[i].reason;
    return PHONE_WITHHELD_NOT;
}

static int is_separator(int32_t c)
{
    static const int32_t MARKS[] = {' ',    '(',    ')',    '[',    ']',    '.',    '*',   0x306e,
                                    0x30fb, 0x3010, 0x3011, 0x3014, 0x3015, 0x300c, 0x300d};
    for (size_t i = 0; i < sizeof(MARKS) / sizeof(MARKS[0]); i++)
        if (c == MARKS[i])
            return 1;
    return fold_is_dash(c);
}

static int is_extension_mark(int32_t c)
{
    return c == 0x5185 /* 内 */ || c == 'e' || c == 'x';
}

/* +, also as %2b, counts before the first digit and after 184 or 186. */
static int is_plus_at(struct span text, size_t i, size_t *ret_size)
{
    *ret_size = 1;
    if (text.at[i] == '+' || text.at[i] == 0xfe62 || text.at[i] == 0x207a)
        return 1;
    *ret_size = 3;
    return starts_with(sub(text, i, text.size), "%2b");
}

static int is_caller_id_prefix(const char *digits)
{
    return digits[0] == '1' && digits[1] == '8' && (digits[2] == '4' || digits[2] == '6');
}

static void read_digits(struct span text, struct digits *ret)
{
    size_t plus_size;
    *ret = (struct digits){.size = 0};
    for (size_t i = 0; i < text.size && ret->size < PHONE_DIGITS_MAX; i++) {
        int32_t c = text.at[i];
        if (fold_is_digit(c)) {
            ret->at[ret->size++] = (char)c;
        } else if (is_plus_at(text, i, &plus_size)) {
            if (ret->size == 3 && is_caller_id_prefix(ret->at))
                ret->size = 0;
            ret->has_plus |= ret->size == 0;
            i += plus_size - 1;
        } else if (!is_separator(c) && ret->size > 0 &&
                   (ret->size >= ENOUGH_DIGITS || is_extension_mark(c))) {
            break;
        }
    }
    ret->at[ret->size] = '\0';
}

static int has_prefix(const char *digits, const char *prefix)
{
    return strncmp(digits, prefix, strlen(prefix)) == 0;
}

static int is_impersonal(const char *digits)
{
    static const char *const PREFIXES[] = {"0120", "0800", "0570", "020", "0180", "0990"};
    for (size_t i = 0; i < sizeof(PREFIXES) / sizeof(PREFIXES[0]); i++)
        if (has_prefix(digits, PREFIXES[i]))
            return 1;
    return 0;
}

/* A Japanese number with its leading 0 and nothing missing. */
static int is_complete(const char *digits)
{
    size_t size = strlen(digits);
    if (digits[0] != '0' || digits[1] == '0')
        return 0;
    if (size == 10)
        return digits[2] != '0';
    if (size != 11 || digits[2] != '0')
        return 0;
    if (digits[1] == '2' || has_prefix(digits, "0800"))
        return 1;
    return digits[1] >= '5' && digits[3] != '0';
}

static int has_country(const char *digits)
{
    return (has_prefix(digits, "0081") || has_prefix(digits, "010")) &&
           strlen(digits) >= 3 + ENOUGH_DIGITS;
}

static const char *skip_carrier(const char *digits)
{
    static const char *const CARRIERS[] = {"0033", "0036", "0039", "0061", "0077", "0088"};
    for (size_t i = 0; i < sizeof(CARRIERS) / sizeof(CARRIERS[0]); i++)
        if (has_prefix(digits, CARRIERS[i]) && is_complete(digits + CARRIER_PREFIX_DIGITS))
            return digits + CARRIER_PREFIX_DIGITS;
    return digits;
}

/* Past 184, 186, 1840, 1860 and a carrier's 00XY. */
static const char *skip_prefixes(const char *digits)
{
    if (!is_caller_id_prefix(digits))
        return skip_carrier(digits);
    const char *rest = digits + 3;
    if (rest[0] == '0' && is_complete(rest + 1))
        return rest + 1;
    if (is_complete(rest) || has_country(rest))
        return rest;
    return skip_carrier(rest) != rest ? skip_carrier(rest) : digits;
}

/* The national form (leading 0) of what follows the country code 81. */
static void to_national(const char *rest, char national[PHONE_DIGITS_MAX + 2])
{
    while (*rest == '0')
        rest++;
    snprintf(national, PHONE_DIGITS_MAX + 2, "0%s", rest);
}

/* What follows an international prefix, or NULL where there is none. */
static const char *after_plus(const struct digits *digits, const char *at)
{
    char national[PHONE_DIGITS_MAX + 2];
    if (digits->has_plus && at[0] != '0')
        return at;
    if (has_prefix(at, "0081") && has_country(at))
        return at + 2;
    if (has_prefix(at, "010") && has_country(at) && at[3] != '0')
        return at + 3;
    if (!has_prefix(at, "81"))
        return NULL;
    to_national(at + 2, national);
    return is_complete(national) ? at : NULL;
}

static void put_foreign(const char *digits, struct phone *ret)
{
    size_t size = strlen(digits);
    int is_freephone = size == 11 && has_prefix(digits, "800");
    ret->kind =
        is_freephone || size <= SHORT_DIGITS_MAX ? PHONE_KIND_IMPERSONAL : PHONE_KIND_PERSONAL;
    ret->is_doubtful = size < 8 || size > 15;
    snprintf(ret->e164, sizeof(ret->e164), "+%s", digits);
}

static void put_japanese(const char *national, int has_country_code, struct phone *ret)
{
    size_t size = strlen(national);
    int is_short = size <= SHORT_DIGITS_MAX + (has_country_code ? 1 : 0);
    int is_number = size >= 10 && size <= 11 && national[0] == '0' && national[1] != '0';
    ret->kind = is_short || is_impersonal(national) ? PHONE_KIND_IMPERSONAL : PHONE_KIND_PERSONAL;
    ret->is_doubtful = !is_complete(national);
    if (is_number || has_country_code)
        snprintf(ret->e164, sizeof(ret->e164), "+81%.*s", PHONE_DIGITS_MAX - 2, national + 1);
    else
        snprintf(ret->e164, sizeof(ret->e164), "%s", national);
}

static void classify(const struct digits *digits, struct phone *ret)
{
    const char *at =
        digits->has_plus && digits->at[0] != '0' ? digits->at : skip_prefixes(digits->at);
    const char *international = after_plus(digits, at);
    if (international == NULL) {
        put_japanese(at, 0, ret);
    } else if (has_prefix(international, "81")) {
        char national[PHONE_DIGITS_MAX + 2];
        to_national(international + 2, national);
        put_japanese(national, 1, ret);
    } else {
        put_foreign(international, ret);
    }
}

/* 1 when the text holds a number or says why there is none. */
static int read_text(struct span text, struct phone *ret)
{
    struct digits digits;
    text = user_part(text);
    read_digits(text, &digits);
    if (digits.size > 0) {
        classify(&digits, ret);
        return 1;
    }
    ret->reason = read_withheld(text);
    ret->kind = ret->reason == PHONE_WITHHELD_NOT ? PHONE_KIND_NONE : PHONE_KIND_WITHHELD;
    return ret->kind == PHONE_KIND_WITHHELD;
}

void phone_normalise(struct slice raw, struct phone *ret)
{
    int32_t folded[LIMIT_RAW_IDENTIFIER_BYTES];
    *ret = (struct phone){.kind = PHONE_KIND_NONE};
    if (raw.size > LIMIT_RAW_IDENTIFIER_BYTES)
        return;
    struct span text = {folded, fold_all(raw, folded)};
    size_t open = find(text, '<');
    if (open == text.size) {
        read_text(text, ret);
        return;
    }
    struct span inner = sub(text, open + 1, text.size);
    inner = sub(inner, 0, find(inner, '>'));
    if (!read_text(inner, ret))
        read_text(sub(text, 0, open), ret);
    CHECK(ret->kind != PHONE_KIND_WITHHELD || ret->e164[0] == '\0');
}
