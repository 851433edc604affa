#ifndef KASUMORI_AGENT_NORMALISE_H
#define KASUMORI_AGENT_NORMALISE_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/limits.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* What an identifier is turned into before it becomes a token, so that two ways of writing one are
   one. A changed rule makes other tokens: it is a change of the wire. "Folded" is fold.h (width,
   half-width katakana, spaces); invisible characters go everywhere.
   - PHONE, PHONE_IMPERSONAL: phone.h. A number nobody owns turns PHONE into PHONE_IMPERSONAL; what
     was sent as impersonal stays so.
   - MAIL: folded; a display name with its <>, mailto:, ?… and dots at the end come off; spaces go;
     all is lower case, the local part too; +tags stay; there must be text beside the last @.
   - MEMBER, ACCOUNT, WORKER: folded; spaces and dashes go (ー only behind a letter or digit of
     ASCII or a dash: it is a letter among kana); ASCII letters become upper case.
   - VEHICLE: folded; katakana becomes hiragana (plates have no katakana), ASCII upper case; spaces,
     dashes, dots and ・ go. 品川 300 あ ・・12 is 品川300あ12.
   - SNS: folded; spaces go; lower case; @ at the start or behind "platform:" goes. X:@Taro is
     x:taro.
   - NAME: folded; spaces and line breaks collapse to one space; case stays.
   - HANDLE: as it is, but for spaces around it.
   - Kinds of newer programs: folded, without space around.
   Normalising what was normalised changes nothing. */
struct normalised {
    uint32_t kind;     /* of the wire's IdentifierKind; 0: no identifier, the number was withheld */
    uint32_t withheld; /* of the wire's Withheld; not 0 only when kind is 0 */
    int is_doubtful;   /* a phone number that looks invalid */
    size_t size;
    char value[LIMIT_RAW_IDENTIFIER_BYTES]; /* not NUL-terminated */
};

/* RC_REJECT with a reason that does not show the value: invalid UTF-8 (but in phones), more than
   LIMIT_RAW_IDENTIFIER_BYTES, kind 0, nothing left, no digits in a phone, no mail address. */
enum rc normalise_identifier(uint32_t kind, struct slice raw, struct normalised *ret,
                             struct err *err) MUST_CHECK;

static inline struct slice normalised_slice(const struct normalised *normalised)
{
    return slice_of(normalised->value, normalised->size);
}

#endif
