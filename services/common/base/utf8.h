#ifndef KASUMORI_BASE_UTF8_H
#define KASUMORI_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/slice.h"

/* Decodes one code point at *at (in 0..text.size), moves *at past it and returns it; -1 on invalid
   UTF-8 (overlong, surrogate, above U+10FFFF, cut short), *at then unchanged. */
int32_t utf8_next(struct slice text, size_t *at);

/* Whole text valid and without NUL. */
int utf8_is_valid(struct slice text);

/* Code points of a valid text; limits that people meet count these, as their pages do. */
size_t utf8_length(struct slice text);

/* Writes code_point (a valid one) to out, 1..4 bytes; returns how many. */
size_t utf8_put(int32_t code_point, char out[4]);

#endif
