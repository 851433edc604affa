/* A list of sites as an operator writes it.
   Invariant: every complaint is found in one pass, so that a file is mended once; a file with one
   complaint gives no period at all. */
#include "services/cli/site_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/base/utf8.h"
#include "services/common/csv/csv.h"

enum { COLUMN_SITE = SITE_TEXTS, COLUMN_FROM, COLUMN_TO, COLUMNS };

/* SITE_TEXT_* first, so that a column's number is a text's number. */
static const char *const COLUMN_NAMES[COLUMNS] = {
    "name",     "kind",        "trade", "region",     "address",
    "landmark", "merged_into", "site",  "valid_from", "valid_to",
};

static const char *const KINDS[] = {"store", "call_center", "headquarters"};

struct parsing {
    struct site_file file;
    struct arena *arena;
    const char *utc_offset;
    size_t places[COLUMNS]; /* where each column stands in a row */
    size_t columns;         /* of a row */
    size_t capacity;
    int is_full; /* the arena has no room */
};

static void complain(struct parsing *p, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void complain(struct parsing *p, int line, const char *fmt, ...)
{
    char why[sizeof(((struct err *)0)->text)];
    va_list args;
    if (p->file.errors_count == SITE_FILE_ERRORS_MAX)
        return;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    struct err *err = &p->file.errors[p->file.errors_count++];
    err_set(err, RC_REJECT, "line %d: %s", line, why);
}

/* ---- header ---- */

static int column_of(struct slice name)
{
    for (int i = 0; i < COLUMNS; i++)
        if (slice_is_equal(name, slice_str(COLUMN_NAMES[i])))
            return i;
    return -1;
}

static void read_header(struct parsing *p, const struct csv_row *row)
{
    int is_given[COLUMNS] = {0};
    for (size_t i = 0; i < row->count; i++) {
        int column = column_of(row->fields[i]);
        if (column < 0)
            complain(p, row->line, "column %zu: unknown name", i + 1);
        else if (is_given[column])
            complain(p, row->line, "%s: the column is there twice", COLUMN_NAMES[column]);
        else
            p->places[column] = i;
        if (column >= 0)
            is_given[column] = 1;
    }
    for (int i = 0; i < COLUMNS; i++)
        if (!is_given[i])
            complain(p, row->line, "%s: the column is missing", COLUMN_NAMES[i]);
    p->columns = row->count;
}

/* ---- fields ---- */

static struct slice copy(struct parsing *p, struct slice text)
{
    char *data = arena_copy(p->arena, text.data, text.size);
    if (data == NULL)
        p->is_full = 1;
    return slice_of(data, data == NULL ? 0 : text.size);
}

static int is_kind(struct slice text)
{
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++)
        if (slice_is_equal(text, slice_str(KINDS[i])))
            return 1;
    return 0;
}

static void check_text(struct parsing *p, int line, int column, struct slice text)
{
    const char *name = COLUMN_NAMES[column];
    if (!utf8_is_valid(text))
        complain(p, line, "%s: not UTF-8", name);
    else if (text.size > LIMIT_STRING_BYTES)
        complain(p, line, "%s: longer than %d bytes", name, LIMIT_STRING_BYTES);
    else if (column == SITE_TEXT_NAME && text.size == 0)
        complain(p, line, "%s: empty", name);
    else if (column == SITE_TEXT_KIND && !is_kind(text))
        complain(p, line, "%s: want store, call_center or headquarters", name);
    else if ((column == COLUMN_SITE || (column == SITE_TEXT_MERGED_INTO && text.size > 0)) &&
             !cli_is_name(text))
        complain(p, line, "%s: want 1 to %d of A-Z a-z 0-9 . _ -", name, LIMIT_NAME_BYTES);
}

/* YYYY-MM-DD or RFC 3339; empty gives standard. */
static int64_t read_time(struct parsing *p, int line, int column, struct slice text,
                         int64_t standard)
{
    enum { DATE_BYTES = 10 };
    char whole[64];
    int64_t at_us;
    struct err err;
    if (text.size == 0)
        return standard;
    snprintf(whole, sizeof(whole), "%.*s%s%s", (int)text.size, (const char *)text.data,
             text.size == DATE_BYTES ? "T00:00:00" : "",
             text.size == DATE_BYTES ? p->utc_offset : "");
    if (text.size >= sizeof(whole) - DATE_BYTES || memchr(text.data, '\0', text.size) != NULL)
        complain(p, line, "%s: not a time", COLUMN_NAMES[column]);
    else if (timefmt_parse_rfc3339(whole, &at_us, &err) != RC_OK)
        complain(p, line, "%s: %s", COLUMN_NAMES[column], err.text);
    else
        return at_us;
    return standard;
}

