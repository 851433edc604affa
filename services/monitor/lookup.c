/* What is known of a number, for a program that asks while it rings.
   Invariant: one statement answers, and the audit row of the look commits with it; tokens go into
   neither row nor log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/jsonio/jsonio.h"
#include "services/monitor/read_cases.h"
#include "services/monitor/sql.h"

enum { TOKENS_MAX = 8, MAC_BYTES = 16 };

static const struct read_param PURPOSE = {.name = "purpose", .type = READ_TYPE_TEXT};
static const struct read_param NAME = {.name = "callId", .type = READ_TYPE_NAME};

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

static enum rc put_token(struct read_args *args, struct call *call,
                         const struct jsonio_value *token)
{
    uint8_t mac[MAC_BYTES];
    if (jsonio_type(token) != JSONIO_TYPE_OBJECT)
        return refuse(call, "tokens", "want objects");
    const struct jsonio_value *kind = jsonio_find(token, "kind");
    const struct jsonio_value *key_id = jsonio_find(token, "keyId");
    const struct jsonio_value *digits = jsonio_find(token, "mac");
    if (kind == NULL || jsonio_type(kind) != JSONIO_TYPE_STRING ||
        read_kind_number(jsonio_string(kind)) == 0)
        return refuse(call, "tokens.kind", "want the name of a kind that links");
    if (key_id == NULL || jsonio_type(key_id) != JSONIO_TYPE_INTEGER ||
        jsonio_integer(key_id) < 0 || jsonio_integer(key_id) > UINT32_MAX)
        return refuse(call, "tokens.keyId", "want a number from 0 to 4294967295");
    if (digits == NULL || jsonio_type(digits) != JSONIO_TYPE_STRING ||
        jsonio_string(digits).size != 2 * MAC_BYTES ||
        hex_parse((const char *)jsonio_string(digits).data, mac, MAC_BYTES) != RC_OK)
        return refuse(call, "tokens.mac", "want 32 hexadecimal digits");
    buf_addf(&args->json, "{\"kind\":%d,\"keyId\":%" PRId64 ",\"mac\":\"%s\"}",
             read_kind_number(jsonio_string(kind)), jsonio_integer(key_id),
             (const char *)jsonio_string(digits).data);
    return RC_OK;
}

static enum rc put_tokens(struct read_args *args, struct call *call,
                          const struct jsonio_value *object)
{
    const struct jsonio_value *tokens = jsonio_find(object, "tokens");
    enum rc rc = RC_OK;
    if (tokens == NULL || jsonio_type(tokens) != JSONIO_TYPE_ARRAY || jsonio_count(tokens) == 0 ||
        jsonio_count(tokens) > TOKENS_MAX)
        return refuse(call, "tokens", "want an array of 1 to 8 tokens");
    read_args_raw(args, "tokens", "[");
    for (size_t i = 0; rc == RC_OK && i < jsonio_count(tokens); i++) {
        if (i > 0)
            buf_add_char(&args->json, ',');
        rc = put_token(args, call, jsonio_item(tokens, i));
    }
    buf_add_char(&args->json, ']');
    return rc;
}

static enum rc audit(struct call *call, struct slice purpose, struct slice call_id, struct err *err)
{
    char object[LIMIT_NAME_BYTES + sizeof("call ")];
    int size = snprintf(object, sizeof(object), "call %.*s", (int)call_id.size,
                        call_id.size == 0 ? "" : (const char *)call_id.data);
    return call_audit(call, "lookup", purpose, slice_of(object, (size_t)size), err);
}

static enum rc answer(struct call *call, struct read_args *args, const struct jsonio_value *object,
                      struct err *err)
{
    static const struct read READ = {.name = "lookup", .sql = sql_lookup};
    const struct read_param site_param = {.name = "site", .type = READ_TYPE_NAME};
    struct slice purpose, call_id, site;
    enum rc rc = take_text(call, object, &PURPOSE, 1, &purpose);
    if (rc == RC_OK)
        rc = take_text(call, object, &NAME, 0, &call_id);
    if (rc == RC_OK)
        rc = take_text(call, object, &site_param, 1, &site);
    if (rc == RC_OK && !call_sees_site(call, site))
        rc = refuse(call, "site", "the key is for another site");
    if (rc == RC_OK)
        rc = put_tokens(args, call, object);
    if (rc != RC_OK) {
        read_args_done(args);
        return rc;
    }
    read_args_text(args, "site", site);
    rc = read_answer(call, &READ, args, err);
    return rc == RC_OK ? audit(call, purpose, call_id, err) : rc;
}

enum rc lookup(struct call *call, struct err *err)
{
    const struct jsonio_value *object;
    struct read_args args;
    enum rc rc = call_json(call, &object, err);
    if (rc != RC_OK)
        return rc;
    read_args_init(&args, call);
    return answer(call, &args, object, err);
}
