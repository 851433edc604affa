#ifndef KASUMORI_BASE_RC_H
#define KASUMORI_BASE_RC_H

#include <stdarg.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* A result, named by what the caller has to do. A switch over it has no default. */
enum rc {
    RC_OK,
    RC_RETRY,   /* later, same input */
    RC_FULL,    /* back-pressure: stop giving, try when something drained */
    RC_REJECT,  /* this input is bad; go on with the next */
    RC_CORRUPT, /* our own stored bytes are bad */
    RC_FATAL,   /* stop, or rebuild what answered it */
};

/* Owned by the caller; functions take it as an optional (may be NULL) last parameter and write it
   only when they fail. text is one sentence without a full stop, fit to be shown to an operator. */
struct err {
    enum rc rc;
    char text[256];
};

/* Fills *err when err is not NULL; cuts long text. Returns rc, so that a failure is one statement.
   A macro, so that the compiler sees which rc comes back. */
#define err_set(err_, rc_, ...)                    \
    ({                                             \
        enum rc err_set_rc = (rc_);                \
        err_fill((err_), err_set_rc, __VA_ARGS__); \
        err_set_rc;                                \
    })
void err_fill(struct err *err, enum rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " before the text already in *err. Returns err->rc; err may not be NULL. */
enum rc err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "ok", "retry", … ; never NULL. */
const char *rc_name(enum rc rc);

#endif
