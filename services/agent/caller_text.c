/* Reading questions and answers. Invariant: an answer is believed whole or not at all, so that a
   broken one never looks like "nothing is known". */
#include "services/agent/caller_text.h"

#include <string.h>

#include "services/agent/normalise.h"
#include "services/agent/phone.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/record/record.h"

#define KIND(name) KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_##name

enum { QUESTION_DEPTH = 1, ANSWER_DEPTH = 5 };

/* -- the question -- */

struct question {
    uint32_t kind;
    const char *kind_name;
    struct slice value, purpose, call_id;
    struct err *err;
};

static enum rc visit(void *ctx, const char *key, const struct jsonio_value *value)
{
    static const struct {
        const char *key;
        uint32_t kind;
        const char *name;
    } KINDS[] = {
        {"number", KIND(PHONE), "phone"},      {"memberId", KIND(MEMBER), "member"},
        {"account", KIND(ACCOUNT), "account"}, {"mail", KIND(MAIL), "mail"},
        {"vehicle", KIND(VEHICLE), "vehicle"}, {"sns", KIND(SNS), "sns"},
    };
    struct question *question = ctx;
    int is_purpose = strcmp(key, "purpose") == 0;
    int is_call = strcmp(key, "callId") == 0;
    size_t at = 0;
    while (at < sizeof(KINDS) / sizeof(KINDS[0]) && strcmp(key, KINDS[at].key) != 0)
        at++;
    int is_identifier = at < sizeof(KINDS) / sizeof(KINDS[0]);
    if (!is_purpose && !is_call && !is_identifier)
        return err_set(question->err, RC_REJECT, "%.40s: unknown member", key);
    if (jsonio_type(value) != JSONIO_TYPE_STRING)
        return err_set(question->err, RC_REJECT, "%s: want a string", key);
    struct slice text = jsonio_string(value);
    if (text.size > (is_call ? LIMIT_NAME_BYTES : LIMIT_STRING_BYTES))
        return err_set(question->err, RC_REJECT, "%s: too long", key);
    if (is_purpose)
        question->purpose = text;
    else if (is_call)
        question->call_id = text;
    else if (question->kind != 0)
        return err_set(question->err, RC_REJECT, "%s: want one identifier, not two", key);
    else {
        question->kind = KINDS[at].kind;
        question->kind_name = KINDS[at].name;
        question->value = text;
    }
    return RC_OK;
}

static enum rc write_question(const struct question *question, const struct normalised *normalised,
                              const struct bundle *bundle, struct buf *out)
{
    struct token_mac macs[TOKEN_MACS_MAX];
    size_t count = token_make(bundle->token_keys, bundle->token_keys_count, normalised->kind,
                              normalised_slice(normalised), macs);
    if (count == 0)
        return err_set(question->err, RC_REJECT,
                       "this site holds no key for this kind of identifier");
    buf_add_str(out, "{\"tokens\":[");
    for (size_t i = 0; i < count; i++) {
        char mac[2 * TOKEN_MAC_BYTES + 1];
        hex_format(macs[i].mac, TOKEN_MAC_BYTES, mac);
        buf_addf(out, "%s{\"kind\":\"%s\",\"keyId\":%u,\"mac\":\"%s\"}", i == 0 ? "" : ",",
                 question->kind_name, macs[i].key_id, mac);
    }
    buf_add_str(out, "],\"purpose\":");
    jsonio_write_string(out, question->purpose);
    if (question->call_id.size > 0) {
        buf_add_str(out, ",\"callId\":");
        jsonio_write_string(out, question->call_id);
    }
    buf_add_str(out, ",\"site\":");
    jsonio_write_string(out, slice_str(bundle->site));
    buf_add_char(out, '}');
    return out->is_failed ? err_set(question->err, RC_RETRY, "out of memory") : RC_OK;
}

static enum caller_verdict verdict_of(uint32_t withheld)
{
    switch ((enum phone_withheld)withheld) {
    case PHONE_WITHHELD_BY_CALLER:
        return CALLER_VERDICT_WITHHELD;
    case PHONE_WITHHELD_PUBLIC_PHONE:
        return CALLER_VERDICT_PUBLIC_PHONE;
    case PHONE_WITHHELD_OUT_OF_AREA:
        return CALLER_VERDICT_OUT_OF_AREA;
    case PHONE_WITHHELD_NOT:
    case PHONE_WITHHELD_UNKNOWN:
        break;
    }
    return CALLER_VERDICT_NO_NUMBER;
}

static enum rc judge(const struct question *question, const struct bundle *bundle, struct buf *out,
                     enum caller_verdict *ret_verdict)
{
    struct normalised normalised;
    if (question->kind == 0 || question->value.size == 0)
        return err_set(question->err, RC_REJECT, "number: is required");
    if (question->purpose.size == 0)
        return err_set(question->err, RC_REJECT, "purpose: is required");
    enum rc rc = normalise_identifier(question->kind, question->value, &normalised, question->err);
    if (rc != RC_OK)
        return err_prefix(question->err, "%s",
                          question->kind == KIND(PHONE) ? "number" : "identifier");
    if (normalised.kind == 0) {
        *ret_verdict = verdict_of(normalised.withheld);
    } else if (normalised.kind == KIND(PHONE_IMPERSONAL)) {
        *ret_verdict = CALLER_VERDICT_IMPERSONAL;
    } else {
        rc = write_question(question, &normalised, bundle, out);
        if (rc == RC_OK)
            *ret_verdict = CALLER_VERDICT_ASK;
    }
    explicit_bzero(&normalised, sizeof(normalised));
    return rc;
}

