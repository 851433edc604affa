#ifndef KASUMORI_CLI_CATEGORY_FILE_H
#define KASUMORI_CLI_CATEGORY_FILE_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/config/config.h"

/* A code table of categories as an operator writes it:

     scheme: tokyo
     version: 2025
     ja: 東京都の分類
     en: Tokyo's categories
     complete: true                # all its codes are here; left out: no
     categories:                   # in the scheme's own order
       - {code: shout, ja: 怒声, en: shouting, severity: 3}
       - {code: other}             # without names: there is one, its name is not known
     mappings:                     # what a code is near to in another scheme
       - {code: shout, scheme: mhlw9, version: 2022, to: abuse}
 */
struct category_line {
    char *code, *ja, *en; /* ja and en: both or neither */
    int64_t severity;     /* 0: none */
};

struct mapping_line {
    char *code, *scheme, *version, *to;
};

struct category_file {
    char *scheme, *version, *ja, *en;
    int is_complete;
    struct config_list categories; /* of struct category_line */
    struct config_list mappings;   /* of struct mapping_line */
};

/* RC_REJECT with "name:line:column: key: why", or with what of the file as a whole is wrong.
   Release *ret_file with category_file_done. */
enum rc category_file_parse(const char *name, struct slice text, struct category_file *ret_file,
                            struct err *err) MUST_CHECK;
void category_file_done(struct category_file *file);

#endif
