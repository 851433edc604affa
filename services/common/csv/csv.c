/* Reading comma-separated values.
   Invariant: each call moves past at least one line break, or to the end, so bad input cannot hold
   the reader; and what it writes into scratch is never longer than what it read, plus one NUL a
   field. */
#include "services/common/csv/csv.h"

#include <string.h>

struct reading {
    struct csv *csv;
    struct csv_row *row;
    size_t at;   /* in text */
    size_t used; /* of scratch */
    int line;
    const char *failure; /* NULL: none */
};

void csv_init(struct csv *csv, struct slice text)
{
    static const char MARK[] = "\xef\xbb\xbf";
    csv->text = text;
    csv->at = 0;
    csv->line = 1;
    if (text.size >= 3 && memcmp(text.data, MARK, 3) == 0)
        csv->at = 3;
}

static int peek(const struct reading *r)
{
    return r->at < r->csv->text.size ? r->csv->text.data[r->at] : -1;
}

/* At a line break or the end of the text; a lone CR is a character. */
static int is_row_end(const struct reading *r)
{
    struct slice text = r->csv->text;
    if (r->at == text.size || text.data[r->at] == '\n')
        return 1;
    return text.data[r->at] == '\r' && r->at + 1 < text.size && text.data[r->at + 1] == '\n';
}

static void keep(struct reading *r, char c)
{
    if (r->used < sizeof(r->csv->scratch))
        r->csv->scratch[r->used++] = c;
    else
        r->failure = "the row is too long";
}

static void read_plain(struct reading *r)
{
    while (r->failure == NULL && peek(r) != ',' && !is_row_end(r))
        keep(r, (char)r->csv->text.data[r->at++]);
}

static void read_quoted(struct reading *r)
{
    r->at++;
    while (r->failure == NULL) {
        int c = peek(r);
        if (c < 0) {
            r->failure = "a quote is not closed";
            return;
        }
        r->at++;
        if (c == '"' && peek(r) != '"')
            break;
        if (c == '"')
            r->at++; /* "" stands for one quote */
        if (c == '\n')
            r->line++;
        keep(r, (char)c);
    }
    if (r->failure == NULL && peek(r) != ',' && !is_row_end(r))
        r->failure = "something follows a closing quote";
}

static void read_field(struct reading *r)
{
    size_t start = r->used;
    if (r->row->count == LIMIT_CSV_FIELDS) {
        r->failure = "the row has too many fields";
        return;
    }
    if (peek(r) == '"')
        read_quoted(r);
    else
        read_plain(r);
    size_t size = r->used - start;
    keep(r, '\0');
    if (r->failure == NULL)
        r->row->fields[r->row->count++] = slice_of(r->csv->scratch + start, size);
}

static void read_row(struct reading *r)
{
    read_field(r);
    while (r->failure == NULL && peek(r) == ',') {
        r->at++;
        read_field(r);
    }
}

/* Past the line break at *at, if there is one. */
static void skip_break(struct csv *csv)
{
    if (csv->at < csv->text.size && csv->text.data[csv->at] == '\r')
        csv->at++;
    if (csv->at < csv->text.size && csv->text.data[csv->at] == '\n') {
        csv->at++;
        csv->line++;
    }
}

static void skip_line(struct csv *csv)
{
    const uint8_t *from = csv->text.data + csv->at;
    const uint8_t *end = memchr(from, '\n', csv->text.size - csv->at);
    csv->at = end == NULL ? csv->text.size : (size_t)(end - csv->text.data) + 1;
    csv->line++;
}

static void skip_empty_lines(struct csv *csv)
{
    struct reading r = {.csv = csv};
    for (r.at = csv->at; csv->at < csv->text.size && is_row_end(&r); r.at = csv->at)
        skip_break(csv);
}

enum rc csv_next(struct csv *csv, struct csv_row *ret_row, struct err *err)
{
    struct reading r = {.csv = csv, .row = ret_row};
    skip_empty_lines(csv);
    r.at = csv->at;
    r.line = csv->line;
    ret_row->line = csv->line;
    ret_row->count = 0;
    if (csv->at == csv->text.size)
        return RC_OK;
    read_row(&r);
    if (r.failure != NULL) {
        ret_row->count = 0;
        skip_line(csv);
        return err_set(err, RC_REJECT, "line %d: %s", ret_row->line, r.failure);
    }
    csv->at = r.at;
    csv->line = r.line;
    skip_break(csv);
    return RC_OK;
}
