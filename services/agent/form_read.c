/* The form's JSON, member by member as one table. Invariant: place names the member being read
   whenever an error is set. */
#include <stdio.h>
#include <string.h>

#include "services/agent/form_draft.h"
#include "services/common/base/limits.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/record/record_build.h"

enum { MINUTES_MAX = 30 * 24 * 60, DEPTH_MAX = 4 };

const char *const form_categories[] = {"time",      "repeat",  "abuse", "violence", "threat",
                                       "authority", "offsite", "sns",   "sexual",   NULL};

/* What names stand for; ends with NULL. */
struct name {
    const char *name;
    uint32_t number;
};

static const struct name CHANNELS[] = {
    {"face_to_face", KASUMORI__V1__CHANNEL__CHANNEL_FACE_TO_FACE},
    {"phone", KASUMORI__V1__CHANNEL__CHANNEL_PHONE},
    {"visit", KASUMORI__V1__CHANNEL__CHANNEL_VISIT},
    {"mail", KASUMORI__V1__CHANNEL__CHANNEL_MAIL},
    {"chat", KASUMORI__V1__CHANNEL__CHANNEL_CHAT},
    {"sns", KASUMORI__V1__CHANNEL__CHANNEL_SNS},
    {"other", KASUMORI__V1__CHANNEL__CHANNEL_OTHER},
    {NULL, 0},
};

static const struct name TRIS[] = {
    {"yes", KASUMORI__V1__TRI__TRI_YES}, {"no", KASUMORI__V1__TRI__TRI_NO}, {NULL, 0}};

struct reader {
    const struct config_list *spots;
    struct arena *arena;
    struct form_entry *entry;
    char *place;
    struct err *err;
};

static enum rc fail(struct reader *r, const char *why)
{
    return err_set(r->err, RC_REJECT, "%s: %s", r->place[0] == '\0' ? "form" : r->place, why);
}

static enum rc read_text(struct reader *r, const struct jsonio_value *value, size_t bytes_max,
                         struct slice *ret_text)
{
    if (jsonio_type(value) != JSONIO_TYPE_STRING)
        return fail(r, "want a string");
    struct slice text = jsonio_string(value);
    if (text.size > bytes_max)
        return fail(r, "too long");
    const char *copy = arena_copy(r->arena, text.data, text.size);
    if (copy == NULL)
        return err_set(r->err, RC_FULL, "the form is too large");
    *ret_text = slice_of(copy, text.size);
    return RC_OK;
}

static enum rc read_name(struct reader *r, const struct jsonio_value *value,
                         const struct name *names, uint32_t *ret_number)
{
    if (jsonio_type(value) != JSONIO_TYPE_STRING)
        return fail(r, "want a name");
    for (; names->name != NULL; names++)
        if (slice_is_equal(jsonio_string(value), slice_str(names->name))) {
            *ret_number = names->number;
            return RC_OK;
        }
    return fail(r, "no such name");
}

static enum rc read_bool(struct reader *r, const struct jsonio_value *value, int *ret_bool)
{
    if (jsonio_type(value) != JSONIO_TYPE_BOOL)
        return fail(r, "want true or false");
    *ret_bool = jsonio_bool(value);
    return RC_OK;
}

static enum rc read_id(struct reader *r, const struct jsonio_value *value, struct uuid *ret_id)
{
    if (jsonio_type(value) != JSONIO_TYPE_STRING ||
        uuid_parse((const char *)jsonio_string(value).data, ret_id) != RC_OK)
        return fail(r, "want a UUID");
    return RC_OK;
}

static enum rc read_categories(struct reader *r, const struct jsonio_value *value)
{
    struct form_entry *entry = r->entry;
    if (jsonio_type(value) != JSONIO_TYPE_ARRAY || jsonio_count(value) > FORM_CATEGORIES_MAX)
        return fail(r, "want an array of at most 9 codes");
    for (size_t i = 0; i < jsonio_count(value); i++) {
        struct slice code;
        size_t at = 0;
        enum rc rc = read_text(r, jsonio_item(value, i), LIMIT_NAME_BYTES, &code);
        if (rc != RC_OK)
            return rc;
        while (form_categories[at] != NULL && !slice_is_equal(code, slice_str(form_categories[at])))
            at++;
        if (form_categories[at] == NULL)
            return fail(r, "no such category");
        for (size_t k = 0; k < entry->categories_count; k++)
            if (slice_is_equal(code, entry->categories[k]))
                return fail(r, "a category is there twice");
        entry->categories[entry->categories_count++] = code;
    }
    return RC_OK;
}

static enum rc read_spot(struct reader *r, const struct jsonio_value *value)
{
    const struct agent_spot *spots = r->spots->items;
    if (jsonio_type(value) != JSONIO_TYPE_STRING)
        return fail(r, "want a string");
    for (size_t i = 0; i < r->spots->count; i++)
        if (slice_is_equal(jsonio_string(value), slice_str(spots[i].name)))
            r->entry->spot = &spots[i];
    return r->entry->spot == NULL ? fail(r, "this site has no such spot") : RC_OK;
}

