/* Reading a look-up's question. Invariant: nothing but values of the shape that the statement takes
   leaves this file, so that a caller's mistake never reaches the database, where others' questions
   are beside it. */
#include "services/monitor/lookup_question.h"

#include <stdio.h>

#include "services/common/base/hex.h"
#include "services/common/jsonio/jsonio.h"
#include "services/monitor/read_cases.h"

static const struct read_param PURPOSE = {.name = "purpose", .type = READ_TYPE_TEXT};
static const struct read_param SITE = {.name = "site", .type = READ_TYPE_NAME};
static const struct read_param CALL_ID = {.name = "callId", .type = READ_TYPE_NAME};

static enum rc refuse(struct call *call, const char *place, const char *why)
{
    return call_problem(call, 400, "bad_member", place, why);
}

/* The text of a member; NULL data when it is absent. */
static enum rc take_text(struct call *call, const struct jsonio_value *object,
                         const struct read_param *param, int is_required, struct slice *ret_text)
{
    const struct jsonio_value *value = jsonio_find(object, param->name);
    *ret_text = slice_of(NULL, 0);
    if (value == NULL)
        return is_required ? refuse(call, param->name, "it must be given") : RC_OK;
    if (jsonio_type(value) != JSONIO_TYPE_STRING)
        return refuse(call, param->name, "want a string");
    struct slice text = jsonio_string(value);
    if (!read_is_valid(param, (const char *)text.data))
        return refuse(call, param->name, "it is empty, too long or holds control characters");
    *ret_text = text;
    return RC_OK;
}

static enum rc take_token(struct call *call, const struct jsonio_value *value,
                          struct lookup_token *token)
{
    if (jsonio_type(value) != JSONIO_TYPE_OBJECT)
        return refuse(call, "tokens", "want objects");
    const struct jsonio_value *kind = jsonio_find(value, "kind");
    const struct jsonio_value *key_id = jsonio_find(value, "keyId");
    const struct jsonio_value *digits = jsonio_find(value, "mac");
    if (kind == NULL || jsonio_type(kind) != JSONIO_TYPE_STRING ||
        read_kind_number(jsonio_string(kind)) == 0)
        return refuse(call, "tokens.kind", "want the name of a kind that links");
    if (key_id == NULL || jsonio_type(key_id) != JSONIO_TYPE_INTEGER ||
        jsonio_integer(key_id) < 0 || jsonio_integer(key_id) > UINT32_MAX)
        return refuse(call, "tokens.keyId", "want a number from 0 to 4294967295");
    if (digits == NULL || jsonio_type(digits) != JSONIO_TYPE_STRING ||
        jsonio_string(digits).size != 2 * sizeof(token->mac.bytes) ||
        hex_parse((const char *)jsonio_string(digits).data, token->mac.bytes,
                  sizeof(token->mac.bytes)) != RC_OK)
        return refuse(call, "tokens.mac", "want 32 hexadecimal digits");
    token->kind = read_kind_number(jsonio_string(kind));
    token->key_id = jsonio_integer(key_id);
    return RC_OK;
}

static enum rc take_tokens(struct call *call, const struct jsonio_value *object,
                           struct lookup_question *question)
{
    const struct jsonio_value *tokens = jsonio_find(object, "tokens");
    enum rc rc = RC_OK;
    if (tokens == NULL || jsonio_type(tokens) != JSONIO_TYPE_ARRAY || jsonio_count(tokens) == 0 ||
        jsonio_count(tokens) > LOOKUP_TOKENS_MAX)
        return refuse(call, "tokens", "want an array of 1 to 8 tokens");
    question->tokens_count = jsonio_count(tokens);
    for (size_t i = 0; rc == RC_OK && i < question->tokens_count; i++)
        rc = take_token(call, jsonio_item(tokens, i), &question->tokens[i]);
    return rc;
}

static enum rc take_call_id(struct call *call, const struct jsonio_value *object,
                            struct lookup_question *question)
{
    struct slice id;
    enum rc rc = take_text(call, object, &CALL_ID, 0, &id);
    if (rc != RC_OK)
        return rc;
    int size = snprintf(question->object_text, sizeof(question->object_text), "call %.*s",
                        (int)id.size, id.size == 0 ? "" : (const char *)id.data);
    question->object = slice_of(question->object_text, (size_t)size);
    return RC_OK;
}

enum rc lookup_question_read(struct call *call, struct lookup_question *question, struct err *err)
{
    const struct jsonio_value *object;
    enum rc rc = call_json(call, &object, err);
    if (rc == RC_OK)
        rc = take_text(call, object, &PURPOSE, 1, &question->purpose);
    if (rc == RC_OK)
        rc = take_call_id(call, object, question);
    if (rc == RC_OK)
        rc = take_text(call, object, &SITE, 1, &question->site);
    if (rc == RC_OK && !call_sees_site(call, question->site))
        rc = refuse(call, "site", "the key is for another site");
    return rc == RC_OK ? take_tokens(call, object, question) : rc;
}
