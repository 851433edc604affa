/* Handles: tokens without a value, by which people are told to be the same. Invariant: a subject
   that has a handle gets no second one. */
#include "services/monitor/decide_handle.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/history/history_names.h"

/* A subject's name: record "." ordinal "." kind "." key id "." mac. */
struct name {
    struct uuid record;
    struct fact_token token;
    uint32_t ordinal;
};

static struct slice cut(struct slice *rest)
{
    const uint8_t *dot = rest->size == 0 ? NULL : memchr(rest->data, '.', rest->size);
    size_t size = dot == NULL ? rest->size : (size_t)(dot - rest->data);
    struct slice first = slice_of(rest->data, size);
    size_t skip = size + (dot != NULL);
    *rest = slice_of(rest->data + skip, rest->size - skip);
    return first;
}

static int read_number(struct slice text, int64_t most, uint32_t *ret_number)
{
    int64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || number > most)
            return 0;
        number = 10 * number + text.data[i] - '0';
    }
    *ret_number = (uint32_t)number;
    return text.size > 0 && number <= most;
}

/* text: NUL-terminated beyond its size. */
static int read_name(struct slice text, struct name *ret_name)
{
    struct slice rest = text;
    struct slice record = cut(&rest);
    char uuid[UUID_TEXT_BYTES];
    if (record.size != UUID_TEXT_BYTES - 1)
        return 0;
    snprintf(uuid, sizeof(uuid), "%.*s", (int)record.size, (const char *)record.data);
    return uuid_parse(uuid, &ret_name->record) == RC_OK &&
           read_number(cut(&rest), INT16_MAX, &ret_name->ordinal) &&
           history_kind_find(cut(&rest), &ret_name->token.kind) &&
           read_number(cut(&rest), UINT32_MAX, &ret_name->token.key_id) &&
           rest.size == 2 * FACT_MAC_BYTES &&
           hex_parse((const char *)rest.data, ret_name->token.mac, FACT_MAC_BYTES) == RC_OK;
}

static enum rc make_handle(uint8_t handle[FACT_MAC_BYTES], struct err *err)
{
    if (getrandom(handle, FACT_MAC_BYTES, 0) != FACT_MAC_BYTES)
        return err_set(err, RC_RETRY, "could not get random bytes: %m");
    return RC_OK;
}

static const char SUBJECT[] =
    "select (select h.mac from kasumori.class_run r2 join kasumori.token_class h "
    "on h.tenant = r2.tenant and h.class = r2.class and h.kind = 1 "
    "where r2.tenant = r.tenant and r2.subject = r.subject order by h.mac limit 1) "
    "from kasumori.token_class n join kasumori.class_run r on r.tenant = n.tenant "
    "and r.class = n.class join kasumori.occurrence_record o on o.tenant = n.tenant "
    "and o.record_id = $5 where n.tenant = $1 and n.kind = $2 and n.key_id = $3 and n.mac = $4 "
    "and r.subject is not null order by o.start_at between r.first_at and r.last_at desc limit 1";

static enum rc find_handle(struct call *call, const struct name *name, int *ret_is_known,
                           struct uuid *ret_handle, struct err *err)
{
    struct uuid mac;
    struct db_result *result;
    memcpy(mac.bytes, name->token.mac, UUID_BYTES);
    enum rc rc =
        call_select(call, "decide_handle", SUBJECT, &result, err, "siiuu", call->caller->tenant,
                    (int64_t)name->token.kind, (int64_t)name->token.key_id, &mac, &name->record);
    if (rc != RC_OK)
        return rc;
    *ret_is_known = db_result_rows(result) == 1;
    if (*ret_is_known)
        *ret_handle = db_result_uuid(result, 0, 0); /* the nil uuid: none yet */
    db_result_free(result);
    return RC_OK;
}

/* The subject's own mention gets the handle first. */
static enum rc attach_subject(struct call *call, const struct decide_request *request,
                              const struct name *name, struct err *err)
{
    struct fact_decision fact = request->fact;
    struct buf body;
    int64_t no;
    fact.records = &name->record;
    fact.ordinal = name->ordinal;
    buf_init(&body, LIMIT_STRING_BYTES * 2);
    decision_write_body(&fact, "", &body);
    const struct decide_row row = {.kind = history_decision_name(fact.kind),
                                   .made_by = call->caller->account,
                                   .reason = request->reason,
                                   .body = buf_slice(&body)};
    enum rc rc = body.is_failed ? err_set(err, RC_RETRY, "out of memory")
                                : decide_insert(call, &row, &no, err);
    buf_done(&body);
    return rc;
}

enum rc decide_handle(struct call *call, struct decide_request *request, struct decide_fault *fault,
                      struct err *err)
{
    static const struct uuid NIL = {.bytes = {0}};
    struct name name;
    struct uuid found = NIL;
    int is_known = 0;
    if (request->handle.size == 0)
        return make_handle(request->fact.handle, err);
    if (!read_name(request->handle, &name))
        return decide_fault_set(fault, 400, "bad_member", "handle", "want a subject's name");
    enum rc rc = find_handle(call, &name, &is_known, &found, err);
    if (rc != RC_OK)
        return rc;
    if (!is_known)
        return decide_fault_set(fault, 404, "not_found", "handle", NULL);
    memcpy(request->fact.handle, found.bytes, FACT_MAC_BYTES);
    if (uuid_compare(&found, &NIL) != 0)
        return RC_OK;
    rc = make_handle(request->fact.handle, err);
    return rc == RC_OK ? attach_subject(call, request, &name, err) : rc;
}
