/* The site's own people's names, sorted, so that a text is searched by narrowing a range of the
   list one character at a time. Invariant: names are folded, lower case, without spaces, of two
   characters or more, sorted, each once. */
#include <stdlib.h>
#include <string.h>

#include "services/agent/fold.h"
#include "services/agent/mask_line.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/base/utf8.h"

struct name {
    const int32_t *at; /* into points */
    size_t size;
};

struct mask_roster {
    int32_t *points;
    struct name *names;
    size_t count;
};

/* The names whose beginning is what was read so far. */
struct range {
    size_t lo;
    size_t hi;
    size_t depth;
};

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    for (size_t i = 0; i < x->size && i < y->size; i++)
        if (x->at[i] != y->at[i])
            return x->at[i] < y->at[i] ? -1 : 1;
    return x->size < y->size ? -1 : x->size > y->size;
}

static enum rc read_name(struct slice line, size_t number, int32_t *points, struct name *ret_name,
                         struct err *err)
{
    if (!utf8_is_valid(line))
        return err_set(err, RC_REJECT, "line %zu: cannot be read: it is not UTF-8", number);
    if (line.size > LIMIT_NAME_BYTES)
        return err_set(err, RC_REJECT, "line %zu: a name cannot be longer than %d bytes", number,
                       LIMIT_NAME_BYTES);
    *ret_name = (struct name){.at = points};
    for (size_t at = 0; at < line.size;) {
        int32_t c = fold_lower(fold_next(line, &at));
        if (c == '*' || c == 0x3014 || c == 0x3015)
            return err_set(err, RC_REJECT, "line %zu: a name cannot contain 〔 〕 or *", number);
        if (c != ' ' && c != '\r' && !fold_is_ignorable(c))
            points[ret_name->size++] = c;
    }
    return RC_OK;
}

static enum rc read_names(struct slice content, struct mask_roster *roster, struct err *err)
{
    size_t used = 0;
    size_t number = 1;
    for (size_t at = 0; at < content.size; number++) {
        const uint8_t *end = memchr(content.data + at, '\n', content.size - at);
        size_t size = end == NULL ? content.size - at : (size_t)(end - (content.data + at));
        struct name name;
        enum rc rc =
            read_name(slice_of(content.data + at, size), number, roster->points + used, &name, err);
        if (rc != RC_OK)
            return rc;
        at += size + 1;
        if (name.size < 2)
            continue;
        if (roster->count == LIMIT_ROSTER_NAMES)
            return err_set(err, RC_REJECT, "line %zu: more than %d names", number,
                           LIMIT_ROSTER_NAMES);
        roster->names[roster->count++] = name;
        used += name.size;
    }
    return RC_OK;
}

static void sort_names(struct mask_roster *roster)
{
    size_t kept = 0;
    qsort(roster->names, roster->count, sizeof(*roster->names), compare_names);
    for (size_t i = 0; i < roster->count; i++)
        if (kept == 0 || compare_names(&roster->names[kept - 1], &roster->names[i]) != 0)
            roster->names[kept++] = roster->names[i];
    roster->count = kept;
}

static size_t count_lines(struct slice content)
{
    size_t lines = 1;
    for (size_t i = 0; i < content.size; i++)
        lines += content.data[i] == '\n';
    return lines < LIMIT_ROSTER_NAMES ? lines : LIMIT_ROSTER_NAMES;
}

enum rc mask_roster_new(struct slice content, struct mask_roster **ret_roster, struct err *err)
{
    if (content.size > LIMIT_ROSTER_BYTES)
        return err_set(err, RC_REJECT, "a roster cannot be larger than %d bytes",
                       LIMIT_ROSTER_BYTES);
    struct mask_roster *roster = mem_zalloc(sizeof(*roster));
    if (roster == NULL)
        return err_set(err, RC_RETRY, "could not load the roster: out of memory");
    roster->points = mem_zalloc_array(content.size, sizeof(*roster->points));
    roster->names = mem_zalloc_array(count_lines(content), sizeof(*roster->names));
    enum rc rc = roster->points != NULL && roster->names != NULL
                     ? read_names(content, roster, err)
                     : err_set(err, RC_RETRY, "could not load the roster: out of memory");
    if (rc != RC_OK) {
        mask_roster_free(roster);
        return rc;
    }
    sort_names(roster);
    *ret_roster = roster;
    return RC_OK;
}

void mask_roster_free(struct mask_roster *roster)
{
    if (roster == NULL)
        return;
    mem_free(roster->points);
    mem_free(roster->names);
    mem_free(roster);
}

/* The first of [lo, hi) whose character at depth is not below c. A name that ends before depth
   sorts first. */
static size_t lower_bound(const struct mask_roster *roster, const struct range *range, int32_t c)
{
    size_t lo = range->lo;
    size_t hi = range->hi;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        const struct name *name = &roster->names[middle];
        if (name->size <= range->depth || name->at[range->depth] < c)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static void narrow(const struct mask_roster *roster, struct range *range, int32_t c)
{
    size_t lo = lower_bound(roster, range, c);
    size_t hi = lower_bound(roster, range, c + 1);
    *range = (struct range){.lo = lo, .hi = hi, .depth = range->depth + 1};
}

/* Whether a and b, side by side, are one word. */
static int is_joined(int32_t a, int32_t b)
{
    return (fold_is_letter(a) && fold_is_letter(b)) || (fold_is_digit(a) && fold_is_digit(b));
}

/* The glyph after the longest name that begins at from; from when there is none. */
static size_t name_end(const struct mask_roster *roster, const struct mask_line *line, size_t from)
{
    size_t end = from;
    struct range range = {.lo = 0, .hi = roster->count};
    int32_t first = mask_line_at(line, from);
    if (first <= ' ' || (from > 0 && is_joined(mask_line_at(line, from - 1), first)))
        return from;
    for (size_t i = from; range.lo < range.hi; i++) {
        int32_t c = mask_line_at(line, i);
        if (c == ' ')
            continue;
        if (c <= 0)
            break;
        narrow(roster, &range, c);
        int is_name = range.lo < range.hi && roster->names[range.lo].size == range.depth;
        if (is_name && !is_joined(c, mask_line_at(line, i + 1)))
            end = i + 1;
    }
    return end;
}

void mask_roster_take(const struct mask_roster *roster, struct mask_line *line)
{
    for (size_t i = 0; i < line->size; i++) {
        size_t end = name_end(roster, line, i);
        if (end == i)
            continue;
        mask_line_take(line, i, end, MASK_KIND_NAME);
        i = end - 1;
    }
}
