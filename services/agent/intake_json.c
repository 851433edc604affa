/* JSON into a draft, led by the message's own description, so that a new field of the wire needs no
   line here. Invariant: path names the value being read whenever an error is set. */
#include "services/agent/intake_json.h"

#include <ctype.h>
#include <string.h>

#include "services/common/base/base64.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/record/record_build.h"

enum { PATH_BYTES = 160, NAME_SHOWN_BYTES = 40 };

struct reader {
    struct arena *arena;
    struct draft *draft;
    const char *tenant;
    char path[PATH_BYTES];
    size_t path_size;
    struct err *err;
};

struct frame {
    struct reader *reader;
    struct record_node node;
};

static enum rc read_object(struct reader *r, struct record_node node,
                           const struct jsonio_value *value);

/* By hand: it runs for every field of every record, and printf showed in profiles. */
static void path_add(struct reader *r, const char *text, size_t size)
{
    size_t room = sizeof(r->path) - 1 - r->path_size;
    size = size < room ? size : room;
    memcpy(r->path + r->path_size, text, size);
    r->path_size += size;
    r->path[r->path_size] = '\0';
}

static size_t path_push_name(struct reader *r, const char *name)
{
    size_t old = r->path_size;
    if (old > 0)
        path_add(r, ".", 1);
    path_add(r, name, strnlen(name, NAME_SHOWN_BYTES));
    return old;
}

static size_t path_push_index(struct reader *r, size_t index)
{
    char digits[24];
    size_t old = r->path_size, at = sizeof(digits);
    digits[--at] = ']';
    do
        digits[--at] = (char)('0' + index % 10);
    while ((index /= 10) > 0);
    digits[--at] = '[';
    path_add(r, digits + at, sizeof(digits) - at);
    return old;
}

static void path_pop(struct reader *r, size_t old)
{
    r->path_size = old;
    r->path[old] = '\0';
}

static enum rc fail(struct reader *r, const char *why)
{
    return err_set(r->err, RC_REJECT, "%s: %s", r->path_size > 0 ? r->path : "record", why);
}

/* Puts the path before what a lower layer said. */
static enum rc placed(struct reader *r, enum rc rc, const struct err *why)
{
    if (rc == RC_OK)
        return RC_OK;
    return err_set(r->err, rc, "%s: %s", r->path_size > 0 ? r->path : "record", why->text);
}

static enum rc want(struct reader *r, const struct jsonio_value *value, const char *what)
{
    return err_set(r->err, RC_REJECT, "%s: want %s, not %s", r->path_size > 0 ? r->path : "record",
                   what, jsonio_type_name(jsonio_type(value)));
}

static int is_string(const struct jsonio_value *value)
{
    return jsonio_type(value) == JSONIO_TYPE_STRING;
}

/* Decimal text of an integer, as the mapping writes 64-bit numbers. */
static int parse_decimal(struct slice text, int64_t *ret_value)
{
    size_t at = 0;
    int is_negative = text.size > 0 && text.data[0] == '-';
    int64_t value = 0;
    at += (size_t)is_negative;
    if (at == text.size)
        return 0;
    for (; at < text.size; at++) {
        int digit = text.data[at] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return 0;
    }
    if (!is_negative && value == INT64_MIN)
        return 0;
    *ret_value = is_negative ? value : -value;
    return 1;
}

static enum rc read_integer(struct reader *r, struct record_node node,
                            const struct record_field *field, const struct jsonio_value *value)
{
    struct err why;
    int64_t number;
    if (jsonio_type(value) == JSONIO_TYPE_INTEGER) {
        number = jsonio_integer(value);
    } else if (!is_string(value)) {
        return want(r, value, "a whole number");
    } else if (!parse_decimal(jsonio_string(value), &number)) {
        if (field->type != RECORD_FIELD_TYPE_TIME)
            return fail(r, "want a whole number");
        struct slice text = jsonio_string(value);
        enum rc rc = timefmt_parse_rfc3339((const char *)text.data, &number, &why);
        if (rc != RC_OK)
            return placed(r, rc, &why);
    }
    return placed(r, record_build_integer(r->arena, node, field, number, &why), &why);
}

