/* A look at JSON text without building anything: recursion is bounded before it starts. Invariant:
   one pass, no memory. */
#include "services/common/jsonio/jsonio_scan.h"

#include "services/common/base/utf8.h"

/* The offset after the string that opens at at; text.size when it never closes. */
static size_t string_end(struct slice text, size_t at)
{
    for (at++; at < text.size; at++) {
        if (text.data[at] == '\\')
            at++;
        else if (text.data[at] == '"')
            return at + 1;
    }
    return text.size;
}

size_t jsonio_scan_depth(struct slice text, size_t depth_max)
{
    size_t depth = 0;
    for (size_t at = 0; at < text.size;) {
        uint8_t c = text.data[at];
        if (c == '"') {
            at = string_end(text, at);
            continue;
        }
        if ((c == '{' || c == '[') && ++depth > depth_max)
            return at;
        if ((c == '}' || c == ']') && depth > 0)
            depth--;
        at++;
    }
    return text.size;
}

void jsonio_scan_place(struct slice text, size_t at, size_t *ret_line, size_t *ret_column)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at && i < text.size;) {
        column++;
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        }
        if (utf8_next(text, &i) < 0)
            i++;
    }
    *ret_line = line;
    *ret_column = column;
}
