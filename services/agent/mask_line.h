#ifndef KASUMORI_AGENT_MASK_LINE_H
#define KASUMORI_AGENT_MASK_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "services/agent/mask.h"

/* Between the parts of the masker: a text as folded glyphs, and what was found in it. */
enum mask_kind {
    MASK_KIND_NONE,
    MASK_KIND_PHONE,
    MASK_KIND_MAIL,
    MASK_KIND_NAME,
    MASK_KIND_KEPT, /* a mark that was there already */
};

enum { MASK_TAKEN = -1 }; /* a glyph inside a find: no part looks at it again */

struct mask_glyph {
    int32_t c;     /* folded, ASCII lower case; MASK_TAKEN */
    uint16_t from; /* its bytes in the text */
    uint16_t to;
    uint16_t find_end; /* where a find begins: the glyph after it */
    uint8_t kind;      /* enum mask_kind, where a find begins */
};

struct mask_line {
    struct mask_glyph *glyphs;
    size_t size;
};

/* The glyph's character; 0 before the first and after the last one. */
static inline int32_t mask_line_at(const struct mask_line *line, size_t i)
{
    return i < line->size ? line->glyphs[i].c : 0;
}

/* Marks the glyphs [from, to) as one find. */
void mask_line_take(struct mask_line *line, size_t from, size_t to, enum mask_kind kind);

void mask_numbers_take(struct mask_line *line);
/* roster: not NULL. */
void mask_roster_take(const struct mask_roster *roster, struct mask_line *line);

#endif
