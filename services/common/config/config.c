/* YAML events into a struct, by a table. libyaml's event parser is used rather than a mapping
   library because only it shows each key's place, a key given twice, and anchors and tags to
   refuse. Invariant: whatever is allocated hangs in the target struct, so config_done frees a
   half-read one. */
#include "services/common/config/config.h"

#include <string.h>
#include <yaml.h>

#include "services/common/base/buf.h"
#include "services/common/base/check.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/config/config_value.h"

enum { FIELDS_MAX = 64, ITEMS_MAX_DEFAULT = 1024 };

struct reader {
    const char *name;
    yaml_parser_t parser;
    yaml_event_t event; /* current; type NO_EVENT before the first */
    struct err *err;
};

static enum rc fail_at(struct reader *r, yaml_mark_t mark, const char *key, const char *why)
{
    if (key == NULL)
        return err_set(r->err, RC_REJECT, "%s:%zu:%zu: %s", r->name, mark.line + 1, mark.column + 1,
                       why);
    return err_set(r->err, RC_REJECT, "%s:%zu:%zu: %s: %s", r->name, mark.line + 1, mark.column + 1,
                   key, why);
}

static enum rc fail(struct reader *r, const char *key, const char *why)
{
    return fail_at(r, r->event.start_mark, key, why);
}

static int has_decoration(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    case YAML_ALIAS_EVENT:
        return 1;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return 0;
    }
    return 0;
}

static enum rc next(struct reader *r)
{
    yaml_event_delete(&r->event);
    memset(&r->event, 0, sizeof(r->event));
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        const char *why = r->parser.problem == NULL ? "cannot read YAML" : r->parser.problem;
        return fail_at(r, r->parser.problem_mark, NULL, why);
    }
    if (has_decoration(&r->event))
        return fail(r, NULL, "anchors, aliases and tags are not allowed");
    return RC_OK;
}

static enum rc expect(struct reader *r, yaml_event_type_t type, const char *key, const char *why)
{
    return r->event.type == type ? RC_OK : fail(r, key, why);
}

static enum rc read_mapping(struct reader *r, const char *key, const struct config_field *fields,
                            void *base);

static enum rc read_scalar(struct reader *r, const struct config_field *field, void *base)
{
    static const char *const WANT[] = {
        [CONFIG_TYPE_STRING] = "want a string",    [CONFIG_TYPE_INT] = "want a whole number",
        [CONFIG_TYPE_BOOL] = "want true or false", [CONFIG_TYPE_DURATION] = "want a duration",
        [CONFIG_TYPE_SIZE] = "want a size",        [CONFIG_TYPE_SECTION] = "want a mapping",
        [CONFIG_TYPE_LIST] = "want a list",        [CONFIG_TYPE_STRINGS] = "want a list",
        [CONFIG_TYPE_MAP] = "want a mapping",
    };
    enum rc rc = expect(r, YAML_SCALAR_EVENT, field->key, WANT[field->type]);
    if (rc != RC_OK)
        return rc;
    const char *text = (const char *)r->event.data.scalar.value;
    if (strlen(text) != r->event.data.scalar.length)
        return fail(r, field->key, "holds a NUL character");
    struct err why;
    int is_plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    rc = config_value_set(field, text, is_plain, base, &why);
    if (rc == RC_OK || rc == RC_REJECT)
        return rc == RC_OK ? RC_OK : fail(r, field->key, why.text);
    return err_set(r->err, rc, "%s", why.text);
}

/* Makes room for one more item; the new one is zeroed and counted, so config_done sees it. */
static enum rc list_grow(struct reader *r, const struct config_field *field, size_t item_size,
                         struct config_list *list, void **ret_item)
{
    size_t items_max = field->items_max ? field->items_max : ITEMS_MAX_DEFAULT;
    if (list->count == items_max)
        return fail(r, field->key, "has too many items");
    void *items = mem_realloc(list->items, (list->count + 1) * item_size);
    if (items == NULL)
        return err_set(r->err, RC_RETRY, "out of memory");
    list->items = items;
    void *item = (char *)items + list->count * item_size;
    memset(item, 0, item_size);
    list->count++;
    *ret_item = item;
    return RC_OK;
}

static enum rc check_few(struct reader *r, const struct config_field *field,
                         const struct config_list *list)
{
    return list->count < field->items_min ? fail(r, field->key, "has too few items") : RC_OK;
}

