/* Code tables by table. Invariant: what is accepted is whole: codes differ, names come in pairs,
   a complete scheme has no unknown name, and mappings start at codes of the file. */
#include "services/cli/category_file.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/utf8.h"

enum { CATEGORIES_MAX = 256, MAPPINGS_MAX = 1024, SEVERITY_MOST = 5 };

/* Parts of scheme:version:code. */
static enum rc check_part(const char *text, struct err *err)
{
    size_t size = 0;
    int is_good = utf8_is_valid(slice_str(text));
    for (; is_good && text[size] != '\0'; size++) {
        unsigned char byte = (unsigned char)text[size];
        is_good = byte > ' ' && byte != 0x7f && byte != ':';
    }
    if (!is_good || size == 0 || size > LIMIT_NAME_BYTES)
        return err_set(err, RC_REJECT, "want 1 to %d bytes without spaces and colons",
                       LIMIT_NAME_BYTES);
    return RC_OK;
}

static enum rc check_name(const char *text, struct err *err)
{
    size_t size = strlen(text);
    int is_good = size > 0 && size <= LIMIT_STRING_BYTES && utf8_is_valid(slice_str(text));
    for (size_t i = 0; is_good && i < size; i++)
        is_good = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
    if (!is_good)
        return err_set(err, RC_REJECT, "want a name of 1 to %d bytes in one line",
                       LIMIT_STRING_BYTES);
    return RC_OK;
}

static enum rc check_category(const struct config_list *list, struct err *err)
{
    const struct category_line *line = list->items, *last = &line[list->count - 1];
    for (; line < last; line++)
        if (strcmp(line->code, last->code) == 0)
            return err_set(err, RC_REJECT, "%s: given twice", last->code);
    if ((last->ja == NULL) != (last->en == NULL))
        return err_set(err, RC_REJECT, "%s: want both ja and en, or neither", last->code);
    return RC_OK;
}

#define TEXT(name, struct_, member, is_required_, check_)                               \
    {                                                                                   \
        .key = (name), .type = CONFIG_TYPE_STRING, .offset = offsetof(struct_, member), \
        .is_required = (is_required_), .check = (check_)                                \
    }

static const struct config_field CATEGORY[] = {
    TEXT("code", struct category_line, code, 1, check_part),
    TEXT("ja", struct category_line, ja, 0, check_name),
    TEXT("en", struct category_line, en, 0, check_name),
    {.key = "severity",
     .type = CONFIG_TYPE_INT,
     .offset = offsetof(struct category_line, severity),
     .min = 1,
     .max = SEVERITY_MOST},
    {0},
};

static const struct config_field MAPPING[] = {
    TEXT("code", struct mapping_line, code, 1, check_part),
    TEXT("scheme", struct mapping_line, scheme, 1, check_part),
    TEXT("version", struct mapping_line, version, 1, check_part),
    TEXT("to", struct mapping_line, to, 1, check_part),
    {0},
};

static const struct config_field FILE_FIELDS[] = {
    TEXT("scheme", struct category_file, scheme, 1, check_part),
    TEXT("version", struct category_file, version, 1, check_part),
    TEXT("ja", struct category_file, ja, 1, check_name),
    TEXT("en", struct category_file, en, 1, check_name),
    {.key = "complete",
     .type = CONFIG_TYPE_BOOL,
     .offset = offsetof(struct category_file, is_complete),
     .help = "all codes of the scheme are in the file"},
    {.key = "categories",
     .type = CONFIG_TYPE_LIST,
     .offset = offsetof(struct category_file, categories),
     .is_required = 1,
     .fields = CATEGORY,
     .item_size = sizeof(struct category_line),
     .items_min = 1,
     .items_max = CATEGORIES_MAX,
     .check_last = check_category,
     .help = "codes in the scheme's own order"},
    {.key = "mappings",
     .type = CONFIG_TYPE_LIST,
     .offset = offsetof(struct category_file, mappings),
     .fields = MAPPING,
     .item_size = sizeof(struct mapping_line),
     .items_max = MAPPINGS_MAX,
     .help = "codes of other schemes that a code is near to"},
    {0},
};

static int has_code(const struct category_file *file, const char *code)
{
    const struct category_line *line = file->categories.items;
    for (size_t i = 0; i < file->categories.count; i++)
        if (strcmp(line[i].code, code) == 0)
            return 1;
    return 0;
}

static enum rc check_whole(const char *name, const struct category_file *file, struct err *err)
{
    const struct category_line *category = file->categories.items;
    const struct mapping_line *mapping = file->mappings.items;
    for (size_t i = 0; file->is_complete && i < file->categories.count; i++)
        if (category[i].ja == NULL)
            return err_set(err, RC_REJECT,
                           "%s: categories: %s: a complete scheme has no code without names", name,
                           category[i].code);
    for (size_t i = 0; i < file->mappings.count; i++) {
        if (!has_code(file, mapping[i].code))
            return err_set(err, RC_REJECT, "%s: mappings: %s: is no code of the file", name,
                           mapping[i].code);
        if (strcmp(mapping[i].scheme, file->scheme) == 0 &&
            strcmp(mapping[i].version, file->version) == 0)
            return err_set(err, RC_REJECT, "%s: mappings: %s: leads to the scheme itself", name,
                           mapping[i].code);
    }
    return RC_OK;
}

enum rc category_file_parse(const char *name, struct slice text, struct category_file *ret_file,
                            struct err *err)
{
    struct category_file file;
    enum rc rc = config_parse(name, text, FILE_FIELDS, &file, sizeof(file), err);
    if (rc != RC_OK)
        return rc;
    rc = check_whole(name, &file, err);
    if (rc == RC_OK)
        *ret_file = file;
    else
        category_file_done(&file);
    return rc;
}

void category_file_done(struct category_file *file)
{
    config_done(FILE_FIELDS, file, sizeof(*file));
}