enum rc caller_text_read(struct slice body, const struct bundle *bundle, struct buf *question,
                         enum caller_verdict *ret_verdict, struct err *err)
{
    struct err local;
    struct jsonio_doc *doc;
    struct question asked = {.err = err == NULL ? &local : err};
    enum rc rc = jsonio_parse(body, QUESTION_DEPTH, &doc, err);
    if (rc != RC_OK)
        return rc;
    if (jsonio_type(jsonio_root(doc)) != JSONIO_TYPE_OBJECT)
        rc = err_set(asked.err, RC_REJECT, "want a JSON object");
    else
        rc = jsonio_each(jsonio_root(doc), visit, &asked);
    if (rc == RC_OK)
        rc = judge(&asked, bundle, question, ret_verdict);
    jsonio_doc_free(doc);
    return rc;
}

/* -- the answer -- */

enum shape { SHAPE_STRING, SHAPE_BOOL, SHAPE_COUNT, SHAPE_STRINGS };

struct member {
    const char *name;
    enum shape shape;
};

static int is_strings(const struct jsonio_value *value)
{
    if (jsonio_type(value) != JSONIO_TYPE_ARRAY)
        return 0;
    for (size_t i = 0; i < jsonio_count(value); i++)
        if (jsonio_type(jsonio_item(value, i)) != JSONIO_TYPE_STRING)
            return 0;
    return 1;
}

static int has_shape(const struct jsonio_value *value, enum shape shape)
{
    if (value == NULL)
        return 0;
    switch (shape) {
    case SHAPE_STRING:
        return jsonio_type(value) == JSONIO_TYPE_STRING;
    case SHAPE_BOOL:
        return jsonio_type(value) == JSONIO_TYPE_BOOL;
    case SHAPE_COUNT:
        return jsonio_type(value) == JSONIO_TYPE_INTEGER && jsonio_integer(value) >= 0;
    case SHAPE_STRINGS:
        return is_strings(value);
    }
    return 0;
}

static int has_members(const struct jsonio_value *object, const struct member *members)
{
    if (object == NULL || jsonio_type(object) != JSONIO_TYPE_OBJECT)
        return 0;
    for (; members->name != NULL; members++)
        if (!has_shape(jsonio_find(object, members->name), members->shape))
            return 0;
    return 1;
}

static int has_list(const struct jsonio_value *object, const char *name,
                    const struct member *members)
{
    const struct jsonio_value *list = jsonio_find(object, name);
    if (list == NULL || jsonio_type(list) != JSONIO_TYPE_ARRAY)
        return 0;
    for (size_t i = 0; i < jsonio_count(list); i++)
        if (!has_members(jsonio_item(list, i), members))
            return 0;
    return 1;
}

static int is_whole(const struct jsonio_value *root)
{
    static const struct member TOP[] = {
        {"certainty", SHAPE_STRING}, {"sharedNumber", SHAPE_BOOL}, {"contacts", SHAPE_COUNT}, {0}};
    static const struct member CONTACT[] = {{"at", SHAPE_STRING},      {"site", SHAPE_STRING},
                                            {"channel", SHAPE_STRING}, {"matters", SHAPE_STRINGS},
                                            {"judged", SHAPE_BOOL},    {0}};
    static const struct member MATTER[] = {{"matter", SHAPE_STRING}, {"since", SHAPE_STRING}, {0}};
    static const struct member ANSWER[] = {{"matter", SHAPE_STRING},
                                           {"at", SHAPE_STRING},
                                           {"final", SHAPE_BOOL},
                                           {"site", SHAPE_STRING},
                                           {0}};
    static const struct member RESTRICTION[] = {
        {"kind", SHAPE_STRING}, {"until", SHAPE_STRING}, {"scope", SHAPE_STRINGS}, {0}};
    return has_members(root, TOP) && has_list(root, "lastContacts", CONTACT) &&
           has_list(root, "openMatters", MATTER) && has_list(root, "answers", ANSWER) &&
           has_list(root, "restrictions", RESTRICTION);
}

static enum rc read_state(const struct jsonio_value *root, int *ret_is_known)
{
    if (jsonio_type(root) != JSONIO_TYPE_OBJECT)
        return RC_REJECT;
    const struct jsonio_value *state = jsonio_find(root, "state");
    if (state == NULL || jsonio_type(state) != JSONIO_TYPE_STRING)
        return RC_REJECT;
    int is_known = slice_is_equal(jsonio_string(state), slice_str("known"));
    if (!is_known && !slice_is_equal(jsonio_string(state), slice_str("unknown")))
        return RC_REJECT;
    if (is_known && !is_whole(root))
        return RC_REJECT;
    *ret_is_known = is_known;
    return RC_OK;
}

enum rc caller_text_check_answer(struct slice text, int *ret_is_known)
{
    struct jsonio_doc *doc;
    struct err err;
    if (jsonio_parse(text, ANSWER_DEPTH, &doc, &err) != RC_OK)
        return RC_REJECT;
    enum rc rc = read_state(jsonio_root(doc), ret_is_known);
    jsonio_doc_free(doc);
    return rc;
}
