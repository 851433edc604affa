#ifndef KASUMORI_LOG_LOG_H
#define KASUMORI_LOG_LOG_H

#include "services/common/base/rc.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* One line a call on standard error: time (UTC), level, program, text; control characters and
   invalid UTF-8 are escaped so that no input can forge a line. Never give it identifiers, free text
   or secrets. Services only; any thread. */
void log_init(const char *program, enum log_level least);
/* "debug", "info", "warn", "error"; 0 when it is none of them. */
int log_level_parse(const char *name, enum log_level *ret_level);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
