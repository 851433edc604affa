#ifndef KASUMORI_JSONIO_JSONIO_H
#define KASUMORI_JSONIO_JSONIO_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Reading JSON (RFC 8259) from outside: size and depth are limited before anything is built, a key
   given twice and a NUL inside a string are refused. */
enum jsonio_type {
    JSONIO_TYPE_OBJECT,
    JSONIO_TYPE_ARRAY,
    JSONIO_TYPE_STRING,
    JSONIO_TYPE_INTEGER,
    JSONIO_TYPE_REAL,
    JSONIO_TYPE_BOOL,
    JSONIO_TYPE_NULL,
};

struct jsonio_doc;   /* owns every value in it */
struct jsonio_value; /* borrowed from its document */

/* RC_REJECT with "line L, column C: why"; RC_RETRY when memory is out. Exactly one value, white
   space around it allowed. depth_max: nesting of objects and arrays. Whole numbers beyond 64 bits
   are refused, a number with a fraction or an exponent is REAL, "-0" is the INTEGER 0. */
enum rc jsonio_parse(struct slice text, size_t depth_max, struct jsonio_doc **ret_doc,
                     struct err *err) MUST_CHECK;
void jsonio_doc_free(struct jsonio_doc *doc);
const struct jsonio_value *jsonio_root(const struct jsonio_doc *doc);

enum jsonio_type jsonio_type(const struct jsonio_value *value);
const char *jsonio_type_name(enum jsonio_type type); /* "an object", "a string", … */

struct slice
jsonio_string(const struct jsonio_value *value);          /* STRING; NUL-terminated beyond size */
int64_t jsonio_integer(const struct jsonio_value *value); /* INTEGER */
int jsonio_bool(const struct jsonio_value *value);        /* BOOL */

size_t jsonio_count(const struct jsonio_value *value); /* ARRAY, OBJECT */
const struct jsonio_value *jsonio_item(const struct jsonio_value *array, size_t at); /* ARRAY */
const struct jsonio_value *jsonio_find(const struct jsonio_value *object, const char *key);

/* Walks an object in the order of its text; each returns RC_OK to go on, anything else ends the
   walk and is returned. */
enum rc jsonio_each(const struct jsonio_value *object,
                    enum rc (*visit)(void *ctx, const char *key, const struct jsonio_value *value),
                    void *ctx) MUST_CHECK;

struct buf;
/* Adds text as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void jsonio_write_string(struct buf *out, struct slice text);

#endif
