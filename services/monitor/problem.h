#ifndef KASUMORI_MONITOR_PROBLEM_H
#define KASUMORI_MONITOR_PROBLEM_H

#include "services/common/base/buf.h"

/* Problem documents (RFC 9457) with a stable code and its title in Japanese and English. */
struct problem {
    int status;
    const char *code;
    const char *place;  /* parameter or member at fault; NULL: none */
    const char *detail; /* one sentence; NULL: none */
};

/* Appends one document. A code that is not in the table stands as "internal". */
void problem_write(const struct problem *problem, int is_japanese, struct buf *out);
int problem_is_code(const char *code);

/* What the HTTP server refuses before anybody is asked (struct http_config), in the same shape. Its
   titles say what the status means; title is not used. */
void problem_write_refusal(struct buf *out, int status, const char *title, const char *detail);

#endif
