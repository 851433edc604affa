/* The one writer of JSON strings. Invariant: what it appends is one valid string, whatever text
   holds. */
#include "services/common/base/jsontext.h"

#include "services/common/base/utf8.h"

enum { REPLACEMENT = 0xfffd };

void jsontext_add(struct buf *out, struct slice text)
{
    size_t at = 0;
    buf_add_char(out, '"');
    while (at < text.size) {
        char bytes[4];
        int32_t c = utf8_next(text, &at);
        if (c < 0) {
            c = REPLACEMENT;
            at++;
        }
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", (char)c);
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\u%04x", (unsigned)c);
        else
            buf_add(out, bytes, utf8_put(c, bytes));
    }
    buf_add_char(out, '"');
}
