#ifndef KASUMORI_AGENT_PHONE_H
#define KASUMORI_AGENT_PHONE_H

#include "services/common/base/slice.h"

/* Telephone numbers as Japanese staff write them and as PBXs deliver them, in one form. Own rules:
   the general library gets the Japanese ones wrong (060 mobiles, 184 and 186, 020, …).

   1. Folding (fold.h). Dashes, spaces, brackets, dots, ・, の, * and what else stands between
   digits are dropped, and so is what stands before the first one (携帯: TEL ☎). From the ninth
   digit on a character that is no separator ends the number, and from the first one 内 e(xt) and x
   do: 03-1234-5678(内線12) is 03-1234-5678. At most 22 digits are kept.
   2. "Name" <number> and URIs: what is inside <…> counts, then the name; of sip: sips: tel: callto:
      and of user@host only the user part, without ;parameters. %2B is a plus.
   3. Withheld, only where there are no digits:
      - by the caller: 非通知 ヒツウチ anonymous restricted private withheld blocked hidden P;
      - public telephone: 公衆 コウシュウ payphone, coin line, C;
      - out of area: 圏外 ケンガイ 通知不可 unavailable, out of area, O;
      - unknown: 不明 サービス競合 unknown, interaction with other service, S.
   4. 184 and 186 (also 1840, 1860) and a carrier's 00XY come off when a complete number follows.
      0081 and 010-81 are +81, 010 is + for other countries, +81 (0)90 is +81 90; 81 90 1234 5678
      without a plus is +81 when the rest is complete.
   5. Japanese numbers of 10 or 11 digits become +81…, others stay as written. Complete are
      060 070 080 090 and 050 with 11 digits, 0800 and 020 with 11, and all others with 10 that do
      not begin with 00 or have a 0 in third place.
   6. Impersonal, kept and never correlated: 0120 0800 0570 020 0180 0990, +800, and all of at most
      six digits beside the 81 (extensions, 110, #9110).
   7. Other countries' numbers keep their + and digits.
   8. A number that looks invalid is still a number: is_doubtful, its digits kept.
   Normalising what was normalised changes nothing. */
enum phone_kind {
    PHONE_KIND_NONE, /* neither digits nor a withheld word, or over 256 bytes */
    PHONE_KIND_PERSONAL,
    PHONE_KIND_IMPERSONAL,
    PHONE_KIND_WITHHELD,
};

/* The numbers of the wire's Withheld. */
enum phone_withheld {
    PHONE_WITHHELD_NOT = 0,
    PHONE_WITHHELD_BY_CALLER = 1,
    PHONE_WITHHELD_PUBLIC_PHONE = 2,
    PHONE_WITHHELD_OUT_OF_AREA = 3,
    PHONE_WITHHELD_UNKNOWN = 4,
};

enum { PHONE_DIGITS_MAX = 22 };

struct phone {
    enum phone_kind kind;
    enum phone_withheld reason;      /* NOT unless kind is WITHHELD */
    char e164[PHONE_DIGITS_MAX + 2]; /* "+819012345678", or bare digits where the country is not
                                        known; empty unless kind is PERSONAL or IMPERSONAL */
    int is_doubtful;
};

/* raw: any bytes. Fills all of *ret. */
void phone_normalise(struct slice raw, struct phone *ret);

#endif
