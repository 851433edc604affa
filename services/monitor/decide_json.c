/* A decision's JSON. Invariant: what is read whole has exactly the parts its kind takes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/history/history_names.h"
#include "services/common/jsonio/jsonio.h"
#include "services/monitor/decide.h"

struct reading {
    struct decide_request *request;
    struct decide_fault *fault;
};

enum rc decide_fault_set(struct decide_fault *fault, int status, const char *code,
                         const char *place, const char *detail)
{
    fault->status = status;
    fault->code = code;
    snprintf(fault->place, sizeof(fault->place), "%s", place == NULL ? "" : place);
    snprintf(fault->detail, sizeof(fault->detail), "%s", detail == NULL ? "" : detail);
    return RC_REJECT;
}

static enum rc bad(struct reading *r, const char *place, const char *detail)
{
    return decide_fault_set(r->fault, 400, "bad_member", place, detail);
}

static enum rc bad_item(struct reading *r, const char *list, size_t at, const char *detail)
{
    char place[64];
    snprintf(place, sizeof(place), "%s[%zu]", list, at);
    return bad(r, place, detail);
}

static int is_string(const struct jsonio_value *value)
{
    return value != NULL && jsonio_type(value) == JSONIO_TYPE_STRING;
}

static int read_integer(const struct jsonio_value *value, int64_t least, int64_t most,
                        int64_t *ret_number)
{
    if (value == NULL || jsonio_type(value) != JSONIO_TYPE_INTEGER)
        return 0;
    *ret_number = jsonio_integer(value);
    return *ret_number >= least && *ret_number <= most;
}

/* ---- single members ---- */

static enum rc read_reason(struct reading *r, const struct jsonio_value *value)
{
    struct err why;
    if (!is_string(value))
        return bad(r, "reason", "want a string");
    r->request->reason = jsonio_string(value);
    if (decision_check_text(r->request->reason, DECISION_REASON_BYTES, &why) != RC_OK)
        return bad(r, "reason", why.text);
    return RC_OK;
}

static enum rc read_value(struct reading *r, const struct jsonio_value *value)
{
    struct fact_decision *fact = &r->request->fact;
    struct slice text = is_string(value) ? jsonio_string(value) : slice_str("");
    if (fact->kind == FACT_DECISION_VERDICT)
        return history_verdict_find(text, &fact->verdict)
                   ? RC_OK
                   : bad(r, "value", "want complaint, suspected, confirmed or rejected");
    fact->is_yes = slice_is_equal(text, slice_str("yes"));
    if (!fact->is_yes && !slice_is_equal(text, slice_str("no")))
        return bad(r, "value", "want yes or no");
    return RC_OK;
}

static enum rc read_name(struct reading *r, const struct jsonio_value *value)
{
    struct fact_decision *fact = &r->request->fact;
    struct err why;
    if (!is_string(value))
        return bad(r, "name", "want a string");
    fact->name = jsonio_string(value);
    enum rc rc = fact->kind == FACT_DECISION_ACK
                     ? decision_check_rule(fact->name, &why)
                     : decision_check_text(fact->name, LIMIT_STRING_BYTES, &why);
    return rc == RC_OK ? rc : bad(r, "name", why.text);
}

static enum rc read_until(struct reading *r, const struct jsonio_value *value)
{
    struct err why;
    int64_t *until = &r->request->fact.until_us;
    if (!is_string(value))
        return bad(r, "until", "want a time");
    if (timefmt_parse_rfc3339((const char *)jsonio_string(value).data, until, &why) != RC_OK)
        return bad(r, "until", why.text);
    if (*until <= clock_now_us(clock_real()))
        return bad(r, "until", "the end has passed already");
    return RC_OK;
}

static enum rc read_ordinal(struct reading *r, const struct jsonio_value *value)
{
    int64_t number;
    if (!read_integer(value, 0, INT16_MAX, &number))
        return bad(r, "ordinal", "want a number from 0");
    r->request->fact.ordinal = (uint32_t)number;
    return RC_OK;
}

static enum rc read_revokes(struct reading *r, const struct jsonio_value *value)
{
    return read_integer(value, 1, INT64_MAX, &r->request->fact.revoked_no)
               ? RC_OK
               : bad(r, "revokes", "want a decision's number");
}

