/* Any bytes through the JSON reader: what it accepts is walked to its last value, within the depth
   that was allowed; what it refuses has a reason. Any bytes written as a string are read back. */
#include <string.h>

#include "services/common/base/buf.h"
#include "services/common/base/check.h"
#include "services/common/base/utf8.h"
#include "services/common/jsonio/jsonio.h"

enum { DEPTH_MAX = 8, OUT_BYTES_MAX = 1 << 22 };

static void walk(const struct jsonio_value *value, size_t depth);

static enum rc visit(void *ctx, const char *key, const struct jsonio_value *value)
{
    const size_t *depth = ctx;
    CHECK(utf8_is_valid(slice_str(key)));
    walk(value, *depth + 1);
    return RC_OK;
}

static void walk(const struct jsonio_value *value, size_t depth)
{
    switch (jsonio_type(value)) {
    case JSONIO_TYPE_OBJECT:
        CHECK(depth < DEPTH_MAX);
        CHECK(jsonio_each(value, visit, &depth) == RC_OK);
        return;
    case JSONIO_TYPE_ARRAY:
        CHECK(depth < DEPTH_MAX);
        for (size_t i = 0; i < jsonio_count(value); i++)
            walk(jsonio_item(value, i), depth + 1);
        return;
    case JSONIO_TYPE_STRING:
        CHECK(utf8_is_valid(jsonio_string(value)));
        CHECK(strlen((const char *)jsonio_string(value).data) == jsonio_string(value).size);
        return;
    case JSONIO_TYPE_INTEGER:
        (void)jsonio_integer(value);
        return;
    case JSONIO_TYPE_BOOL:
        CHECK((unsigned)jsonio_bool(value) <= 1);
        return;
    case JSONIO_TYPE_REAL:
    case JSONIO_TYPE_NULL:
        return;
    }
}

static void read_any(struct slice text)
{
    struct jsonio_doc *doc = NULL;
    struct err err = {.text = ""};
    enum rc rc = jsonio_parse(text, DEPTH_MAX, &doc, &err);
    if (rc == RC_OK) {
        CHECK(utf8_is_valid(text));
        walk(jsonio_root(doc), 0);
        jsonio_doc_free(doc);
        return;
    }
    CHECK(rc == RC_REJECT && doc == NULL && strncmp(err.text, "line ", 5) == 0);
}

static void write_and_read(struct slice text)
{
    struct buf out;
    struct jsonio_doc *doc = NULL;
    struct err err;
    buf_init(&out, OUT_BYTES_MAX);
    jsonio_write_string(&out, text);
    CHECK(!out.is_failed && utf8_is_valid(buf_slice(&out)));
    int has_nul = text.size > 0 && memchr(text.data, 0, text.size) != NULL;
    CHECK((jsonio_parse(buf_slice(&out), 0, &doc, &err) == RC_OK) == !has_nul);
    if (!has_nul) {
        struct slice back = jsonio_string(jsonio_root(doc));
        CHECK(!utf8_is_valid(text) || slice_is_equal(back, text));
    }
    jsonio_doc_free(doc);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_any(slice_of(data, size));
    write_and_read(slice_of(data, size));
    return 0;
}
