#ifndef KASUMORI_AGENT_FOLD_H
#define KASUMORI_AGENT_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/slice.h"

/* Reading Japanese text so that what looks the same is the same: the part of Unicode's NFKC that
   people and terminals at a counter produce. Nothing is case-folded here, and dashes stay as they
   are, because ー is a letter in names. */

enum { FOLD_INVALID = 0xfffd }; /* one byte that is not UTF-8 */

/* The code point at *at, moving *at past what it came from (more than one code point where a
   voicing mark joins its kana):
   - full-width ASCII (！ to ～, and ￥ ￠ ￡) becomes ASCII (¥ ¢ £);
   - half-width katakana and its punctuation become full-width;
   - ﾞ ﾟ and the combining U+3099 U+309A join the kana before them, or become ゛ ゜;
   - every space of Unicode, tab and no-break ones included, becomes ' ';
   - line breaks, and everything else, stay.
   *at must be below text.size. */
int32_t fold_next(struct slice text, size_t *at);

/* Any of the characters people type between the groups of a number: - ‐ ‑ ‒ – — ― − ─ ━ 〜 ~ ﹣ ー
 * … */
int fold_is_dash(int32_t code_point);
/* Zero-width characters, direction marks and soft hyphens: not there for a reader. */
int fold_is_ignorable(int32_t code_point);
/* ASCII letters only. */
int32_t fold_lower(int32_t code_point);
int32_t fold_upper(int32_t code_point);

static inline int fold_is_digit(int32_t c)
{
    return c >= '0' && c <= '9';
}

static inline int fold_is_letter(int32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

#endif
