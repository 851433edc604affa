/* Any bytes as a subject's name in a path: what is taken gives a statement values that it casts to,
   and the name as it came. */
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/hex.h"
#include "services/common/base/uuid.h"
#include "services/common/jsonio/jsonio.h"
#include "services/monitor/read_cases.h"

enum { MAC_BYTES = 16, NAME_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice text_of(const struct jsonio_value *root, const char *name)
{
    const struct jsonio_value *value = jsonio_find(root, name);
    CHECK(value != NULL && jsonio_type(value) == JSONIO_TYPE_STRING);
    return jsonio_string(value);
}

static int64_t number_of(const struct jsonio_value *root, const char *name)
{
    const struct jsonio_value *value = jsonio_find(root, name);
    CHECK(value != NULL && jsonio_type(value) == JSONIO_TYPE_INTEGER);
    return jsonio_integer(value);
}

static void check_taken(struct slice json, struct slice name)
{
    uint8_t mac[MAC_BYTES];
    struct jsonio_doc *doc;
    struct uuid record;
    struct err err;
    CHECK(jsonio_parse(json, 2, &doc, &err) == RC_OK);
    const struct jsonio_value *root = jsonio_root(doc);
    int64_t key_id = number_of(root, "key_id");
    int64_t ordinal = number_of(root, "ordinal");
    CHECK(slice_is_equal(text_of(root, "name"), name));
    CHECK(uuid_parse((const char *)text_of(root, "record").data, &record) == RC_OK);
    CHECK(number_of(root, "kind") >= 1 && number_of(root, "kind") <= 12);
    CHECK(key_id >= 0 && key_id <= UINT32_MAX);
    CHECK(ordinal >= 0 && ordinal <= INT32_MAX);
    CHECK(text_of(root, "mac").size == 2 * (size_t)MAC_BYTES);
    CHECK(hex_parse((const char *)text_of(root, "mac").data, mac, MAC_BYTES) == RC_OK);
    jsonio_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[NAME_MAX]; /* a part of a path ends with a NUL beyond its size */
    struct read_args args;
    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    buf_init(&args.json, 4 * NAME_MAX);
    buf_add_char(&args.json, '{');
    if (read_put_subject(&args, slice_of(text, size))) {
        buf_add_char(&args.json, '}');
        check_taken(buf_slice(&args.json), slice_of(text, size));
    }
    buf_done(&args.json);
    return 0;
}