static enum rc read_handle(struct reading *r, const struct jsonio_value *value)
{
    if (!is_string(value) || jsonio_string(value).size == 0)
        return bad(r, "handle", "want a subject's name");
    r->request->handle = jsonio_string(value);
    return RC_OK;
}

static int read_element(const struct jsonio_value *elements, const char *name, int *ret_is_so)
{
    const struct jsonio_value *value = jsonio_find(elements, name);
    if (value == NULL || jsonio_type(value) != JSONIO_TYPE_BOOL)
        return 0;
    *ret_is_so = jsonio_bool(value);
    return 1;
}

static enum rc read_elements(struct reading *r, const struct jsonio_value *value)
{
    struct decide_request *request = r->request;
    if (request->fact.kind != FACT_DECISION_VERDICT)
        return bad(r, "elements", "only a verdict has them");
    if (jsonio_type(value) != JSONIO_TYPE_OBJECT || jsonio_count(value) != 3 ||
        !read_element(value, "act", &request->act) ||
        !read_element(value, "beyond", &request->beyond) ||
        !read_element(value, "harm", &request->harm))
        return bad(r, "elements", "want act, beyond and harm, each true or false");
    request->has_elements = 1;
    return RC_OK;
}

/* ---- lists ---- */

static enum rc check_list(struct reading *r, const char *name, const struct jsonio_value *value)
{
    if (jsonio_type(value) != JSONIO_TYPE_ARRAY || jsonio_count(value) == 0 ||
        jsonio_count(value) > DECISION_NAMES_MAX)
        return bad(r, name, "want a list of 1 to 64");
    return RC_OK;
}

static enum rc read_records(struct reading *r, const struct jsonio_value *value)
{
    struct decide_request *request = r->request;
    enum rc rc = check_list(r, "records", value);
    size_t count = rc == RC_OK ? jsonio_count(value) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct jsonio_value *item = jsonio_item(value, i);
        if (!is_string(item) ||
            uuid_parse((const char *)jsonio_string(item).data, &request->records[i]) != RC_OK)
            return bad_item(r, "records", i, "want a UUID");
        for (size_t j = 0; j < i; j++)
            if (uuid_compare(&request->records[i], &request->records[j]) == 0)
                return bad_item(r, "records", i, "it is named twice");
    }
    request->fact.records = request->records;
    request->fact.records_count = count;
    return rc;
}

static int read_class(const struct jsonio_value *item, struct fact_class *class)
{
    struct err why;
    int64_t key_id;
    if (jsonio_type(item) != JSONIO_TYPE_OBJECT)
        return 0;
    const struct jsonio_value *kind = jsonio_find(item, "kind");
    const struct jsonio_value *mac = jsonio_find(item, "mac");
    const struct jsonio_value *at = jsonio_find(item, "at");
    if (!is_string(kind) || !is_string(mac) || !is_string(at) || jsonio_count(item) != 4 ||
        !history_kind_find(jsonio_string(kind), &class->token.kind) ||
        !read_integer(jsonio_find(item, "keyId"), 0, UINT32_MAX, &key_id))
        return 0;
    class->token.key_id = (uint32_t)key_id;
    return jsonio_string(mac).size == 2 * FACT_MAC_BYTES &&
           hex_parse((const char *)jsonio_string(mac).data, class->token.mac, FACT_MAC_BYTES) ==
               RC_OK &&
           timefmt_parse_rfc3339((const char *)jsonio_string(at).data, &class->at_us, &why) ==
               RC_OK;
}

static enum rc read_classes(struct reading *r, const struct jsonio_value *value)
{
    struct decide_request *request = r->request;
    enum rc rc = check_list(r, "classes", value);
    size_t count = rc == RC_OK ? jsonio_count(value) : 0;
    for (size_t i = 0; i < count; i++)
        if (!read_class(jsonio_item(value, i), &request->classes[i]))
            return bad_item(r, "classes", i, "want kind, keyId, mac of 32 digits, and at");
    request->fact.classes = request->classes;
    request->fact.classes_count = count;
    return rc;
}