/* -- identifiers -- */

static enum rc read_kind(struct reader *r, const struct jsonio_value *value, uint32_t *ret_kind)
{
    static const struct name KINDS[] = {
        {"phone", KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE},
        {"member", KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_MEMBER},
        {"account", KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_ACCOUNT},
        {"mail", KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_MAIL},
        {"vehicle", KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_VEHICLE},
        {"sns", KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_SNS},
        {NULL, 0},
    };
    return read_name(r, value, KINDS, ret_kind);
}

static enum rc visit_identifier(void *ctx, const char *key, const struct jsonio_value *value)
{
    struct reader *r = ctx;
    size_t at = r->entry->identifiers_count;
    struct form_identifier *identifier = &r->entry->identifiers[at];
    snprintf(r->place, FORM_PLACE_BYTES, "identifiers[%zu].%.20s", at, key);
    if (strcmp(key, "kind") == 0)
        return read_kind(r, value, &identifier->kind);
    if (strcmp(key, "value") == 0)
        return read_text(r, value, LIMIT_RAW_IDENTIFIER_BYTES, &identifier->value);
    if (strcmp(key, "again") == 0)
        return read_text(r, value, LIMIT_RAW_IDENTIFIER_BYTES, &identifier->again);
    if (strcmp(key, "readBack") == 0)
        return read_bool(r, value, &identifier->is_read_back);
    return fail(r, "unknown member");
}

static enum rc read_identifiers(struct reader *r, const struct jsonio_value *value)
{
    struct form_entry *entry = r->entry;
    if (jsonio_type(value) != JSONIO_TYPE_ARRAY || jsonio_count(value) > FORM_IDENTIFIERS_MAX)
        return fail(r, "want an array of at most 4 identifiers");
    for (size_t i = 0; i < jsonio_count(value); i++) {
        const struct jsonio_value *item = jsonio_item(value, i);
        snprintf(r->place, FORM_PLACE_BYTES, "identifiers[%zu]", i);
        if (jsonio_type(item) != JSONIO_TYPE_OBJECT)
            return fail(r, "want an object");
        enum rc rc = jsonio_each(item, visit_identifier, r);
        if (rc != RC_OK)
            return rc;
        snprintf(r->place, FORM_PLACE_BYTES, "identifiers[%zu].value", i);
        if (entry->identifiers[i].kind == 0 || entry->identifiers[i].value.size == 0)
            return fail(r, "want kind and value");
        entry->identifiers_count++;
    }
    return RC_OK;
}

/* -- members -- */

static enum rc read_minutes(struct reader *r, const struct jsonio_value *value)
{
    if (jsonio_type(value) != JSONIO_TYPE_INTEGER || jsonio_integer(value) < 0 ||
        jsonio_integer(value) > MINUTES_MAX)
        return fail(r, "want 0 to 43200");
    r->entry->minutes_ago = jsonio_integer(value);
    return RC_OK;
}

enum member {
    MEMBER_FORM_ID,
    MEMBER_RECEIPT,
    MEMBER_REPORT_ID,
    MEMBER_MINUTES_AGO,
    MEMBER_CHANNEL,
    MEMBER_CATEGORIES,
    MEMBER_SPOT,
    MEMBER_STILL_HERE,
    MEMBER_HURT,
    MEMBER_POLICE,
    MEMBER_ANONYMOUS,
    MEMBER_WORDS,
    MEMBER_NOTE,
    MEMBER_REASON,
    MEMBER_CALL_ID,
    MEMBER_IDENTIFIERS,
    MEMBERS,
};

#define BIT(kind) (1U << FORM_KIND_##kind)
#define ALL (BIT(REPORT) | BIT(SUPPLEMENT) | BIT(CORRECTION) | BIT(RETRACTION))
#define WHOLE (BIT(REPORT) | BIT(CORRECTION))

static const struct {
    const char *name;
    unsigned kinds; /* that take it */
} MEMBER_TABLE[MEMBERS] = {
    [MEMBER_FORM_ID] = {"formId", ALL},
    [MEMBER_RECEIPT] = {"receipt", ALL & ~BIT(REPORT)},
    [MEMBER_REPORT_ID] = {"reportFormId", BIT(CORRECTION) | BIT(RETRACTION)},
    [MEMBER_MINUTES_AGO] = {"minutesAgo", WHOLE},
    [MEMBER_CHANNEL] = {"channel", WHOLE},
    [MEMBER_CATEGORIES] = {"categories", ALL & ~BIT(RETRACTION)},
    [MEMBER_SPOT] = {"spot", WHOLE},
    [MEMBER_STILL_HERE] = {"stillHere", WHOLE},
    [MEMBER_HURT] = {"hurt", ALL & ~BIT(RETRACTION)},
    [MEMBER_POLICE] = {"policeCalled", ALL & ~BIT(RETRACTION)},
    [MEMBER_ANONYMOUS] = {"anonymous", ALL},
    [MEMBER_WORDS] = {"words", ALL & ~BIT(RETRACTION)},
    [MEMBER_NOTE] = {"note", ALL & ~BIT(RETRACTION)},
    [MEMBER_REASON] = {"reason", BIT(RETRACTION)},
    [MEMBER_CALL_ID] = {"callId", WHOLE},
    [MEMBER_IDENTIFIERS] = {"identifiers", ALL & ~BIT(RETRACTION)},
};

