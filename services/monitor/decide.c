/* Decisions from the board. Invariant: a decision and its audit row commit together, and what needs
   two persons becomes no decision here but a proposal. */
#include "services/monitor/decide.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/common/base/limits.h"
#include "services/common/history/history_names.h"
#include "services/common/jsonio/jsonio.h"
#include "services/monitor/decide_handle.h"
#include "services/monitor/problem.h"
#include "services/monitor/propose.h"

enum { BULK_MAX = 100, MORE_BYTES = 80, OBJECT_BYTES = 64 };

enum rc decide_fault_answer(struct call *call, const struct decide_fault *fault)
{
    return call_problem(call, fault->status, fault->code,
                        fault->place[0] == '\0' ? NULL : fault->place,
                        fault->detail[0] == '\0' ? NULL : fault->detail);
}

/* ---- storing ---- */

static enum rc audit_decision(struct call *call, const char *kind, struct slice purpose, int64_t no,
                              struct err *err)
{
    char action[OBJECT_BYTES];
    char object[OBJECT_BYTES];
    snprintf(action, sizeof(action), "decide.%s", kind);
    snprintf(object, sizeof(object), "decision %" PRId64, no);
    return call_audit(call, action, purpose, slice_str(object), err);
}

enum rc decide_insert(struct call *call, const struct decide_row *row, int64_t *ret_no,
                      struct err *err)
{
    struct db_result *result;
    enum rc rc = call_select(
        call, "decide_insert",
        "insert into kasumori.decision (tenant, kind, made_by, second_by, reason, body) "
        "values ($1, $2, $3, nullif($4, ''), $5, $6) returning decision_no",
        &result, err, "sssssj", call->caller->tenant, slice_str(row->kind), row->made_by,
        row->second_by, row->reason, row->body);
    if (rc != RC_OK)
        return rc;
    *ret_no = db_result_int(result, 0, 0);
    db_result_free(result);
    return audit_decision(call, row->kind, row->reason, *ret_no, err);
}

static const char *bool_text(int is_so)
{
    return is_so ? "true" : "false";
}

static void write_body(const struct decide_request *request, struct buf *out)
{
    char more[MORE_BYTES] = "";
    if (request->has_elements)
        snprintf(more, sizeof(more), ",\"elements\":{\"act\":%s,\"beyond\":%s,\"harm\":%s}",
                 bool_text(request->act), bool_text(request->beyond), bool_text(request->harm));
    decision_write_body(&request->fact, more, out);
}

static enum rc store_body(struct call *call, const struct decide_request *request,
                          const struct buf *body, struct decide_result *result, struct err *err)
{
    if (body->is_failed)
        return err_set(err, RC_RETRY, "out of memory");
    if (decision_needs_two(request->fact.kind))
        return propose_insert(call, request, buf_slice(body), &result->proposal, err);
    const struct decide_row row = {.kind = history_decision_name(request->fact.kind),
                                   .made_by = call->caller->account,
                                   .reason = request->reason,
                                   .body = buf_slice(body)};
    return decide_insert(call, &row, &result->no, err);
}

enum rc decide_store(struct call *call, struct decide_request *request,
                     struct decide_result *ret_result, struct decide_fault *fault, struct err *err)
{
    struct decide_result result = {.no = 0};
    struct buf body;
    enum rc rc = decide_check(call, request, fault, err);
    if (rc == RC_OK && request->fact.kind == FACT_DECISION_ATTACH)
        rc = decide_handle(call, request, fault, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&body, LIMIT_MONITOR_PARAM_BYTES);
    write_body(request, &body);
    rc = store_body(call, request, &body, &result, err);
    buf_done(&body);
    if (rc == RC_OK)
        *ret_result = result;
    return rc;
}

/* ---- one ---- */

static void write_result(struct call *call, const struct decide_result *result)
{
    char uuid[UUID_TEXT_BYTES];
    call->status = 202;
    if (result->no > 0) {
        buf_addf(&call->out, "{\"decisionNo\":%" PRId64 "}\n", result->no);
        return;
    }
    uuid_format(&result->proposal, uuid);
    buf_addf(&call->out, "{\"proposal\":\"%s\"}\n", uuid);
}

