/* The second person. Invariant: a proposal becomes a decision at most once, by an account that is
   not its maker's, before it lapses: its row is locked, the table's constraints say the same. */
#include "services/monitor/propose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/base/jsontext.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/history/history_names.h"
#include "services/common/jsonio/jsonio.h"

enum { OBJECT_BYTES = 64 };

/* ---- proposing ---- */

static void write_class(struct buf *out, const struct fact_class *class)
{
    char mac[2 * FACT_MAC_BYTES + 1];
    char at[TIMEFMT_TEXT_BYTES];
    hex_format(class->token.mac, FACT_MAC_BYTES, mac);
    timefmt_format_utc(class->at_us, at);
    buf_addf(out, "{\"kind\":\"%s\",\"keyId\":%" PRIu32 ",\"mac\":\"%s\",\"at\":\"%s\"}",
             history_kind_name(class->token.kind), class->token.key_id, mac, at);
}

/* The request again, as the API shows it. */
static void write_request(const struct decide_request *request, struct buf *out)
{
    const struct fact_decision *fact = &request->fact;
    char until[TIMEFMT_TEXT_BYTES];
    timefmt_format_utc(fact->until_us, until);
    buf_addf(out, "{\"kind\":\"%s\",\"reason\":", history_decision_name(fact->kind));
    jsontext_add(out, request->reason);
    buf_addf(out, ",\"until\":\"%s\",\"classes\":[", until);
    for (size_t i = 0; i < fact->classes_count; i++) {
        buf_add_str(out, i == 0 ? "" : ",");
        write_class(out, &fact->classes[i]);
    }
    buf_add_char(out, ']');
    for (size_t i = 0; i < fact->scope_count; i++) {
        buf_add_str(out, i == 0 ? ",\"scope\":[" : ",");
        jsontext_add(out, fact->scope[i]);
    }
    buf_add_str(out, fact->scope_count == 0 ? "}" : "]}");
}

static enum rc audit(struct call *call, const char *what, struct slice kind, struct slice purpose,
                     const struct uuid *proposal, struct err *err)
{
    char action[OBJECT_BYTES];
    char object[OBJECT_BYTES];
    char uuid[UUID_TEXT_BYTES];
    uuid_format(proposal, uuid);
    snprintf(action, sizeof(action), "%s.%.*s", what, (int)kind.size, (const char *)kind.data);
    snprintf(object, sizeof(object), "proposal %s", uuid);
    return call_audit(call, action, purpose, slice_str(object), err);
}

static enum rc insert(struct call *call, const struct decide_request *request, struct slice written,
                      struct slice body, struct uuid *ret_proposal, struct err *err)
{
    struct db_result *result;
    enum rc rc = call_select(
        call, "propose_insert",
        "insert into kasumori.proposed_decision (tenant, kind, reason, request, body, made_by) "
        "values ($1, $2, $3, $4, $5, $6) returning proposal",
        &result, err, "sssjjs", call->caller->tenant,
        slice_str(history_decision_name(request->fact.kind)), request->reason, written, body,
        call->caller->account);
    if (rc != RC_OK)
        return rc;
    *ret_proposal = db_result_uuid(result, 0, 0);
    db_result_free(result);
    return RC_OK;
}

enum rc propose_insert(struct call *call, const struct decide_request *request, struct slice body,
                       struct uuid *ret_proposal, struct err *err)
{
    struct buf written;
    buf_init(&written, LIMIT_MONITOR_PARAM_BYTES);
    write_request(request, &written);
    enum rc rc = written.is_failed
                     ? err_set(err, RC_RETRY, "out of memory")
                     : insert(call, request, buf_slice(&written), body, ret_proposal, err);
    buf_done(&written);
    if (rc != RC_OK)
        return rc;
    return audit(call, "propose", slice_str(history_decision_name(request->fact.kind)),
                 request->reason, ret_proposal, err);
}

/* ---- closing ---- */

struct closing {
    struct uuid proposal;
    struct slice reason; /* of who closes */
    struct slice kind, made_by, first_reason, body;
};

static enum rc read_closing(struct call *call, struct closing *closing, struct err *err)
{
    const struct jsonio_value *object;
    struct err why;
    struct slice part = call_part(call, 0);
    if (part.size != UUID_TEXT_BYTES - 1 ||
        uuid_parse((const char *)part.data, &closing->proposal) != RC_OK)
        return call_problem(call, 404, "not_found", NULL, NULL);
    enum rc rc = call_json(call, &object, err);
    if (rc != RC_OK)
        return rc;
    const struct jsonio_value *reason = jsonio_find(object, "reason");
    if (reason == NULL || jsonio_type(reason) != JSONIO_TYPE_STRING || jsonio_count(object) != 1)
        return call_problem(call, 400, "bad_member", "reason", "want a string and nothing else");
    closing->reason = jsonio_string(reason);
    if (decision_check_text(closing->reason, DECISION_REASON_BYTES, &why) != RC_OK)
        return call_problem(call, 400, "bad_member", "reason", why.text);
    return RC_OK;
}

