/* Lines on standard error. Invariant: one call writes one line with one write(2), so that lines of
   several threads never mix and no input can end a line early. */
#include "services/common/log/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/common/base/clock.h"
#include "services/common/base/timefmt.h"
#include "services/common/base/utf8.h"

enum { TEXT_BYTES = 1024, LINE_BYTES = 4 * TEXT_BYTES + 128 };

static const char *log_program = "kasumori";
static enum log_level log_least = LOG_LEVEL_INFO;

void log_init(const char *program, enum log_level least)
{
    log_program = program;
    log_least = least;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return "debug";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_WARN:
        return "warn";
    case LOG_LEVEL_ERROR:
        return "error";
    }
    return "?";
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
    for (enum log_level level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
        if (strcmp(name, level_name(level)) == 0) {
            *ret_level = level;
            return 1;
        }
    }
    return 0;
}

/* Copies text to out (4 bytes of room for each of text's), control characters and bytes that are
   not UTF-8 as \xhh. */
static size_t escape(const char *text, char *out)
{
    static const char DIGITS[] = "0123456789abcdef";
    struct slice in = slice_str(text);
    size_t size = 0;
    for (size_t at = 0; at < in.size;) {
        size_t from = at;
        int32_t c = utf8_next(in, &at);
        if (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0)) {
            memcpy(out + size, in.data + from, at - from);
            size += at - from;
            continue;
        }
        out[size++] = '\\';
        out[size++] = 'x';
        out[size++] = DIGITS[in.data[from] >> 4];
        out[size++] = DIGITS[in.data[from] & 15];
        at = from + 1;
    }
    return size;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (level < log_least)
        return;
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    char at[TIMEFMT_TEXT_BYTES];
    timefmt_format_utc(clock_now_us(clock_real()), at);
    char line[LINE_BYTES];
    int n = snprintf(line, 128, "%s %s %s: ", at, level_name(level), log_program);
    size_t size = (size_t)n + escape(text, line + n);
    line[size++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written;
}
