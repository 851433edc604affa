#ifndef KASUMORI_HTTP_HTTP_PATH_H
#define KASUMORI_HTTP_HTTP_PATH_H

#include <stddef.h>

#include "services/common/base/slice.h"

/* Paths with "*" for whole segments, as the routes table gives them. Knows no socket. */

enum { HTTP_PATH_PARTS_MAX = 4 };

/* path: raw, without query. A "*" stands for one segment that is not empty. */
int http_path_fits(const char *pattern, struct slice path);

/* Copies what stands at each "*" of a path that fits to text, percent-decoded with a NUL after
   each, and points parts there; returns how many. text: path.size + 1 bytes. */
size_t http_path_parts(const char *pattern, struct slice path, char *text,
                       struct slice parts[HTTP_PATH_PARTS_MAX]);

#endif
