/* Width and voicing marks, by table. Invariant: fold_next moves forward by at least one byte,
   whatever the bytes are. */
#include "services/agent/fold.h"

#include "services/common/base/utf8.h"

enum {
    HALF_KANA_FIRST = 0xff61,
    HALF_KANA_LAST = 0xff9f,
    KATAKANA_TO_HIRAGANA = 0x60,
    VOICED = 0x3099,
    SEMI_VOICED = 0x309a,
};

/* U+FF61 … U+FF9D; the two marks after it are U+3099 and U+309A where they join. */
static const uint16_t HALF_KANA[] = {
    0x3002, 0x300c, 0x300d, 0x3001, 0x30fb, 0x30f2, 0x30a1, 0x30a3, 0x30a5, 0x30a7, 0x30a9,
    0x30e3, 0x30e5, 0x30e7, 0x30c3, 0x30fc, 0x30a2, 0x30a4, 0x30a6, 0x30a8, 0x30aa, 0x30ab,
    0x30ad, 0x30af, 0x30b1, 0x30b3, 0x30b5, 0x30b7, 0x30b9, 0x30bb, 0x30bd, 0x30bf, 0x30c1,
    0x30c4, 0x30c6, 0x30c8, 0x30ca, 0x30cb, 0x30cc, 0x30cd, 0x30ce, 0x30cf, 0x30d2, 0x30d5,
    0x30d8, 0x30db, 0x30de, 0x30df, 0x30e0, 0x30e1, 0x30e2, 0x30e4, 0x30e6, 0x30e8, 0x30e9,
    0x30ea, 0x30eb, 0x30ec, 0x30ed, 0x30ef, 0x30f3, 0x309b, 0x309c};

_Static_assert(sizeof(HALF_KANA) / sizeof(HALF_KANA[0]) == HALF_KANA_LAST - HALF_KANA_FIRST + 1,
               "one entry a code point");

static int is_space(int32_t c)
{
    return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

static int32_t fold_width(int32_t c)
{
    if (is_space(c))
        return ' ';
    if (c >= 0xff01 && c <= 0xff5e)
        return c - 0xff01 + '!';
    if (c >= HALF_KANA_FIRST && c <= HALF_KANA_LAST)
        return HALF_KANA[c - HALF_KANA_FIRST];
    if (c == VOICED || c == SEMI_VOICED)
        return c - VOICED + 0x309b; /* nothing to join: its spacing form, which never joins */
    if (c == 0xffe5)
        return 0xa5;
    if (c == 0xffe0 || c == 0xffe1)
        return c - 0xffe0 + 0xa2;
    return c;
}

/* The kana with the mark, or 0 where the two do not join. The voiced sound follows its kana in
   Unicode, the semi-voiced one comes after that. */
static int32_t join(int32_t kana, int32_t mark)
{
    int is_hiragana = kana >= 0x3041 && kana <= 0x3096;
    int32_t c = is_hiragana ? kana + KATAKANA_TO_HIRAGANA : kana;
    int32_t joined = 0;
    int is_ha_row = c >= 0x30cf && c <= 0x30db && (c - 0x30cf) % 3 == 0;
    if (is_ha_row)
        joined = mark == VOICED ? c + 1 : c + 2;
    else if (mark == VOICED && c >= 0x30ab && c <= 0x30c2 && c % 2 == 1)
        joined = c + 1; /* カ … チ, odd ones unvoiced */
    else if (mark == VOICED && (c == 0x30c4 || c == 0x30c6 || c == 0x30c8))
        joined = c + 1; /* ツ テ ト */
    else if (mark == VOICED && c == 0x30a6)
        joined = 0x30f4;
    else if (mark == VOICED && !is_hiragana && c >= 0x30ef && c <= 0x30f2)
        joined = c + 8; /* ワ ヰ ヱ ヲ */
    if (joined == 0)
        return 0;
    return is_hiragana ? joined - KATAKANA_TO_HIRAGANA : joined;
}

static int32_t mark_at(struct slice text, size_t *at)
{
    if (*at >= text.size || text.data[*at] < 0xe3)
        return 0;
    int32_t c = utf8_next(text, at);
    if (c == 0xff9e || c == VOICED)
        return VOICED;
    return c == 0xff9f || c == SEMI_VOICED ? SEMI_VOICED : 0;
}

int32_t fold_next(struct slice text, size_t *at)
{
    uint8_t byte = text.data[*at];
    if (byte < 0x80) { /* most of what is read; the rest below would say the same */
        *at += 1;
        return byte == '\t' ? ' ' : byte;
    }
    int32_t c = utf8_next(text, at);
    if (c < 0) {
        *at += 1;
        return FOLD_INVALID;
    }
    c = fold_width(c);
    if (c < 0x3041 || c > 0x30ff)
        return c;
    size_t after = *at;
    int32_t mark = mark_at(text, &after);
    int32_t joined = mark == 0 ? 0 : join(c, mark);
    if (joined == 0)
        return c;
    *at = after;
    return joined;
}

int fold_is_dash(int32_t c)
{
    switch (c) {
    case '-':
    case '~':
    case 0x02d7:
    case 0x2043:
    case 0x207b:
    case 0x208b:
    case 0x2212: /* − */
    case 0x223c:
    case 0x2500: /* ─ */
    case 0x2501: /* ━ */
    case 0x301c: /* 〜 */
    case 0x3030:
    case 0x30a0:
    case 0x30fc: /* ー */
    case 0x3161:
    case 0xfe58:
    case 0xfe63:
        return 1;
    default:
        return c >= 0x2010 && c <= 0x2015;
    }
}

int fold_is_ignorable(int32_t c)
{
    if (c < 0xad)
        return 0;
    return c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x2069) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

int32_t fold_lower(int32_t c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int32_t fold_upper(int32_t c)
{
    return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}
