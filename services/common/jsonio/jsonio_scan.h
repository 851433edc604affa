#ifndef KASUMORI_JSONIO_JSONIO_SCAN_H
#define KASUMORI_JSONIO_JSONIO_SCAN_H

#include <stddef.h>

#include "services/common/base/slice.h"

/* The first byte that opens an object or array nested deeper than depth_max, as an offset;
   text.size when there is none. Looks at brackets outside strings only, so it says nothing about
   validity, but no reader of valid text nests deeper than it found. */
size_t jsonio_scan_depth(struct slice text, size_t depth_max);

/* Line and column, both from 1, of the byte at offset at (at most text.size); columns count code
   points, an invalid byte counts as one. */
void jsonio_scan_place(struct slice text, size_t at, size_t *ret_line, size_t *ret_column);

#endif
