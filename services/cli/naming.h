#ifndef KASUMORI_CLI_NAMING_H
#define KASUMORI_CLI_NAMING_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/slice.h"
#include "services/common/correlate/derived.h"

/* How an operator names what the correlator knows. Digits of a token may be cut to a beginning that
   only one known token has, because screens and explanations show no more. */
enum { NAMING_DIGITS_MIN = 8, NAMING_TOKEN_BYTES = 64 };

struct naming_token {
    uint32_t kind;
    uint32_t key_id;
    char digits[2 * FACT_MAC_BYTES + 1]; /* lower case */
};

/* "phone:1:0a1b2c3d"; what stands before it in messages. */
enum rc naming_parse_token(const char *what, struct slice text, struct naming_token *ret_token,
                           struct err *err) MUST_CHECK;

/* The one known token that begins so. RC_REJECT: none, or more than one. */
enum rc naming_find_token(const struct derived *d, const struct naming_token *name,
                          struct fact_token *ret_token, struct err *err) MUST_CHECK;

/* "phone:1:0a1b2c3d@2026-10-01T09:00:00+09:00" */
struct naming_class {
    struct naming_token token;
    int64_t at_us;
};
enum rc naming_parse_class(const char *what, struct slice text, struct naming_class *ret_class,
                           struct err *err) MUST_CHECK;

/* "phone:1:0a1b2c3d", cut to NAMING_DIGITS_MIN digits. */
void naming_format_token(const struct fact_token *token, char text[NAMING_TOKEN_BYTES]);

/* A UUID with or without its dashes. */
enum rc naming_parse_uuid(const char *what, struct slice text, struct uuid *ret_uuid,
                          struct err *err) MUST_CHECK;

/* The next item of a list with commas; *list moves on. 0: there is none. */
int naming_next(struct slice *list, struct slice *ret_item);

#endif
