/* What a handler may ask and say. Invariant: after call_problem nothing of a half-written answer is
   left, and the transaction will be rolled back. */
#include "services/monitor/call.h"

#include <stdarg.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/http/http.h"
#include "services/common/jsonio/jsonio.h"
#include "services/monitor/problem.h"
#include "services/monitor/routes.h"

enum { PARAMS_MAX = 24 };

const char *call_query(const struct call *call, const char *name)
{
    return http_request_query(call->request, name);
}

const char *call_header(const struct call *call, const char *name)
{
    return http_request_header(call->request, name);
}

struct slice call_part(const struct call *call, size_t n)
{
    return http_request_part(call->request, n);
}

enum rc call_problem(struct call *call, int status, const char *code, const char *place,
                     const char *detail)
{
    const struct problem problem = {
        .status = status, .code = code, .place = place, .detail = detail};
    CHECK(status >= 400 && status <= 599);
    buf_reset(&call->out);
    call->status = status;
    call->type = "application/problem+json";
    call->etag = slice_of(NULL, 0);
    call->cookie = slice_of(NULL, 0);
    call->disposition = slice_of(NULL, 0);
    problem_write(&problem, call->caller->is_japanese, &call->out);
    return RC_REJECT;
}

enum rc call_json(struct call *call, const struct jsonio_value **ret_object, struct err *err)
{
    struct err why;
    if (call->json == NULL) {
        enum rc rc = jsonio_parse(call->body, LIMIT_JSON_DEPTH, &call->json, &why);
        if (rc == RC_REJECT)
            return call_problem(call, 400, "bad_json", NULL, why.text);
        if (rc != RC_OK)
            return err_set(err, rc, "%s", why.text);
    }
    const struct jsonio_value *root = jsonio_root(call->json);
    if (jsonio_type(root) != JSONIO_TYPE_OBJECT)
        return call_problem(call, 400, "bad_json", NULL, "want one object");
    *ret_object = root;
    return RC_OK;
}

int call_sees_site(const struct call *call, struct slice site)
{
    const struct caller *caller = call->caller;
    if (caller->sites_count == 0)
        return (caller->role & (ROLE_SITE | ROLE_SUPERVISOR)) == 0;
    for (size_t i = 0; i < caller->sites_count; i++)
        if (slice_is_equal(caller->sites[i], site))
            return 1;
    return 0;
}

/* ---- statements ---- */

static enum db_type type_of(char letter)
{
    switch (letter) {
    case 'b':
        return DB_TYPE_BYTEA;
    case 'i':
        return DB_TYPE_INT8;
    case 't':
        return DB_TYPE_TIMESTAMPTZ;
    case 'u':
        return DB_TYPE_UUID;
    case 'j':
        return DB_TYPE_JSONB;
    case 'y':
        return DB_TYPE_BOOL;
    default:
        CHECK(letter == 's' || letter == 'S');
        return DB_TYPE_TEXT;
    }
}

static struct db_params *params_new(const char *types)
{
    enum db_type list[PARAMS_MAX];
    int is_array[PARAMS_MAX];
    size_t count = strlen(types);
    CHECK(count <= PARAMS_MAX);
    for (size_t i = 0; i < count; i++) {
        list[i] = type_of(types[i]);
        is_array[i] = types[i] == 'S';
    }
    return db_params_new(count, list, is_array, LIMIT_MONITOR_PARAM_BYTES);
}

static void put_slice(struct db_params *params, size_t at, char letter, struct slice value)
{
    if (value.data == NULL)
        db_put_null(params, at);
    else if (letter == 'b')
        db_put_bytes(params, at, value);
    else
        db_put_text(params, at, value);
}

static void put_sites(struct db_params *params, size_t at, const struct caller *caller)
{
    for (size_t i = 0; i < caller->sites_count; i++)
        db_put_text(params, at, caller->sites[i]);
}

static void put_uuid(struct db_params *params, size_t at, const struct uuid *uuid)
{
    if (uuid == NULL)
        db_put_null(params, at);
    else
        db_put_uuid(params, at, uuid);
}

enum rc call_select(struct call *call, const char *name, const char *sql,
                    struct db_result **ret_result, struct err *err, const char *types, ...)
{
    struct db_params *params = params_new(types);
    va_list args;
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    va_start(args, types);
    for (size_t i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'S')
            put_sites(params, i, call->caller);
        else if (types[i] == 'i')
            db_put_int(params, i, va_arg(args, int64_t));
        else if (types[i] == 't')
            db_put_time(params, i, va_arg(args, int64_t));
        else if (types[i] == 'u')
            put_uuid(params, i, va_arg(args, const struct uuid *));
        else if (types[i] == 'y')
            db_put_bool(params, i, va_arg(args, int));
        else
            put_slice(params, i, types[i], va_arg(args, struct slice));
    }
    va_end(args);
    enum rc rc = db_run(call->db, name, sql, params, ret_result, err);
    db_params_free(params);
    return rc;
}

static const char *role_name(enum role role)
{
    switch (role) {
    case ROLE_SITE:
        return "site";
    case ROLE_SUPERVISOR:
        return "supervisor";
    case ROLE_HEADQUARTERS:
        return "headquarters";
    case ROLE_PRIVACY:
        return "privacy";
    case ROLE_ADMIN:
        return "admin";
    case ROLE_MACHINE:
        return "machine";
    case ROLE_PEOPLE:
        break;
    }
    return ""; /* nobody */
}

const char *call_role(const struct call *call)
{
    return role_name(call->caller->role);
}

enum rc call_audit(struct call *call, const char *action, struct slice purpose, struct slice object,
                   struct err *err)
{
    return call_select(call, "call_audit",
                       "insert into kasumori.audit (tenant, actor, role, action, purpose, object) "
                       "values ($1, $2, $3, $4, coalesce($5, ''), coalesce($6, ''))",
                       NULL, err, "ssssss", call->caller->tenant, call->caller->account,
                       slice_str(call_role(call)), slice_str(action), purpose, object);
}

enum rc call_record_version(struct call *call, const struct uuid *record, int64_t *ret_no,
                            struct err *err)
{
    struct db_result *result;
    enum rc rc = call_select(call, "call_record_version",
                             "select coalesce(max(decision_no), 0) from kasumori.decision "
                             "where tenant = $1 and kasumori.decision_records(body) && "
                             "kasumori.names_of($1, $2)",
                             &result, err, "su", call->caller->tenant, record);
    if (rc != RC_OK)
        return rc;
    *ret_no = db_result_int(result, 0, 0);
    db_result_free(result);
    return RC_OK;
}
