#ifndef KASUMORI_AGENT_DRAFT_H
#define KASUMORI_AGENT_DRAFT_H

#include "services/common/base/slice.h"
#include "services/common/record/record.h"

enum { DRAFT_RAWS_MAX = 64 };

/* An identifier as an adapter read it: value is what the person typed or the network carried, still
   in the clear. intake replaces it by tokens and a sealed box, or drops the identifier (withheld).
 */
struct draft_raw {
    Kasumori__V1__Identifier *identifier; /* kind and assurance set, no tokens, no seal */
    struct slice value;                   /* arena */
};

/* What every adapter hands to intake: a record without tenant, site, id and schema, and the raw
   identifiers of its persons. All memory is the arena's. */
struct draft {
    Kasumori__V1__Record *record;
    struct draft_raw raws[DRAFT_RAWS_MAX];
    size_t raws_count;
};

#endif
