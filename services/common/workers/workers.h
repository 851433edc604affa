#ifndef KASUMORI_WORKERS_WORKERS_H
#define KASUMORI_WORKERS_WORKERS_H

#include <stddef.h>

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/password/password.h"

/* Who may sign in at a site: a code and the hash of a PIN, never a name. One file (0600), one
   worker a line, "CODE HASH"; empty lines and lines that begin with # are skipped. */
enum { WORKERS_CODE_BYTES = 32, WORKERS_PIN_MIN = 6, WORKERS_PIN_MAX = 12 };

struct worker {
    char code[WORKERS_CODE_BYTES + 1];
    char hash[PASSWORD_HASH_BYTES];
};

struct workers {
    struct worker *items; /* in the order of the file */
    size_t count;
};

/* RC_REJECT with the line for a code or a hash that is none, a code given twice, over
   LIMIT_WORKERS; RC_RETRY when memory is out. Messages hold no code. */
enum rc workers_parse(struct slice text, struct workers *ret_workers, struct err *err) MUST_CHECK;
/* As workers_parse; RC_REJECT also for a file others can read, RC_RETRY when it cannot be read. */
enum rc workers_load(const char *path, struct workers *ret_workers, struct err *err) MUST_CHECK;
void workers_done(struct workers *workers);

/* NULL: there is none. Codes are compared as written. */
const struct worker *workers_find(const struct workers *workers, struct slice code);

void workers_write(const struct workers *workers, struct buf *out);

/* 1 to WORKERS_CODE_BYTES of A-Z a-z 0-9 - and _. */
int workers_is_code(struct slice text);
/* What a code's token is made of, as the agent normalises identifiers of kind worker: upper case,
   without dashes. ret_form: NUL-terminated. */
void workers_token_form(const char *code, char ret_form[WORKERS_CODE_BYTES + 1]);
/* WORKERS_PIN_MIN to WORKERS_PIN_MAX digits. RC_REJECT says why, also for one digit over and over
   and for digits in a row (123456, 987654). */
enum rc workers_check_pin(struct slice pin, struct err *err) MUST_CHECK;

#endif