static enum rc read_bytes(struct reader *r, struct record_node node,
                          const struct record_field *field, const struct jsonio_value *value)
{
    struct err why;
    if (!is_string(value))
        return want(r, value, "a string");
    struct slice text = jsonio_string(value);
    if (text.size > LIMIT_STRING_BYTES)
        return fail(r, "too long");
    uint8_t data[LIMIT_STRING_BYTES];
    size_t size = 0;
    struct uuid uuid;
    if (uuid_parse((const char *)text.data, &uuid) == RC_OK) {
        memcpy(data, uuid.bytes, UUID_BYTES);
        size = UUID_BYTES;
    } else if (text.size == 64 && hex_parse((const char *)text.data, data, 32) == RC_OK) {
        size = 32;
    } else if (base64_read(text, data, &size) != RC_OK) {
        return fail(r, "want a UUID, a hexadecimal digest or base64");
    }
    return placed(r, record_build_bytes(r->arena, node, field, slice_of(data, size), &why), &why);
}

static enum rc keep_raw(struct reader *r, void *identifier, const struct jsonio_value *value)
{
    if (!is_string(value))
        return want(r, value, "a string");
    struct slice text = jsonio_string(value);
    struct draft *draft = r->draft;
    if (text.size == 0 || text.size > LIMIT_RAW_IDENTIFIER_BYTES)
        return err_set(r->err, RC_REJECT, "%s: want 1 to %d bytes", r->path,
                       LIMIT_RAW_IDENTIFIER_BYTES);
    if (draft->raws_count == DRAFT_RAWS_MAX)
        return fail(r, "too many identifiers in one record");
    char *copy = arena_copy(r->arena, text.data, text.size);
    if (copy == NULL)
        return err_set(r->err, RC_FULL, "record too large");
    draft->raws[draft->raws_count++] =
        (struct draft_raw){.identifier = identifier, .value = slice_of(copy, text.size)};
    return RC_OK;
}

/* Shorthands: a Text or a worker given as a plain string. */
static enum rc read_message_string(struct reader *r, struct record_node child,
                                   const struct jsonio_value *value)
{
    struct err why;
    struct record_field field;
    if (strcmp(record_build_name(child), "Text") == 0 && record_build_find(child, "value", &field))
        return placed(r, record_build_string(r->arena, child, &field, jsonio_string(value), &why),
                      &why);
    if (strcmp(record_build_name(child), "Identifier") == 0) {
        Kasumori__V1__Identifier *worker = child.message;
        worker->kind = KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_WORKER;
        worker->assurance = KASUMORI__V1__ASSURANCE__ASSURANCE_TYPED;
        return keep_raw(r, worker, value);
    }
    return want(r, value, "an object");
}

static enum rc read_message(struct reader *r, struct record_node node,
                            const struct record_field *field, const struct jsonio_value *value)
{
    struct err why;
    struct record_node child;
    enum rc rc = record_build_message(r->arena, node, field, &child, &why);
    if (rc != RC_OK)
        return placed(r, rc, &why);
    return is_string(value) ? read_message_string(r, child, value) : read_object(r, child, value);
}

/* People write enum names in either case. */
static enum rc read_enum(struct reader *r, struct record_node node,
                         const struct record_field *field, struct slice text)
{
    char name[LIMIT_NAME_BYTES + 1];
    struct err why;
    if (text.size >= sizeof(name))
        return fail(r, "no such name");
    for (size_t i = 0; i <= text.size; i++)
        name[i] = (char)toupper(text.data[i]);
    return placed(r, record_build_enum(r->arena, node, field, name, &why), &why);
}

static enum rc read_scalar(struct reader *r, struct record_node node,
                           const struct record_field *field, const struct jsonio_value *value)
{
    struct err why;
    enum rc rc = RC_OK;
    switch (field->type) {
    case RECORD_FIELD_TYPE_STRING:
        if (!is_string(value))
            return want(r, value, "a string");
        rc = record_build_string(r->arena, node, field, jsonio_string(value), &why);
        break;
    case RECORD_FIELD_TYPE_BYTES:
        return read_bytes(r, node, field, value);
    case RECORD_FIELD_TYPE_INTEGER:
    case RECORD_FIELD_TYPE_TIME:
        return read_integer(r, node, field, value);
    case RECORD_FIELD_TYPE_BOOL:
        if (jsonio_type(value) != JSONIO_TYPE_BOOL)
            return want(r, value, "true or false");
        rc = record_build_integer(r->arena, node, field, jsonio_bool(value), &why);
        break;
    case RECORD_FIELD_TYPE_ENUM:
        if (jsonio_type(value) == JSONIO_TYPE_INTEGER)
            return read_integer(r, node, field, value);
        if (!is_string(value))
            return want(r, value, "a name or a number");
        return read_enum(r, node, field, jsonio_string(value));
    case RECORD_FIELD_TYPE_MESSAGE:
        return read_message(r, node, field, value);
    }
    return placed(r, rc, &why);
}

