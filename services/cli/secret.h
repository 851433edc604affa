#ifndef KASUMORI_CLI_SECRET_H
#define KASUMORI_CLI_SECRET_H

#include <stddef.h>

#include "services/common/base/rc.h"

/* A PIN or password that a person gives: from the first line of a file that others cannot read, or
   typed twice at a terminal without echo; never from the command line. what: "PIN", for prompts and
   messages; path NULL: the terminal; option: "--pin-file", for messages. line is wiped on failure.
 */
struct secret_source {
    const char *what, *path, *option;
};
enum rc secret_read(const struct secret_source *source, char *line, size_t size,
                    struct err *err) MUST_CHECK;

#endif