static enum rc read_item(struct reader *r, const struct config_field *field,
                         const struct config_list *list, void *item)
{
    struct err why;
    yaml_mark_t start = r->event.start_mark;
    enum rc rc = read_mapping(r, field->key, field->fields, item);
    if (rc == RC_OK && field->check_last != NULL && field->check_last(list, &why) != RC_OK)
        rc = fail_at(r, start, field->key, why.text);
    return rc;
}

static enum rc read_list(struct reader *r, const struct config_field *field, void *base)
{
    struct config_list *list = (void *)((char *)base + field->offset);
    int is_strings = field->type == CONFIG_TYPE_STRINGS;
    size_t item_size = is_strings ? sizeof(char *) : field->item_size;
    const struct config_field string = {
        .key = field->key, .type = CONFIG_TYPE_STRING, .check = field->check};
    enum rc rc = expect(r, YAML_SEQUENCE_START_EVENT, field->key, "want a list");
    while (rc == RC_OK) {
        rc = next(r);
        if (rc != RC_OK)
            return rc;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return check_few(r, field, list);
        void *item;
        rc = list_grow(r, field, item_size, list, &item);
        if (rc == RC_OK && is_strings)
            rc = read_scalar(r, &string, item);
        else if (rc == RC_OK)
            rc = read_item(r, field, list, item);
    }
    return rc;
}

/* Whether the key of the newest item is one of an older one. */
static int is_repeated(const struct config_field *field, const struct config_list *list)
{
    size_t offset = field->fields[0].offset;
    const char *items = list->items;
    const char *newest =
        *(char *const *)(const void *)(items + (list->count - 1) * field->item_size + offset);
    for (size_t i = 0; i + 1 < list->count; i++)
        if (strcmp(*(char *const *)(const void *)(items + i * field->item_size + offset), newest) ==
            0)
            return 1;
    return 0;
}

static enum rc read_map(struct reader *r, const struct config_field *field, void *base)
{
    struct config_list *list = (void *)((char *)base + field->offset);
    enum rc rc = expect(r, YAML_MAPPING_START_EVENT, field->key, "want a mapping");
    while (rc == RC_OK) {
        rc = next(r);
        if (rc != RC_OK)
            return rc;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return check_few(r, field, list);
        void *item;
        rc = list_grow(r, field, field->item_size, list, &item);
        if (rc == RC_OK)
            rc = read_scalar(r, &field->fields[0], item);
        if (rc == RC_OK && is_repeated(field, list))
            rc = fail(r, *(char **)((char *)item + field->fields[0].offset), "given twice");
        if (rc == RC_OK)
            rc = next(r);
        if (rc == RC_OK)
            rc = read_scalar(r, &field->fields[1], item);
    }
    return rc;
}

static enum rc read_value(struct reader *r, const struct config_field *field, void *base)
{
    switch (field->type) {
    case CONFIG_TYPE_SECTION:
        return read_mapping(r, field->key, field->fields, (char *)base + field->offset);
    case CONFIG_TYPE_LIST:
    case CONFIG_TYPE_STRINGS:
        return read_list(r, field, base);
    case CONFIG_TYPE_MAP:
        return read_map(r, field, base);
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_BOOL:
    case CONFIG_TYPE_DURATION:
    case CONFIG_TYPE_SIZE:
        return read_scalar(r, field, base);
    }
    return err_set(r->err, RC_FATAL, "unknown field type");
}

static int is_scalar(enum config_type type)
{
    return type != CONFIG_TYPE_SECTION && type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_STRINGS &&
           type != CONFIG_TYPE_MAP;
}

/* Sets defaults of absent keys, also inside absent sections. A section that is absent needs none of
   its required keys. */
static enum rc set_standards(const struct config_field *fields, uint64_t seen, void *base,
                             struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && fields[i].key != NULL; i++) {
        if (seen >> i & 1)
            continue;
        if (fields[i].type == CONFIG_TYPE_SECTION)
            rc = set_standards(fields[i].fields, 0, (char *)base + fields[i].offset, err);
        else if (is_scalar(fields[i].type) && fields[i].standard != NULL)
            rc = config_value_set(&fields[i], fields[i].standard, 1, base, err);
    }
    return rc;
}

static enum rc finish_mapping(struct reader *r, const struct config_field *fields, uint64_t seen,
                              yaml_mark_t start, void *base)
{
    for (size_t i = 0; fields[i].key != NULL; i++)
        if (fields[i].is_required && !(seen >> i & 1))
            return fail_at(r, start, fields[i].key, "is required");
    return set_standards(fields, seen, base, r->err);
}