static void check_period(struct parsing *p, const struct site_period *period)
{
    struct slice merged = period->texts[SITE_TEXT_MERGED_INTO];
    if (period->from_us >= period->to_us)
        complain(p, period->line, "valid_to: not after valid_from");
    if (merged.size > 0 && period->to_us == SITE_TO_END)
        complain(p, period->line, "merged_into: needs a valid_to");
    if (merged.size > 0 && slice_is_equal(merged, period->site))
        complain(p, period->line, "merged_into: the site itself");
}

/* ---- rows ---- */

static struct site_period *add_period(struct parsing *p)
{
    if (p->file.count == p->capacity) {
        size_t capacity = p->capacity == 0 ? 64 : p->capacity * 2;
        struct site_period *grown = arena_alloc(p->arena, capacity * sizeof(*grown));
        if (grown == NULL) {
            p->is_full = 1;
            return NULL;
        }
        if (p->file.count > 0)
            memcpy(grown, p->file.periods, p->file.count * sizeof(*grown));
        p->file.periods = grown;
        p->capacity = capacity;
    }
    return &p->file.periods[p->file.count++];
}

static void read_row(struct parsing *p, const struct csv_row *row)
{
    if (row->count != p->columns) {
        complain(p, row->line, "%zu fields, but the header has %zu", row->count, p->columns);
        return;
    }
    struct site_period *period = add_period(p);
    if (period == NULL)
        return;
    for (int i = 0; i <= COLUMN_SITE; i++)
        check_text(p, row->line, i, row->fields[p->places[i]]);
    for (int i = 0; i < SITE_TEXTS; i++)
        period->texts[i] = copy(p, row->fields[p->places[i]]);
    period->site = copy(p, row->fields[p->places[COLUMN_SITE]]);
    period->from_us =
        read_time(p, row->line, COLUMN_FROM, row->fields[p->places[COLUMN_FROM]], SITE_FROM_NOW);
    period->to_us =
        read_time(p, row->line, COLUMN_TO, row->fields[p->places[COLUMN_TO]], SITE_TO_END);
    period->line = row->line;
    check_period(p, period);
}

static void read_rows(struct parsing *p, struct csv *csv)
{
    static const size_t ENOUGH = SITE_FILE_ERRORS_MAX;
    struct csv_row row;
    int has_header = 0;
    do {
        struct err err;
        if (csv_next(csv, &row, &err) != RC_OK) {
            complain(p, row.line, "%s", strchr(err.text, ':') + 2); /* past "line n: " */
            row.count = 1;
            continue;
        }
        if (row.count == 0)
            break;
        if (has_header) {
            read_row(p, &row);
            continue;
        }
        read_header(p, &row);
        has_header = 1;
        if (p->file.errors_count > 0)
            return; /* columns are not known, so fields cannot be */
    } while (!p->is_full && p->file.errors_count < ENOUGH);
    if (!has_header && p->file.errors_count == 0)
        complain(p, 1, "the file is empty: want a header");
}

/* ---- several rows of one site ---- */

int site_file_compare_names(struct slice a, struct slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

int site_file_compare(const void *a, const void *b)
{
    const struct site_period *x = a;
    const struct site_period *y = b;
    int order = site_file_compare_names(x->site, y->site);
    if (order != 0)
        return order;
    if (x->from_us != y->from_us)
        return x->from_us < y->from_us ? -1 : 1;
    return x->line - y->line;
}

static void join_neighbours(struct parsing *p, struct site_period *a, const struct site_period *b)
{
    if (a->from_us == SITE_FROM_NOW)
        complain(p, a->line, "valid_from: the site has several rows, so each needs one");
    else if (a->from_us == b->from_us || (a->to_us != SITE_TO_END && a->to_us > b->from_us))
        complain(p, b->line, "valid_from: overlaps line %d", a->line);
    else if (a->to_us == SITE_TO_END)
        a->to_us = b->from_us;
}

enum rc site_file_parse(struct slice text, const char *utc_offset, struct arena *arena,
                        struct site_file *ret_file, struct err *err)
{
    struct parsing p = {.arena = arena, .utc_offset = utc_offset};
    struct csv csv;
    csv_init(&csv, text);
    read_rows(&p, &csv);
    if (p.is_full)
        return err_set(err, RC_FULL, "the file has too many sites");
    if (p.file.count > 0)
        qsort(p.file.periods, p.file.count, sizeof(*p.file.periods), site_file_compare);
    for (size_t i = 0; i + 1 < p.file.count; i++)
        if (slice_is_equal(p.file.periods[i].site, p.file.periods[i + 1].site))
            join_neighbours(&p, &p.file.periods[i], &p.file.periods[i + 1]);
    *ret_file = p.file;
    if (p.file.errors_count > 0)
        return err_set(err, RC_REJECT, "%s", p.file.errors[0].text);
    return RC_OK;
}