static enum rc read_array(struct reader *r, struct record_node node,
                          const struct record_field *field, const struct jsonio_value *array)
{
    if (jsonio_type(array) != JSONIO_TYPE_ARRAY)
        return want(r, array, "an array");
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < jsonio_count(array); i++) {
        size_t old = path_push_index(r, i);
        rc = read_scalar(r, node, field, jsonio_item(array, i));
        if (rc == RC_OK)
            path_pop(r, old);
    }
    return rc;
}

static int is_one_of(const char *key, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(key, *names) == 0)
            return 1;
    return 0;
}

/* Fields that mean the agent itself. */
static enum rc refuse_own(struct reader *r, struct record_node node, const char *key)
{
    static const char *const RECORD[] = {
        "schemaMajor", "schema_major", "schemaMinor", "schema_minor",
        "clockState",  "clock_state",  NULL};
    static const char *const IDENTIFIER[] = {"tokens", "sealed", NULL};
    const char *name = record_build_name(node);
    if (strcmp(name, "Record") == 0 && is_one_of(key, RECORD))
        return fail(r, "is set by the agent");
    if (strcmp(name, "Identifier") == 0 && is_one_of(key, IDENTIFIER))
        return fail(r, "is made by the agent; give value");
    return RC_OK;
}

static enum rc visit_field(void *ctx, const char *key, const struct jsonio_value *value)
{
    struct frame *frame = ctx;
    struct reader *r = frame->reader;
    struct record_field field;
    size_t old = path_push_name(r, key);
    enum rc rc = refuse_own(r, frame->node, key);
    if (rc != RC_OK)
        return rc;
    int is_raw =
        strcmp(record_build_name(frame->node), "Identifier") == 0 && strcmp(key, "value") == 0;
    if (is_raw)
        rc = keep_raw(r, frame->node.message, value);
    else if (!record_build_find(frame->node, key, &field))
        rc = fail(r, "unknown field");
    else if (jsonio_type(value) == JSONIO_TYPE_NULL)
        rc = RC_OK; /* the mapping's way to say absent */
    else if (field.is_repeated)
        rc = read_array(r, frame->node, &field, value);
    else
        rc = read_scalar(r, frame->node, &field, value);
    if (rc == RC_OK)
        path_pop(r, old);
    return rc;
}

static enum rc read_object(struct reader *r, struct record_node node,
                           const struct jsonio_value *value)
{
    if (jsonio_type(value) != JSONIO_TYPE_OBJECT)
        return want(r, value, "an object");
    struct frame frame = {.reader = r, .node = node};
    return jsonio_each(value, visit_field, &frame);
}

static enum rc check_envelope(struct reader *r, const char *site)
{
    const Kasumori__V1__Record *record = r->draft->record;
    if (record->site[0] == '\0')
        return err_set(r->err, RC_REJECT, "site: is required");
    if (strcmp(record->site, site) != 0)
        return err_set(r->err, RC_REJECT, "site: this agent reports for %s only", site);
    if (record->tenant[0] != '\0' && strcmp(record->tenant, r->tenant) != 0)
        return err_set(r->err, RC_REJECT, "tenant: this agent reports for another tenant");
    if (record->occurred_start_us == 0)
        return err_set(r->err, RC_REJECT, "occurredStartUs: is required");
    return RC_OK;
}

enum rc intake_json_read(struct slice text, const char *tenant, const char *site,
                         struct arena *arena, struct draft *ret_draft, struct err *err)
{
    struct err local;
    struct jsonio_doc *doc;
    struct record_node root;
    struct reader r = {
        .arena = arena, .draft = ret_draft, .tenant = tenant, .err = err == NULL ? &local : err};
    enum rc rc = jsonio_parse(text, LIMIT_JSON_DEPTH, &doc, err);
    if (rc != RC_OK)
        return rc;
    ret_draft->raws_count = 0;
    rc = record_build_new(arena, &ret_draft->record, &root, err);
    if (rc == RC_OK)
        rc = read_object(&r, root, jsonio_root(doc));
    if (rc == RC_OK)
        rc = check_envelope(&r, site);
    jsonio_doc_free(doc);
    return rc;
}
