#ifndef KASUMORI_BASE_CHECK_H
#define KASUMORI_BASE_CHECK_H

/* For bugs only, never for input, network or disk. On in release: prints the place and aborts. */
#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

_Noreturn void check_failed(const char *cond, const char *file, int line);

#endif
