/* The one door to jansson. Its messages quote the text near an error, and our input holds personal
   data: so the place is counted here and the reason put in words of our own. Invariant: a value
   handed out is jansson's own object, and lives as long as its document. */
#include "services/common/jsonio/jsonio.h"

#include <jansson.h>
#include <pthread.h>
#include <string.h>

#include "services/common/base/buf.h"
#include "services/common/base/check.h"
#include "services/common/base/jsontext.h"
#include "services/common/base/mem.h"
#include "services/common/jsonio/jsonio_scan.h"

struct jsonio_doc {
    json_t *root;
};

/* jansson reports some failed allocations as bad syntax. */
static _Thread_local int is_out_of_memory;

static void *alloc(size_t size)
{
    void *p = mem_alloc(size);
    if (p == NULL)
        is_out_of_memory = 1;
    return p;
}

static void set_up(void)
{
    json_set_alloc_funcs(alloc, mem_free);
}

static const char *reason_of(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        return "the text is not valid UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string holds a NUL";
    case json_error_duplicate_key:
        return "a key is given twice in one object";
    case json_error_numeric_overflow:
        return "a number is out of range (whole numbers have to fit 64 bits, signed)";
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_stack_overflow:
        return "objects and arrays are nested too deeply";
    case json_error_unknown:
    case json_error_out_of_memory:
    case json_error_cannot_open_file:
    case json_error_invalid_argument:
    case json_error_invalid_syntax:
    case json_error_invalid_format:
    case json_error_wrong_type:
    case json_error_null_value:
    case json_error_item_not_found:
    case json_error_index_out_of_range:
        return "this is not valid JSON";
    }
    return "this is not valid JSON";
}

static enum rc reject(struct slice text, size_t at, const char *reason, struct err *err)
{
    size_t line;
    size_t column;
    jsonio_scan_place(text, at, &line, &column);
    return err_set(err, RC_REJECT, "line %zu, column %zu: %s", line, column, reason);
}

enum rc jsonio_parse(struct slice text, size_t depth_max, struct jsonio_doc **ret_doc,
                     struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    json_error_t error;
    pthread_once(&once, set_up);
    /* jansson skips a NUL that follows a number. */
    const uint8_t *nul = text.size == 0 ? NULL : memchr(text.data, 0, text.size);
    if (nul != NULL)
        return reject(text, (size_t)(nul - text.data), "the text holds a NUL", err);
    size_t too_deep_at = jsonio_scan_depth(text, depth_max);
    if (too_deep_at < text.size)
        return reject(text, too_deep_at, "objects and arrays are nested too deeply", err);
    struct jsonio_doc *doc = mem_zalloc(sizeof(*doc));
    if (doc == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    is_out_of_memory = 0;
    doc->root = json_loadb(text.data == NULL ? "" : (const char *)text.data, text.size,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (doc->root != NULL && !is_out_of_memory) {
        *ret_doc = doc;
        return RC_OK;
    }
    jsonio_doc_free(doc);
    if (is_out_of_memory)
        return err_set(err, RC_RETRY, "out of memory");
    return reject(text, error.position < 0 ? 0 : (size_t)error.position, reason_of(&error), err);
}

void jsonio_doc_free(struct jsonio_doc *doc)
{
    if (doc == NULL)
        return;
    json_decref(doc->root);
    mem_free(doc);
}

/* -- values -- */

static const struct jsonio_value *wrap(const json_t *json)
{
    return (const struct jsonio_value *)json;
}

static const json_t *unwrap(const struct jsonio_value *value)
{
    return (const json_t *)value;
}

const struct jsonio_value *jsonio_root(const struct jsonio_doc *doc)
{
    return wrap(doc->root);
}

enum jsonio_type jsonio_type(const struct jsonio_value *value)
{
    switch (json_typeof(unwrap(value))) {
    case JSON_OBJECT:
        return JSONIO_TYPE_OBJECT;
    case JSON_ARRAY:
        return JSONIO_TYPE_ARRAY;
    case JSON_STRING:
        return JSONIO_TYPE_STRING;
    case JSON_INTEGER:
        return JSONIO_TYPE_INTEGER;
    case JSON_REAL:
        return JSONIO_TYPE_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSONIO_TYPE_BOOL;
    case JSON_NULL:
        return JSONIO_TYPE_NULL;
    }
    return JSONIO_TYPE_NULL;
}

const char *jsonio_type_name(enum jsonio_type type)
{
    static const char *const NAMES[] = {
        [JSONIO_TYPE_OBJECT] = "an object",   [JSONIO_TYPE_ARRAY] = "an array",
        [JSONIO_TYPE_STRING] = "a string",    [JSONIO_TYPE_INTEGER] = "a whole number",
        [JSONIO_TYPE_REAL] = "a real number", [JSONIO_TYPE_BOOL] = "true or false",
        [JSONIO_TYPE_NULL] = "null",
    };
    return NAMES[type];
}

struct slice jsonio_string(const struct jsonio_value *value)
{
    CHECK(json_is_string(unwrap(value)));
    return slice_of(json_string_value(unwrap(value)), json_string_length(unwrap(value)));
}

int64_t jsonio_integer(const struct jsonio_value *value)
{
    CHECK(json_is_integer(unwrap(value)));
    return json_integer_value(unwrap(value));
}

int jsonio_bool(const struct jsonio_value *value)
{
    CHECK(json_is_boolean(unwrap(value)));
    return json_is_true(unwrap(value));
}

size_t jsonio_count(const struct jsonio_value *value)
{
    const json_t *json = unwrap(value);
    CHECK(json_is_array(json) || json_is_object(json));
    return json_is_array(json) ? json_array_size(json) : json_object_size(json);
}

const struct jsonio_value *jsonio_item(const struct jsonio_value *array, size_t at)
{
    CHECK(json_is_array(unwrap(array)) && at < json_array_size(unwrap(array)));
    return wrap(json_array_get(unwrap(array), at));
}

const struct jsonio_value *jsonio_find(const struct jsonio_value *object, const char *key)
{
    CHECK(json_is_object(unwrap(object)));
    return wrap(json_object_get(unwrap(object), key));
}

enum rc jsonio_each(const struct jsonio_value *object,
                    enum rc (*visit)(void *ctx, const char *key, const struct jsonio_value *value),
                    void *ctx)
{
    /* jansson's iteration takes a mutable object and does not change it. */
    json_t *json = (json_t *)(uintptr_t)object;
    CHECK(json_is_object(json));
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
        enum rc rc = visit(ctx, json_object_iter_key(at), wrap(json_object_iter_value(at)));
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

/* -- writing -- */

void jsonio_write_string(struct buf *out, struct slice text)
{
    jsontext_add(out, text);
}
