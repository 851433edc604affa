/* Any text as the cursor of a list, under the question it claims to be of: what is taken gives a
   statement exactly the two values that it casts to, and is what would be written for them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/base64.h"
#include "services/common/base/check.h"
#include "services/common/jsonio/jsonio.h"
#include "services/monitor/read_cursor.h"

enum { TEXT_MAX = 512, HASH_DIGITS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the first digits say, or any when they are none. */
static uint64_t question_of(const char *text)
{
    uint8_t plain[TEXT_MAX];
    char digits[HASH_DIGITS + 1] = "";
    size_t size;
    if (base64_read(slice_str(text), plain, &size) == RC_OK && size >= HASH_DIGITS)
        memcpy(digits, plain, HASH_DIGITS);
    return strtoull(digits, NULL, 16);
}

static void check_again(int64_t at, struct slice id, enum read_type type, uint64_t question)
{
    struct buf key, again;
    struct read_args args;
    buf_init(&key, TEXT_MAX);
    buf_init(&again, TEXT_MAX);
    buf_init(&args.json, 4096);
    buf_add_char(&args.json, '{');
    buf_addf(&key, "%" PRId64 ".%.*s", at, (int)id.size, (const char *)id.data);
    read_cursor_write(&again, buf_slice(&key), question);
    CHECK(!again.is_failed);
    CHECK(read_cursor_read(&args, (const char *)again.data, type, question));
    buf_done(&key);
    buf_done(&again);
    buf_done(&args.json);
}

static void check_taken(struct buf *json, enum read_type type, uint64_t question)
{
    const struct read_param param = {.type = type};
    struct jsonio_doc *doc;
    struct err err;
    buf_add_char(json, '}');
    CHECK(jsonio_parse(buf_slice(json), 2, &doc, &err) == RC_OK);
    const struct jsonio_value *root = jsonio_root(doc);
    const struct jsonio_value *at = jsonio_find(root, "after_at");
    const struct jsonio_value *id = jsonio_find(root, "after_id");
    CHECK(jsonio_count(root) == 2 && at != NULL && id != NULL);
    CHECK(jsonio_type(at) == JSONIO_TYPE_INTEGER && jsonio_type(id) == JSONIO_TYPE_STRING);
    CHECK(read_is_valid(&param, (const char *)jsonio_string(id).data));
    check_again(jsonio_integer(at), jsonio_string(id), type, question);
    jsonio_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX];
    static const enum read_type TYPES[] = {READ_TYPE_UUID, READ_TYPE_NAME, READ_TYPE_PLACE};
    if (size >= sizeof(text) || memchr(data, '\0', size) != NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    uint64_t question = question_of(text);
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        struct read_args args;
        buf_init(&args.json, 4096);
        buf_add_char(&args.json, '{');
        if (read_cursor_read(&args, text, TYPES[i], question))
            check_taken(&args.json, TYPES[i], question);
        buf_done(&args.json);
    }
    return 0;
}