static enum rc keep(struct call *call, struct slice text, struct slice *ret_text, struct err *err)
{
    char *copy = arena_copy(call->arena, text.data, text.size);
    if (copy == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    *ret_text = slice_of(copy, text.size);
    return RC_OK;
}

static enum rc keep_row(struct call *call, const struct db_result *result, struct closing *closing,
                        struct err *err)
{
    struct slice *const to[] = {&closing->kind, &closing->made_by, &closing->first_reason,
                                &closing->body};
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sizeof(to) / sizeof(to[0]); i++)
        rc = keep(call, db_result_bytes(result, 0, i), to[i], err);
    return rc;
}

/* Locks the row. */
static enum rc lock_open(struct call *call, struct closing *closing, struct err *err)
{
    struct db_result *result;
    enum rc rc = call_select(
        call, "propose_lock",
        "select kind, made_by, reason, body::text, state = 'open' and expires_at > now() "
        "and (body ->> 'until')::bigint > extract(epoch from now()) * 1000000 "
        "from kasumori.proposed_decision where tenant = $1 and proposal = $2 for update",
        &result, err, "su", call->caller->tenant, &closing->proposal);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(result) == 0)
        rc = call_problem(call, 404, "not_found", NULL, NULL);
    else if (!db_result_int(result, 0, 4))
        rc = call_problem(call, 409, "closed", NULL, NULL);
    else
        rc = keep_row(call, result, closing, err);
    db_result_free(result);
    return rc;
}

static enum rc close_row(struct call *call, const struct closing *closing, const char *state,
                         int64_t decision_no, struct err *err)
{
    return call_select(call, "propose_close",
                       "update kasumori.proposed_decision set state = $3, closed_at = now(), "
                       "closed_by = $4, close_reason = $5, decision_no = nullif($6, 0) "
                       "where tenant = $1 and proposal = $2",
                       NULL, err, "susssi", call->caller->tenant, &closing->proposal,
                       slice_str(state), call->caller->account, closing->reason, decision_no);
}

enum rc propose_approve(struct call *call, struct err *err)
{
    struct closing closing;
    int64_t no = 0;
    enum rc rc = read_closing(call, &closing, err);
    if (rc == RC_OK)
        rc = lock_open(call, &closing, err);
    if (rc != RC_OK)
        return rc;
    if (slice_is_equal(closing.made_by, call->caller->account))
        return call_problem(call, 403, "same_person", NULL, NULL);
    const struct decide_row row = {.kind = (const char *)closing.kind.data,
                                   .made_by = closing.made_by,
                                   .second_by = call->caller->account,
                                   .reason = closing.first_reason,
                                   .body = closing.body};
    rc = decide_insert(call, &row, &no, err);
    if (rc == RC_OK)
        rc = close_row(call, &closing, "approved", no, err);
    if (rc == RC_OK)
        rc = audit(call, "approve", closing.kind, closing.reason, &closing.proposal, err);
    if (rc != RC_OK)
        return rc;
    call->status = 202;
    buf_addf(&call->out, "{\"decisionNo\":%" PRId64 "}\n", no);
    return RC_OK;
}

enum rc propose_withdraw(struct call *call, struct err *err)
{
    struct closing closing;
    enum rc rc = read_closing(call, &closing, err);
    if (rc == RC_OK)
        rc = lock_open(call, &closing, err);
    if (rc == RC_OK)
        rc = close_row(call, &closing, "withdrawn", 0, err);
    if (rc == RC_OK)
        rc = audit(call, "withdraw", closing.kind, closing.reason, &closing.proposal, err);
    call->status = rc == RC_OK ? 204 : call->status;
    return rc;
}

/* ---- looking ---- */

static const char LIST[] =
    "select coalesce(json_agg(json_strip_nulls(json_build_object('id', proposal, "
    "'decision', request, 'madeBy', made_by, 'madeAt', kasumori.rfc3339(made_at), "
    "'state', now_state, 'decisionNo', decision_no, 'expiresAt', kasumori.rfc3339(expires_at), "
    "'mayApprove', now_state = 'open' and made_by <> $3 and $4)) order by made_at desc, proposal), "
    "'[]')::text from (select * from (select *, "
    "case when state = 'open' and expires_at <= now() then 'expired' else state end as now_state "
    "from kasumori.proposed_decision where tenant = $1) as q "
    "where $2 = '' or now_state = $2 order by made_at desc limit 500) as p";

static int is_state(const char *text)
{
    static const char *const STATES[] = {"open", "approved", "withdrawn", "expired"};
    for (size_t i = 0; i < sizeof(STATES) / sizeof(STATES[0]); i++)
        if (strcmp(STATES[i], text) == 0)
            return 1;
    return 0;
}

enum rc propose_list(struct call *call, struct err *err)
{
    const char *given = call_query(call, "state");
    const char *state = given == NULL ? "" : given;
    struct db_result *result;
    if (given != NULL && !is_state(given))
        return call_problem(call, 400, "bad_parameter", "state",
                            "want open, approved, withdrawn or expired");
    enum rc rc = call_select(call, "propose_list", LIST, &result, err, "sssy", call->caller->tenant,
                             slice_str(state), call->caller->account,
                             call->caller->role == ROLE_HEADQUARTERS);
    if (rc != RC_OK)
        return rc;
    struct slice items = db_result_bytes(result, 0, 0);
    buf_add_str(&call->out, "{\"items\":");
    buf_add(&call->out, items.data, items.size);
    buf_add_str(&call->out, "}\n");
    db_result_free(result);
    return RC_OK;
}
