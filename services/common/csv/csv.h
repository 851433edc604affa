#ifndef KASUMORI_CSV_CSV_H
#define KASUMORI_CSV_CSV_H

#include <stddef.h>

#include "services/common/base/limits.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Comma-separated values as RFC 4180 writes them, from memory, row by row: "…" with "" inside, line
   breaks inside quotes, CRLF or LF, a UTF-8 byte order mark skipped, empty lines skipped, a last
   line without its break. A quote in the middle of an unquoted field is a character like any other.
   Whether fields are UTF-8 is the caller's question. */
struct csv {
    struct slice text;
    size_t at;
    int line;                          /* of the next row, from 1 */
    char scratch[LIMIT_CSV_ROW_BYTES]; /* fields with their quotes taken off */
};

struct csv_row {
    int line;                              /* where it begins */
    size_t count;                          /* 0: there are no more rows */
    struct slice fields[LIMIT_CSV_FIELDS]; /* valid until the next call; a NUL follows each */
};

/* text is borrowed until the last row is read. */
void csv_init(struct csv *csv, struct slice text);

/* RC_REJECT for a row that breaks the rules or a limit ("line 7: …"): the next call goes on with
   the line after the one where that row began. */
enum rc csv_next(struct csv *csv, struct csv_row *ret_row, struct err *err) MUST_CHECK;

#endif
