/* Telephone numbers in free text: groups of digits are joined until the phone rules call them
   complete. Invariant: a decision at a group looks only at that group and what follows it, and
   groups are taken whole, so what is left after masking is judged as before. */
#include "services/agent/fold.h"
#include "services/agent/mask_line.h"
#include "services/agent/phone.h"

enum {
    GAP_MAX = 3,      /* separators between two groups */
    COMPLETE_MIN = 8, /* digits of a complete number: another country's shortest */
    NUMBER_MIN = 9,   /* digits */
    YEN = 0xa5,
    EN = 0x5186, /* 円 */
};

struct group {
    size_t from; /* first digit */
    size_t to;   /* after the last digit */
    size_t gap;  /* separators before it */
    int is_after_dashes;
};

static int is_separator(int32_t c)
{
    switch (c) {
    case ' ':
    case '(':
    case ')':
    case '[':
    case ']':
    case '.':
    case 0x306e: /* の */
    case 0x30fb: /* ・ */
        return 1;
    default:
        return fold_is_dash(c);
    }
}

static size_t digits_end(const struct mask_line *line, size_t i)
{
    while (fold_is_digit(mask_line_at(line, i)))
        i++;
    return i;
}

/* The group that follows the one that ends at i. */
static int next_group(const struct mask_line *line, size_t i, struct group *ret)
{
    *ret = (struct group){.from = i, .is_after_dashes = 1};
    while (ret->gap <= GAP_MAX && is_separator(mask_line_at(line, ret->from))) {
        ret->is_after_dashes &= fold_is_dash(mask_line_at(line, ret->from));
        ret->gap++;
        ret->from++;
    }
    ret->to = digits_end(line, ret->from);
    return ret->gap > 0 && ret->gap <= GAP_MAX && ret->to > ret->from;
}

static int number_at(const struct mask_line *line, size_t from, size_t size)
{
    int value = 0;
    for (size_t i = from; i < from + size; i++)
        value = value * 10 + (int)(mask_line_at(line, i) - '0');
    return value;
}