static enum rc read_key(struct reader *r, const struct config_field *fields, uint64_t *seen,
                        const struct config_field **ret_field)
{
    enum rc rc = expect(r, YAML_SCALAR_EVENT, NULL, "want a key");
    if (rc != RC_OK)
        return rc;
    const char *key = (const char *)r->event.data.scalar.value;
    size_t i = 0;
    while (fields[i].key != NULL && strcmp(fields[i].key, key) != 0)
        i++;
    if (fields[i].key == NULL)
        return fail(r, key, "unknown key");
    if (*seen >> i & 1)
        return fail(r, key, "given twice");
    CHECK(i < FIELDS_MAX);
    *seen |= UINT64_C(1) << i;
    *ret_field = &fields[i];
    return RC_OK;
}

/* key: of the section, NULL for the whole document. */
static enum rc read_mapping(struct reader *r, const char *key, const struct config_field *fields,
                            void *base)
{
    yaml_mark_t start = r->event.start_mark;
    uint64_t seen = 0;
    enum rc rc = expect(r, YAML_MAPPING_START_EVENT, key, "want a mapping of keys to values");
    while (rc == RC_OK) {
        const struct config_field *field;
        rc = next(r);
        if (rc == RC_OK && r->event.type == YAML_MAPPING_END_EVENT)
            return finish_mapping(r, fields, seen, start, base);
        if (rc == RC_OK)
            rc = read_key(r, fields, &seen, &field);
        if (rc == RC_OK)
            rc = next(r);
        if (rc == RC_OK)
            rc = read_value(r, field, base);
    }
    return rc;
}

static enum rc read_document(struct reader *r, const struct config_field *fields, void *config)
{
    enum rc rc = next(r); /* stream start */
    if (rc == RC_OK)
        rc = next(r);
    if (rc == RC_OK)
        rc = expect(r, YAML_DOCUMENT_START_EVENT, NULL, "the file is empty");
    if (rc == RC_OK)
        rc = next(r);
    if (rc == RC_OK)
        rc = read_mapping(r, NULL, fields, config);
    if (rc == RC_OK)
        rc = next(r); /* document end */
    if (rc == RC_OK)
        rc = next(r);
    if (rc == RC_OK)
        rc = expect(r, YAML_STREAM_END_EVENT, NULL, "only one document is allowed");
    return rc;
}

enum rc config_parse(const char *name, struct slice text, const struct config_field *fields,
                     void *config, size_t config_size, struct err *err)
{
    struct err local;
    struct reader r = {.name = name, .err = err == NULL ? &local : err};
    memset(config, 0, config_size);
    if (!yaml_parser_initialize(&r.parser))
        return err_set(err, RC_RETRY, "out of memory");
    yaml_parser_set_input_string(&r.parser, text.data, text.size);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    enum rc rc = read_document(&r, fields, config);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (rc != RC_OK)
        config_done(fields, config, config_size);
    return rc;
}

enum rc config_load(const char *path, int is_secret, const struct config_field *fields,
                    void *config, size_t config_size, struct err *err)
{
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    enum rc rc = is_secret ? file_read_secret(path, &text, err) : file_read(path, &text, err);
    if (rc == RC_OK)
        rc = config_parse(path, buf_slice(&text), fields, config, config_size, err);
    if (is_secret && text.data != NULL)
        explicit_bzero(text.data, text.capacity);
    buf_done(&text);
    return rc;
}

static void free_fields(const struct config_field *fields, void *base)
{
    for (const struct config_field *field = fields; field->key != NULL; field++) {
        void *place = (char *)base + field->offset;
        if (field->type == CONFIG_TYPE_STRING) {
            mem_free(*(char **)place);
        } else if (field->type == CONFIG_TYPE_SECTION) {
            free_fields(field->fields, place);
        } else if (!is_scalar(field->type)) {
            struct config_list *list = place;
            int is_strings = field->type == CONFIG_TYPE_STRINGS;
            for (size_t i = 0; i < list->count; i++) {
                if (is_strings)
                    mem_free(((char **)list->items)[i]);
                else
                    free_fields(field->fields, (char *)list->items + i * field->item_size);
            }
            mem_free(list->items);
        }
    }
}

void config_done(const struct config_field *fields, void *config, size_t config_size)
{
    free_fields(fields, config);
    explicit_bzero(config, config_size);
}