enum rc decide(struct call *call, struct err *err)
{
    const struct jsonio_value *object;
    struct decide_request request;
    struct decide_result result;
    struct decide_fault fault = {.status = 0};
    enum rc rc = call_json(call, &object, err);
    if (rc != RC_OK)
        return rc;
    rc = decide_json(object, &request, &fault);
    if (rc == RC_OK)
        rc = decide_store(call, &request, &result, &fault, err);
    if (rc == RC_OK)
        write_result(call, &result);
    return rc == RC_REJECT && fault.status > 0 ? decide_fault_answer(call, &fault) : rc;
}

/* ---- many ---- */

static enum rc decide_item(struct call *call, const struct jsonio_value *item,
                           struct decide_result *ret_result, struct decide_fault *fault,
                           struct err *err)
{
    struct decide_request request;
    enum rc rc = decide_json(item, &request, fault);
    if (rc == RC_OK && decision_needs_two(request.fact.kind))
        rc = decide_fault_set(fault, 422, "bad_member", "kind",
                              "what needs two persons is proposed by itself");
    return rc == RC_OK ? decide_store(call, &request, ret_result, fault, err) : rc;
}

/* Each behind a savepoint of its own: one that is refused leaves nothing, the others stay. */
static enum rc decide_guarded(struct call *call, const struct jsonio_value *item,
                              struct decide_result *ret_result, struct decide_fault *fault,
                              struct err *err)
{
    enum rc rc = db_exec(call->db, "savepoint one", err);
    if (rc != RC_OK)
        return rc;
    rc = decide_item(call, item, ret_result, fault, err);
    if (rc == RC_OK)
        return db_exec(call->db, "release savepoint one", err);
    if (rc != RC_REJECT || fault->status == 0)
        return rc;
    rc = db_exec(call->db, "rollback to savepoint one", err);
    return rc == RC_OK ? RC_REJECT : rc;
}

static void write_refused(struct call *call, struct buf *refused, size_t index,
                          const struct decide_fault *fault)
{
    const struct problem problem = {.status = fault->status,
                                    .code = fault->code,
                                    .place = fault->place[0] == '\0' ? NULL : fault->place,
                                    .detail = fault->detail[0] == '\0' ? NULL : fault->detail};
    buf_addf(refused, "%s{\"index\":%zu,\"problem\":", refused->size == 0 ? "" : ",", index);
    problem_write(&problem, call->caller->is_japanese, refused);
    buf_add_char(refused, '}');
}

static enum rc decide_all(struct call *call, const struct jsonio_value *list, struct buf *refused,
                          struct err *err)
{
    size_t done = 0;
    buf_add_str(&call->out, "{\"decided\":[");
    for (size_t i = 0; i < jsonio_count(list); i++) {
        struct decide_fault fault = {.status = 0};
        struct decide_result result;
        enum rc rc = decide_guarded(call, jsonio_item(list, i), &result, &fault, err);
        if (rc == RC_OK)
            buf_addf(&call->out, "%s{\"index\":%zu,\"decisionNo\":%" PRId64 "}",
                     done++ == 0 ? "" : ",", i, result.no);
        else if (rc == RC_REJECT && fault.status > 0)
            write_refused(call, refused, i, &fault);
        else
            return rc;
    }
    if (refused->is_failed)
        return err_set(err, RC_RETRY, "out of memory");
    buf_addf(&call->out, "],\"done\":%zu,\"refused\":[", done);
    buf_add(&call->out, refused->data, refused->size);
    buf_add_str(&call->out, "]}\n");
    return RC_OK;
}

enum rc decide_bulk(struct call *call, struct err *err)
{
    const struct jsonio_value *object;
    struct buf refused;
    enum rc rc = call_json(call, &object, err);
    if (rc != RC_OK)
        return rc;
    const struct jsonio_value *list = jsonio_find(object, "decisions");
    if (list == NULL || jsonio_type(list) != JSONIO_TYPE_ARRAY || jsonio_count(list) == 0 ||
        jsonio_count(list) > BULK_MAX || jsonio_count(object) != 1)
        return call_problem(call, 400, "bad_member", "decisions", "want a list of 1 to 100");
    buf_init(&refused, LIMIT_MONITOR_ANSWER_BYTES / 2);
    rc = decide_all(call, list, &refused, err);
    buf_done(&refused);
    return rc;
}