static enum rc read_member(struct reader *r, enum member member, const struct jsonio_value *value)
{
    struct form_entry *entry = r->entry;
    switch (member) {
    case MEMBER_FORM_ID:
        return read_id(r, value, &entry->form_id);
    case MEMBER_RECEIPT:
        return read_text(r, value, LIMIT_NAME_BYTES, &entry->receipt);
    case MEMBER_REPORT_ID:
        return read_id(r, value, &entry->report_id);
    case MEMBER_MINUTES_AGO:
        return read_minutes(r, value);
    case MEMBER_CHANNEL:
        return read_name(r, value, CHANNELS, &entry->channel);
    case MEMBER_CATEGORIES:
        return read_categories(r, value);
    case MEMBER_SPOT:
        return read_spot(r, value);
    case MEMBER_STILL_HERE:
        return read_name(r, value, TRIS, &entry->still_here);
    case MEMBER_HURT:
        return read_name(r, value, TRIS, &entry->hurt);
    case MEMBER_POLICE:
        return read_bool(r, value, &entry->is_police_called);
    case MEMBER_ANONYMOUS:
        return read_bool(r, value, &entry->is_anonymous);
    case MEMBER_WORDS:
        return read_text(r, value, LIMIT_TEXT_BYTES, &entry->words);
    case MEMBER_NOTE:
        return read_text(r, value, LIMIT_TEXT_BYTES, &entry->note);
    case MEMBER_REASON:
        return read_text(r, value, LIMIT_TEXT_BYTES, &entry->reason);
    case MEMBER_CALL_ID:
        return read_text(r, value, LIMIT_STRING_BYTES, &entry->call_id);
    case MEMBER_IDENTIFIERS:
        return read_identifiers(r, value);
    case MEMBERS:
        break;
    }
    return fail(r, "unknown member");
}

static enum rc visit_member(void *ctx, const char *key, const struct jsonio_value *value)
{
    struct reader *r = ctx;
    snprintf(r->place, FORM_PLACE_BYTES, "%.40s", key);
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(MEMBER_TABLE[i].name, key) == 0 &&
            (MEMBER_TABLE[i].kinds & (1U << r->entry->kind)) != 0) {
            enum rc rc = read_member(r, (enum member)i, value);
            if (rc == RC_OK)
                r->place[0] = '\0';
            return rc;
        }
    return fail(r, "unknown member");
}

static int is_zero(const struct uuid *id)
{
    static const struct uuid ZERO;
    return uuid_compare(id, &ZERO) == 0;
}

static enum rc check_whole(struct reader *r)
{
    const struct form_entry *entry = r->entry;
    const char *missing = NULL;
    if (is_zero(&entry->form_id))
        missing = "formId";
    else if (entry->kind != FORM_KIND_REPORT && entry->receipt.size == 0)
        missing = "receipt";
    else if ((WHOLE & (1U << entry->kind)) != 0 && entry->channel == 0)
        missing = "channel";
    if (missing != NULL) {
        snprintf(r->place, FORM_PLACE_BYTES, "%s", missing);
        return fail(r, "is required");
    }
    int is_empty = entry->categories_count == 0 && entry->words.size == 0 &&
                   entry->note.size == 0 && entry->identifiers_count == 0 && entry->hurt == 0 &&
                   !entry->is_police_called;
    if (entry->kind == FORM_KIND_SUPPLEMENT && is_empty)
        return fail(r, "there is nothing in it");
    return RC_OK;
}

enum rc form_read(struct slice text, enum form_kind kind, const struct config_list *spots,
                  struct arena *arena, struct form_entry *ret_entry,
                  char ret_place[FORM_PLACE_BYTES], struct err *err)
{
    struct err local;
    struct jsonio_doc *doc;
    struct form_entry entry = {.kind = kind};
    struct reader r = {.spots = spots,
                       .arena = arena,
                       .entry = &entry,
                       .place = ret_place,
                       .err = err == NULL ? &local : err};
    ret_place[0] = '\0';
    enum rc rc = jsonio_parse(text, DEPTH_MAX, &doc, err);
    if (rc != RC_OK)
        return rc;
    if (jsonio_type(jsonio_root(doc)) != JSONIO_TYPE_OBJECT)
        rc = fail(&r, "want an object");
    else
        rc = jsonio_each(jsonio_root(doc), visit_member, &r);
    if (rc == RC_OK)
        rc = check_whole(&r);
    jsonio_doc_free(doc);
    if (rc == RC_OK)
        *ret_entry = entry;
    return rc;
}
