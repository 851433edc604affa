/* Routes by segments. A segment is split off before it is decoded, so an escaped slash stays within
   its part. Invariant: the guard has let the path through, so every "%" has its two digits. */
#include "services/common/http/http_path.h"

/* Of the segment at *at, behind its slash; *at moves behind the segment. */
static struct slice segment_next(struct slice path, size_t *at)
{
    size_t from = *at + 1;
    size_t end = from;
    while (end < path.size && path.data[end] != '/')
        end++;
    *at = end;
    return slice_of(path.data + from, end - from);
}

static int is_star(struct slice segment)
{
    return segment.size == 1 && segment.data[0] == '*';
}

int http_path_fits(const char *pattern, struct slice path)
{
    struct slice want = slice_str(pattern);
    size_t want_at = 0;
    size_t at = 0;
    while (want_at < want.size && at < path.size && path.data[at] == '/') {
        struct slice segment = segment_next(path, &at);
        struct slice wanted = segment_next(want, &want_at);
        if (is_star(wanted) ? segment.size == 0 : !slice_is_equal(wanted, segment))
            return 0;
    }
    return want_at == want.size && at == path.size;
}

static unsigned digit_of(uint8_t c)
{
    unsigned digit = c;
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

static size_t decode(struct slice segment, char *text)
{
    size_t size = 0;
    for (size_t i = 0; i < segment.size; i++) {
        uint8_t c = segment.data[i];
        if (c == '%' && i + 2 < segment.size) {
            c = (uint8_t)(digit_of(segment.data[i + 1]) << 4 | digit_of(segment.data[i + 2]));
            i += 2;
        }
        text[size++] = (char)c;
    }
    text[size] = '\0';
    return size;
}

size_t http_path_parts(const char *pattern, struct slice path, char *text,
                       struct slice parts[HTTP_PATH_PARTS_MAX])
{
    struct slice want = slice_str(pattern);
    size_t want_at = 0;
    size_t at = 0;
    size_t count = 0;
    while (want_at < want.size && count < HTTP_PATH_PARTS_MAX) {
        struct slice segment = segment_next(path, &at);
        if (!is_star(segment_next(want, &want_at)))
            continue;
        size_t size = decode(segment, text);
        parts[count++] = slice_of(text, size);
        text += size + 1; /* the slash before each segment paid for its NUL */
    }
    return count;
}
