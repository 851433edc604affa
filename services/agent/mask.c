/* Free text is folded to glyphs once; each part (mail, names, numbers) takes glyphs that no part
   before it took; then the text is written again with marks. Invariant: a mark's own characters are
   taken first, so that masking finds nothing in its output. */
#include "services/agent/mask.h"

#include <string.h>

#include "services/agent/fold.h"
#include "services/agent/mask_line.h"
#include "services/common/base/limits.h"
#include "services/common/base/utf8.h"

_Static_assert(LIMIT_TEXT_BYTES <= UINT16_MAX, "a glyph's place fits");

static const char TIGHT_MARK[] = "*";

static const char *mark_of(enum mask_kind kind)
{
    switch (kind) {
    case MASK_KIND_PHONE:
        return MASK_MARK_PHONE;
    case MASK_KIND_MAIL:
        return MASK_MARK_MAIL;
    case MASK_KIND_NAME:
        return MASK_MARK_NAME;
    case MASK_KIND_NONE:
    case MASK_KIND_KEPT:
        break;
    }
    return "";
}

void mask_line_take(struct mask_line *line, size_t from, size_t to, enum mask_kind kind)
{
    for (size_t i = from; i < to; i++)
        line->glyphs[i].c = MASK_TAKEN;
    line->glyphs[from].kind = (uint8_t)kind;
    line->glyphs[from].find_end = (uint16_t)to;
}

static void read_glyphs(struct slice text, struct mask_line *line)
{
    for (size_t at = 0; at < text.size;) {
        size_t from = at;
        int32_t c = fold_lower(fold_next(text, &at));
        if (!fold_is_ignorable(c))
            line->glyphs[line->size++] =
                (struct mask_glyph){.c = c, .from = (uint16_t)from, .to = (uint16_t)at};
    }
}

static size_t match(const struct mask_line *line, size_t i, const char *mark)
{
    struct slice want = slice_str(mark);
    for (size_t at = 0; at < want.size; i++)
        if (mask_line_at(line, i) != fold_next(want, &at))
            return 0;
    return i;
}

static void keep_marks(struct mask_line *line)
{
    static const char *const MARKS[] = {MASK_MARK_PHONE, MASK_MARK_MAIL, MASK_MARK_NAME};
    for (size_t i = 0; i < line->size; i++) {
        for (size_t k = 0; k < sizeof(MARKS) / sizeof(MARKS[0]); k++) {
            size_t end = match(line, i, MARKS[k]);
            if (end > 0)
                mask_line_take(line, i, end, MASK_KIND_KEPT);
        }
    }
}

static int is_local_part(int32_t c)
{
    static const char MARKS[] = "._%+-'/=!#$&?^`{|}";
    return fold_is_digit(c) || fold_is_letter(c) || (c > 0 && c < 0x80 && strchr(MARKS, c) != NULL);
}

static int is_domain(int32_t c)
{
    return fold_is_digit(c) || fold_is_letter(c) || c == '.' || c == '-';
}

/* The glyph after the domain that begins at i; i when there is none. */
static size_t domain_end(const struct mask_line *line, size_t i)
{
    size_t end = i;
    size_t dots = 0;
    while (is_domain(mask_line_at(line, end)))
        end++;
    while (end > i && !fold_is_digit(mask_line_at(line, end - 1)) &&
           !fold_is_letter(mask_line_at(line, end - 1)))
        end--;
    for (size_t k = i + 1; k < end; k++)
        dots += mask_line_at(line, k) == '.';
    return dots > 0 ? end : i;
}

static void take_mails(struct mask_line *line)
{
    for (size_t i = 1; i < line->size; i++) {
        if (line->glyphs[i].c != '@')
            continue;
        size_t from = i;
        while (from > 0 && is_local_part(mask_line_at(line, from - 1)))
            from--;
        size_t end = domain_end(line, i + 1);
        if (from < i && end > i + 1)
            mask_line_take(line, from, end, MASK_KIND_MAIL);
    }
}

static int is_find(const struct mask_glyph *glyph)
{
    return glyph->kind != MASK_KIND_NONE && glyph->kind != MASK_KIND_KEPT;
}

/* Writes the text with its finds replaced; out may be NULL to learn the size. tight: one character
   for every find. */
static size_t write_text(const struct mask_line *line, struct slice text, int is_tight, char *out)
{
    size_t size = 0;
    size_t copied = 0; /* bytes of text */
    for (size_t i = 0; i <= line->size; i++) {
        size_t until = i < line->size ? line->glyphs[i].from : text.size;
        if (i < line->size && !is_find(&line->glyphs[i]))
            continue;
        if (out != NULL)
            memcpy(out + size, text.data + copied, until - copied);
        size += until - copied;
        copied = until;
        if (i == line->size)
            break;
        const char *mark = is_tight ? TIGHT_MARK : mark_of(line->glyphs[i].kind);
        if (out != NULL)
            memcpy(out + size, mark, strlen(mark));
        size += strlen(mark);
        copied = line->glyphs[line->glyphs[i].find_end - 1].to;
    }
    return size;
}

enum rc mask_text(const struct mask_roster *roster, struct arena *arena, struct slice text,
                  struct slice *ret_text, uint32_t *ret_count, struct err *err)
{
    if (text.size > LIMIT_TEXT_BYTES)
        return err_set(err, RC_REJECT, "cannot be longer than %d bytes", LIMIT_TEXT_BYTES);
    if (!utf8_is_valid(text))
        return err_set(err, RC_REJECT, "cannot be read: it is not UTF-8");
    struct mask_line line = {.glyphs = arena_alloc(arena, text.size * sizeof(*line.glyphs))};
    if (line.glyphs == NULL)
        return err_set(err, RC_FULL, "the text does not fit into the memory for one record");
    read_glyphs(text, &line);
    keep_marks(&line);
    take_mails(&line);
    if (roster != NULL)
        mask_roster_take(roster, &line);
    mask_numbers_take(&line);
    uint32_t count = 0;
    for (size_t i = 0; i < line.size; i++)
        count += (uint32_t)is_find(&line.glyphs[i]);
    if (count > 0) {
        int is_tight = write_text(&line, text, 0, NULL) > LIMIT_TEXT_BYTES;
        size_t size = write_text(&line, text, is_tight, NULL);
        char *out = arena_alloc(arena, size + 1);
        if (out == NULL)
            return err_set(err, RC_FULL, "the text does not fit into the memory for one record");
        write_text(&line, text, is_tight, out);
        out[size] = '\0';
        text = slice_of(out, size);
    }
    *ret_text = text;
    *ret_count = count;
    return RC_OK;
}
