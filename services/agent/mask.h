#ifndef KASUMORI_AGENT_MASK_H
#define KASUMORI_AGENT_MASK_H

#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Takes out of free text what must not leave the site in the clear. It covers the patterns below
   and nothing else; they are promised (targets.md S1), so a change here is a change of the promise.

   All is read folded (fold.h: full-width digits, letters, ＠ and dashes, half-width katakana);
   invisible characters are read over; a mark that is there already ends what stands before it.

   〔電話番号〕 A group is digits in a row. A separator is a dash of any kind (- ‐ – ー ～ …), a
   space, ( ) [ ], a dot, ・ or の. A stretch is groups with one to three separators between them,
   as long as it goes; a + may stand before it. From the left, what begins with a group and is
   1. a complete number by the phone rules (phone.h): a Japanese number of 10 or 11 digits in any
      grouping, also after 184 186 0081 010-81 81 or +81 (0), ending with a group, together with
      the groups that follow it by dashes alone; or another country's number after + or 010, with
      all groups up to 15 digits;
   2. else, beginning with 0 or +: the rest of the stretch, when it has nine digits or more;
   3. else: nine digits or more in one group, or in groups with single dashes between them;
   and with each of these a number by 1 that begins inside it. Left alone:
   - a date: 1900 to 2099, Y-M-D, Y/M/D or Y.M.D with a real month and day;
   - 12 or 14 digits in one group that are such a date and a time (20261124135506);
   - an amount: a group that is no number by 1 or 2, with ¥ before or 円 after it;
   - up to eight digits; a comma, colon, slash, letter or line break parts groups.

   〔メール〕 letters, digits and . _ % + - ' / = ! # $ & ? ^ ` { | } before an @, and letters,
   digits, dots and dashes after it, with a dot among them.

   〔氏名〕 names of the roster, longest first, spaces between their characters allowed; where a
   name begins or ends with a letter (digit) of ASCII no further letter (digit) may stand: Ann is
   not in Anna.

   Mail goes before names, names before numbers, the left before the right. Not covered: numbers in
   kanji or in words, addresses with " at ", names that the roster does not have. */

#define MASK_MARK_PHONE "〔電話番号〕"
#define MASK_MARK_MAIL "〔メール〕"
#define MASK_MARK_NAME "〔氏名〕"

struct mask_roster;

/* content: one name a line, UTF-8, at most LIMIT_ROSTER_BYTES and LIMIT_ROSTER_NAMES; spaces inside
   a name are optional in the text; empty lines and names of one character (which would hide
   ordinary words) are skipped. RC_REJECT with the line for bad UTF-8, a name over LIMIT_NAME_BYTES
   or with 〔 〕 or *, too many names; RC_RETRY when memory is out. */
enum rc mask_roster_new(struct slice content, struct mask_roster **ret_roster,
                        struct err *err) MUST_CHECK;
void mask_roster_free(struct mask_roster *roster);

/* *ret_text: text itself when nothing was found, else a copy in arena with each find replaced by
   its mark, *ret_count of them. Where the marks would take the text past LIMIT_TEXT_BYTES, each
   find becomes one * instead. Masking what was masked finds nothing. roster may be NULL. Safe from
   any thread. RC_REJECT for text that is not UTF-8 or longer than LIMIT_TEXT_BYTES, RC_FULL for the
   arena (which needs up to 16 bytes for each byte of text). */
enum rc mask_text(const struct mask_roster *roster, struct arena *arena, struct slice text,
                  struct slice *ret_text, uint32_t *ret_count, struct err *err) MUST_CHECK;

#endif
