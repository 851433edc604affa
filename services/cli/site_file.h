#ifndef KASUMORI_CLI_SITE_FILE_H
#define KASUMORI_CLI_SITE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* What is said of a site; the columns of kasumori.site in the order of the file's. */
enum site_text {
    SITE_TEXT_NAME,
    SITE_TEXT_KIND,
    SITE_TEXT_TRADE,
    SITE_TEXT_REGION,
    SITE_TEXT_ADDRESS,
    SITE_TEXT_LANDMARK,
    SITE_TEXT_MERGED_INTO, /* empty: none */
    SITE_TEXTS
};

#define SITE_FROM_NOW INT64_MIN /* valid_from was left empty */
#define SITE_TO_END INT64_MAX   /* valid_to was left empty; PostgreSQL's infinity */

/* One site in one period in which nothing about it changes. */
struct site_period {
    struct slice site;
    int64_t from_us;
    int64_t to_us;
    struct slice texts[SITE_TEXTS];
    int line; /* of the file; 0: stored */
};

enum { SITE_FILE_ERRORS_MAX = 20 };

struct site_file {
    struct site_period *periods; /* sorted by site (as bytes) and from_us */
    size_t count;
    struct err errors[SITE_FILE_ERRORS_MAX]; /* "line 3: valid_to: …" */
    size_t errors_count;                     /* those that fit */
};

/* Reads a CSV file of sites with the header site, name, kind, trade, region, address, landmark,
   valid_from, valid_to, merged_into in any order. A date alone is its midnight at utc_offset
   ("+09:00"); an empty valid_to is the site's next row or, without one, never. Strings are copied
   into arena. RC_REJECT when errors_count > 0: nothing of the file may be used; RC_FULL for the
   arena. */
enum rc site_file_parse(struct slice text, const char *utc_offset, struct arena *arena,
                        struct site_file *ret_file, struct err *err) MUST_CHECK;

/* By site, then by time. */
int site_file_compare(const void *a, const void *b);
int site_file_compare_names(struct slice a, struct slice b);

#endif