static enum rc read_scope(struct reading *r, const struct jsonio_value *value)
{
    struct decide_request *request = r->request;
    enum rc rc = check_list(r, "scope", value);
    size_t count = rc == RC_OK ? jsonio_count(value) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct jsonio_value *item = jsonio_item(value, i);
        if (!is_string(item) || jsonio_string(item).size == 0 ||
            jsonio_string(item).size > LIMIT_NAME_BYTES)
            return bad_item(r, "scope", i, "want a site");
        request->scope[i] = jsonio_string(item);
    }
    request->fact.scope = request->scope;
    request->fact.scope_count = count;
    return rc;
}

/* ---- all ---- */

static const struct member {
    const char *name;
    unsigned part; /* 0: outside the stored parts */
    enum rc (*read)(struct reading *r, const struct jsonio_value *value);
} MEMBERS[] = {
    {"reason", 0, read_reason},
    {"records", DECISION_PART_RECORDS, read_records},
    {"classes", DECISION_PART_CLASSES, read_classes},
    {"value", DECISION_PART_VALUE, read_value},
    {"elements", 0, read_elements},
    {"ordinal", DECISION_PART_ORDINAL, read_ordinal},
    {"handle", DECISION_PART_HANDLE, read_handle},
    {"name", DECISION_PART_NAME, read_name},
    {"scope", DECISION_PART_SCOPE, read_scope},
    {"until", DECISION_PART_UNTIL, read_until},
    {"revokes", DECISION_PART_REVOKED, read_revokes},
};

static enum rc visit(void *ctx, const char *key, const struct jsonio_value *value)
{
    struct reading *r = ctx;
    unsigned parts = decision_parts(r->request->fact.kind);
    if (strcmp(key, "kind") == 0)
        return RC_OK;
    for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++) {
        const struct member *member = &MEMBERS[i];
        if (strcmp(member->name, key) != 0)
            continue;
        if (member->part != 0 && (parts & member->part) == 0)
            return bad(r, member->name, "this kind has none");
        r->request->given |= member->part;
        return member->read(r, value);
    }
    return bad(r, NULL, "a member is not known");
}

/* The scope may be absent: the chain; so may the handle: a new one. */
static enum rc check_given(struct reading *r)
{
    unsigned wanted = decision_parts(r->request->fact.kind) &
                      ~(unsigned)(DECISION_PART_SCOPE | DECISION_PART_HANDLE);
    struct err why;
    enum decision_part part;
    for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++)
        if ((wanted & MEMBERS[i].part & ~r->request->given) != 0)
            return bad(r, MEMBERS[i].name, "it must be given");
    if (r->request->reason.size == 0)
        return bad(r, "reason", "it must be given");
    if (decision_check_counts(&r->request->fact, &part, &why) != RC_OK)
        return bad(r, part == DECISION_PART_RECORDS ? "records" : "classes", why.text);
    return RC_OK;
}

/* Law 2026's three elements: a verdict answers each, and confirms only what has all. */
static enum rc check_elements(struct reading *r)
{
    const struct decide_request *request = r->request;
    int has_all = request->act && request->beyond && request->harm;
    if (request->fact.kind != FACT_DECISION_VERDICT)
        return RC_OK;
    if (!request->has_elements)
        return bad(r, "elements", "a verdict answers act, beyond and harm");
    if (request->fact.verdict == FACT_VERDICT_CONFIRMED && !has_all)
        return bad(r, "elements", "confirmed needs all three to be so");
    return RC_OK;
}

enum rc decide_json(const struct jsonio_value *value, struct decide_request *request,
                    struct decide_fault *fault)
{
    struct reading r = {.request = request, .fault = fault};
    memset(request, 0, sizeof(*request));
    if (jsonio_type(value) != JSONIO_TYPE_OBJECT)
        return bad(&r, NULL, "want an object");
    const struct jsonio_value *kind = jsonio_find(value, "kind");
    if (!is_string(kind) || !history_decision_find(jsonio_string(kind), &request->fact.kind))
        return bad(&r, "kind", "want one of the kinds of decisions");
    enum rc rc = jsonio_each(value, visit, &r);
    if (rc == RC_OK)
        rc = check_given(&r);
    return rc == RC_OK ? check_elements(&r) : rc;
}