static int is_day(int year, int month, int day)
{
    static const int DAYS[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return year >= 1900 && year <= 2099 && month >= 1 && month <= 12 && day >= 1 &&
           day <= DAYS[month - 1];
}

static int is_date_separator(int32_t c)
{
    return c == '/' || c == '.' || fold_is_dash(c);
}

/* The glyph after a date that begins with the group [from, to); 0 when it is none. */
static size_t date_end(const struct mask_line *line, size_t from, size_t to)
{
    if (to - from != 4 || !is_date_separator(mask_line_at(line, to)))
        return 0;
    size_t month_end = digits_end(line, to + 1);
    size_t month_size = month_end - (to + 1);
    if (month_size < 1 || month_size > 2 || !is_date_separator(mask_line_at(line, month_end)))
        return 0;
    size_t day_end = digits_end(line, month_end + 1);
    size_t day_size = day_end - (month_end + 1);
    if (day_size < 1 || day_size > 2)
        return 0;
    int is_real = is_day(number_at(line, from, 4), number_at(line, to + 1, month_size),
                         number_at(line, month_end + 1, day_size));
    return is_real ? day_end : 0;
}

static int is_timestamp(const struct mask_line *line, size_t from, size_t to)
{
    size_t size = to - from;
    if (size != 12 && size != 14)
        return 0;
    return is_day(number_at(line, from, 4), number_at(line, from + 4, 2),
                  number_at(line, from + 6, 2)) &&
           number_at(line, from + 8, 2) <= 23 && number_at(line, from + 10, 2) <= 59 &&
           (size == 12 || number_at(line, from + 12, 2) <= 60);
}

static int is_amount(const struct mask_line *line, size_t from, size_t to)
{
    if (mask_line_at(line, from) == '0')
        return 0;
    size_t after = mask_line_at(line, to) == ' ' ? to + 1 : to;
    size_t before = from > 0 && mask_line_at(line, from - 1) == ' ' ? from - 1 : from;
    return mask_line_at(line, after) == EN || (before > 0 && mask_line_at(line, before - 1) == YEN);
}

static size_t with_dashed(const struct mask_line *line, size_t end)
{
    struct group next;
    while (next_group(line, end, &next) && next.is_after_dashes)
        end = next.to;
    return end;
}

static int has_plus(const struct mask_line *line, size_t from)
{
    return from > 0 && mask_line_at(line, from - 1) == '+';
}

/* Pattern 1: the end of the number that begins with the group [from, to); 0 when there is none. */
static size_t complete_end(const struct mask_line *line, size_t from, size_t to)
{
    char text[PHONE_DIGITS_MAX + 1];
    size_t size = 0;
    size_t foreign_end = 0;
    struct group group = {.from = from, .to = to};
    if (has_plus(line, from))
        text[size++] = '+';
    do {
        if (size + (group.to - group.from) > PHONE_DIGITS_MAX)
            break;
        for (size_t i = group.from; i < group.to; i++)
            text[size++] = (char)mask_line_at(line, i);
        if (size < COMPLETE_MIN)
            continue;
        struct phone phone;
        phone_normalise(slice_of(text, size), &phone);
        if (phone.is_doubtful)
            continue;
        if (phone.e164[0] == '+' && phone.e164[1] == '8' && phone.e164[2] == '1')
            return with_dashed(line, group.to);
        if (phone.e164[0] == '+')
            foreign_end = group.to;
    } while (next_group(line, group.to, &group));
    return foreign_end;
}

/* Pattern 2. */
static size_t stretch_end(const struct mask_line *line, size_t from, size_t to)
{
    int is_marked =
        mask_line_at(line, from) == '0' || (from > 0 && mask_line_at(line, from - 1) == '+');
    size_t digits = to - from;
    struct group next;
    if (!is_marked)
        return 0;
    for (; next_group(line, to, &next); to = next.to)
        digits += next.to - next.from;
    return digits >= NUMBER_MIN ? to : 0;
}

/* Pattern 3. */
static size_t dashed_end(const struct mask_line *line, size_t from, size_t to)
{
    size_t digits = to - from;
    struct group next;
    for (; next_group(line, to, &next) && next.is_after_dashes && next.gap == 1; to = next.to)
        digits += next.to - next.from;
    return digits >= NUMBER_MIN ? to : 0;
}

static int may_begin_number(const struct mask_line *line, size_t from)
{
    int32_t c = mask_line_at(line, from);
    return has_plus(line, from) || c == '0' || c == '1' || c == '8';
}

/* The end of what the patterns take from the group [from, to) on; 0 when nothing. */
static size_t number_end(const struct mask_line *line, size_t from, size_t to)
{
    size_t end = may_begin_number(line, from) ? complete_end(line, from, to) : 0;
    if (end == 0 && is_amount(line, from, to))
        return 0;
    if (end == 0)
        end = stretch_end(line, from, to);
    return end == 0 ? dashed_end(line, from, to) : end;
}

/* A complete number that begins inside what is taken is taken whole. Only one that begins in the
   last few digits can reach further. */
static size_t with_overlaps(const struct mask_line *line, size_t from, size_t end)
{
    size_t first = end;
    for (size_t digits = 0; first > from && digits < PHONE_DIGITS_MAX; first--)
        digits += (size_t)fold_is_digit(mask_line_at(line, first - 1));
    while (first > from && fold_is_digit(mask_line_at(line, first - 1)))
        first--;
    for (size_t i = first; i < end; i++) {
        size_t to = digits_end(line, i);
        if (to == i)
            continue;
        size_t inner = may_begin_number(line, i) ? complete_end(line, i, to) : 0;
        end = inner > end ? inner : end;
        i = to - 1;
    }
    return end;
}

/* Judges the group [from, to); returns where to go on. */
static size_t judge(struct mask_line *line, size_t from, size_t to)
{
    size_t date = date_end(line, from, to);
    if (date > 0)
        return date;
    if (is_timestamp(line, from, to))
        return to;
    size_t end = number_end(line, from, to);
    if (end == 0)
        return to;
    end = with_overlaps(line, from, end);
    mask_line_take(line, has_plus(line, from) ? from - 1 : from, end, MASK_KIND_PHONE);
    return end;
}

void mask_numbers_take(struct mask_line *line)
{
    size_t i = 0;
    while (i < line->size) {
        size_t end = digits_end(line, i);
        i = end > i ? judge(line, i, end) : i + 1;
    }
}
