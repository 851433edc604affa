/* Whether a decision may be taken and means anything. Invariant: the same questions that the core
   asks (docs/correlation.md §1.1), put to derived rows instead of to all facts, so that an answer
   takes milliseconds; what the core finds inert all the same is shown as such. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/monitor/decide.h"

struct check {
    struct call *call;
    const struct decide_request *request;
    struct decide_fault *fault;
    struct err *err;
};

static enum rc fault(struct check *check, int status, const char *code, const char *place,
                     const char *detail)
{
    return decide_fault_set(check->fault, status, code, place, detail);
}

static enum rc fault_at(struct check *check, int status, const char *code, const char *list,
                        size_t at)
{
    char place[32];
    snprintf(place, sizeof(place), "%s[%zu]", list, at);
    return decide_fault_set(check->fault, status, code, place, NULL);
}

/* ---- who may ---- */

static enum rc check_role(struct check *check)
{
    enum fact_decision_kind kind = check->request->fact.kind;
    int may = 1;
    switch (check->call->caller->role) {
    case ROLE_SUPERVISOR:
        may = kind == FACT_DECISION_VERDICT || kind == FACT_DECISION_REVOKE;
        break;
    case ROLE_PRIVACY:
        may = kind == FACT_DECISION_NOT_LISTABLE || kind == FACT_DECISION_REVOKE;
        break;
    case ROLE_HEADQUARTERS:
        break;
    case ROLE_SITE:
    case ROLE_ADMIN:
    case ROLE_MACHINE:
    case ROLE_PEOPLE:
        may = 0;
        break;
    }
    return may ? RC_OK : fault(check, 403, "forbidden", "kind", NULL);
}

/* ---- records ---- */

/* The contact or incident behind a supplement or correction, as the core names records. */
#define RECORD_BASE                                                               \
    "with base as (select coalesce(u.target_id, n.target_id, n.record_id) as id " \
    "from kasumori.record n left join kasumori.record u on u.tenant = $1 "        \
    "and u.record_id = n.target_id and u.kind = 3 where n.tenant = $1 and n.record_id = $2) "

static const char RECORD[] = RECORD_BASE
    "select o.record_id is not null, r.appended_at > coalesce((select at from kasumori.correlated "
    "where tenant = $1), '-infinity'), "
    "kasumori.is_party($3, kasumori.names_of($1, base.id) || array(select unnest("
    "kasumori.names_of($1, m.record_id)) from kasumori.occurrence_record m "
    "where m.tenant = $1 and m.occurrence = o.occurrence)), "
    "cardinality($4::text[]) = 0 or r.site = any ($4) "
    "or coalesce(b.concerned_site, r.concerned_site) = any ($4) "
    "from base join kasumori.record r on r.tenant = $1 and r.record_id = base.id "
    "left join kasumori.occurrence_record o on o.tenant = $1 and o.record_id = base.id "
    "left join kasumori.record b on b.tenant = $1 and b.record_id = o.effective_id";

enum { RECORD_IS_EFFECTIVE, RECORD_IS_NEW, RECORD_IS_PARTY, RECORD_IS_SEEN };

static enum rc check_record(struct check *check, size_t at)
{
    struct call *call = check->call;
    struct db_result *result;
    enum rc rc =
        call_select(call, "decide_record", RECORD, &result, check->err, "susS",
                    call->caller->tenant, &check->request->records[at], call->caller->account);
    if (rc != RC_OK)
        return rc;
    int is_known = db_result_rows(result) == 1 && db_result_int(result, 0, RECORD_IS_SEEN);
    int is_effective = is_known && db_result_int(result, 0, RECORD_IS_EFFECTIVE);
    int is_new = is_known && db_result_int(result, 0, RECORD_IS_NEW);
    int is_party = is_known && db_result_int(result, 0, RECORD_IS_PARTY);
    db_result_free(result);
    if (!is_known)
        return fault_at(check, 404, "not_found", "records", at);
    if (!is_effective)
        return is_new ? fault_at(check, 409, "pending", "records", at)
                      : fault(check, 422, "inert", "records", "a record is retracted or training");
    if (is_party && check->request->fact.kind == FACT_DECISION_VERDICT)
        return fault_at(check, 403, "party", "records", at);
    return RC_OK;
}

/* The person may be named in the record, in what supplements it, or without any identifier. */
static const char SUBJECT[] = RECORD_BASE
    "select exists (select from kasumori.sighting s where s.tenant = $1 "
    "and s.record_id = any (kasumori.names_of($1, base.id)) and s.person = $3 and s.role = 1) "
    "or exists (select from kasumori.record r, unnest(r.bare_persons, r.bare_roles) as bare "
    "(person, role) "
    "where r.tenant = $1 and r.record_id = any (kasumori.names_of($1, base.id)) "
    "and bare.person = $3 and bare.role = 1) from base";

static enum rc check_attach(struct check *check)
{
    struct call *call = check->call;
    struct db_result *result;
    enum rc rc = call_select(call, "decide_subject", SUBJECT, &result, check->err, "sui",
                             call->caller->tenant, &check->request->records[0],
                             (int64_t)check->request->fact.ordinal);
    if (rc != RC_OK)
        return rc;
    int has_it = db_result_rows(result) == 1 && db_result_int(result, 0, 0);
    db_result_free(result);
    return has_it ? RC_OK
                  : fault(check, 422, "inert", "ordinal",
                          "the record has no subject of that ordinal whom a handle could be given");
}

/* ---- classes ---- */

struct found {
    int64_t class;
    int64_t run_us; /* start of the run that holds the time named */
    int is_seen_then;
};

static const char CLASS[] =
    "select t.class, r.first_at from kasumori.token_class t left join kasumori.class_run r "
    "on r.tenant = t.tenant and r.class = t.class and $5 between r.first_at and r.last_at "
    "where t.tenant = $1 and t.kind = $2 and t.key_id = $3 and t.mac = $4 "
    "and exists (select from kasumori.class_run any_run where any_run.tenant = t.tenant "
    "and any_run.class = t.class) limit 1";

static enum rc check_class(struct check *check, size_t at, struct found *ret_found)
{
    const struct fact_class *class = &check->request->classes[at];
    struct uuid mac;
    struct db_result *result;
    memcpy(mac.bytes, class->token.mac, UUID_BYTES);
    enum rc rc = call_select(check->call, "decide_class", CLASS, &result, check->err, "siiut",
                             check->call->caller->tenant, (int64_t) class->token.kind,
                             (int64_t) class->token.key_id, &mac, class->at_us);
    if (rc != RC_OK)
        return rc;
    int is_known = db_result_rows(result) == 1;
    if (is_known)
        *ret_found = (struct found){.class = db_result_int(result, 0, 0),
                                    .run_us = db_result_time(result, 0, 1),
                                    .is_seen_then = !db_result_is_null(result, 0, 1)};
    db_result_free(result);
    return is_known ? RC_OK : fault_at(check, 404, "not_found", "classes", at);
}

static enum rc check_edge(struct check *check, int64_t a, int64_t b)
{
    struct db_result *result;
    enum rc rc =
        call_select(check->call, "decide_edge",
                    "select exists (select from kasumori.edge where tenant = $1 and "
                    "((class_a = $2 and class_b = $3) or (class_a = $3 and class_b = $2)))",
                    &result, check->err, "sii", check->call->caller->tenant, a, b);
    if (rc != RC_OK)
        return rc;
    int has_edge = (int)db_result_int(result, 0, 0);
    db_result_free(result);
    return has_edge ? RC_OK
                    : fault(check, 422, "inert", "classes", "nothing links these two classes");
}

static enum rc check_pair(struct check *check, const struct found *found)
{
    const struct fact_decision *fact = &check->request->fact;
    int needs_time = fact->kind == FACT_DECISION_LINK || fact->kind == FACT_DECISION_PIN_SHARED;
    for (size_t i = 0; needs_time && i < fact->classes_count; i++)
        if (!found[i].is_seen_then)
            return fault(check, 422, "inert", "classes", "a class was not seen at that time");
    if (fact->kind == FACT_DECISION_LINK && found[0].class == found[1].class &&
        found[0].run_us == found[1].run_us)
        return fault(check, 422, "inert", "classes", "both classes are the same");
    if (fact->kind == FACT_DECISION_SUPPRESS)
        return check_edge(check, found[0].class, found[1].class);
    return RC_OK;
}

static enum rc check_classes(struct check *check)
{
    struct found found[DECISION_NAMES_MAX] = {{.class = 0}};
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < check->request->fact.classes_count; i++)
        rc = check_class(check, i, &found[i]);
    return rc == RC_OK ? check_pair(check, found) : rc;
}

/* ---- the rest ---- */

/* Sites a restriction is limited to must be sites: one that is mistyped would protect nobody. */
static enum rc check_site(struct check *check, size_t at)
{
    struct db_result *result;
    enum rc rc =
        call_select(check->call, "decide_site",
                    "select from kasumori.site where tenant = $1 and site = $2 limit 1", &result,
                    check->err, "ss", check->call->caller->tenant, check->request->scope[at]);
    if (rc != RC_OK)
        return rc;
    int is_known = db_result_rows(result) == 1;
    db_result_free(result);
    return is_known ? RC_OK : fault_at(check, 404, "not_found", "scope", at);
}

static enum rc judge_revoked(struct check *check, const struct db_result *result)
{
    const struct caller *caller = check->call->caller;
    if (db_result_rows(result) == 0)
        return fault(check, 404, "not_found", "revokes", NULL);
    struct slice kind = db_result_bytes(result, 0, 0);
    int is_own = slice_is_equal(db_result_bytes(result, 0, 1), caller->account);
    int may =
        caller->role == ROLE_HEADQUARTERS ||
        (caller->role == ROLE_SUPERVISOR && is_own && slice_is_equal(kind, slice_str("verdict"))) ||
        (caller->role == ROLE_PRIVACY && slice_is_equal(kind, slice_str("not_listable")));
    if (!may)
        return fault(check, 403, "forbidden", "revokes", NULL);
    if (db_result_int(result, 0, 3))
        return fault(check, 403, "party", "revokes", NULL);
    if (!db_result_int(result, 0, 2))
        return fault(check, 422, "inert", "revokes", "it is revoked already");
    return RC_OK;
}

/* A revocation that is revoked brings back what it revoked, so the party of a verdict is asked for
   at the end of the chain. */
static const char REVOKED[] =
    "with recursive chain as (select d.decision_no, d.kind, d.body from kasumori.decision d "
    "where d.tenant = $1 and d.decision_no = $2 "
    "union all select d.decision_no, d.kind, d.body from chain c join kasumori.decision d "
    "on d.tenant = $1 and d.decision_no = (c.body ->> 'no_revoked')::bigint "
    "and d.decision_no < c.decision_no where c.kind = 'revoke') "
    "select d.kind, d.made_by, kasumori.is_in_force(d.decision_no, "
    "(select last_no from kasumori.decision_counter where tenant = $1)), "
    "exists (select from chain c where c.kind = 'verdict' and kasumori.is_party($3, "
    "array(select unnest(kasumori.names_of($1, named)) "
    "from unnest(kasumori.decision_records(c.body)) named))) "
    "from kasumori.decision d where d.tenant = $1 and d.decision_no = $2";

static enum rc check_revoked(struct check *check)
{
    struct db_result *result;
    enum rc rc = call_select(check->call, "decide_revoked", REVOKED, &result, check->err, "sis",
                             check->call->caller->tenant, check->request->fact.revoked_no,
                             check->call->caller->account);
    if (rc != RC_OK)
        return rc;
    rc = judge_revoked(check, result);
    db_result_free(result);
    return rc;
}

/* If-Match: the record's page as it was when the caller decided. */
static enum rc check_version(struct check *check)
{
    const char *header = call_header(check->call, "If-Match");
    int64_t no;
    char want[32];
    if (header == NULL || check->request->fact.records_count != 1)
        return RC_OK;
    enum rc rc = call_record_version(check->call, &check->request->records[0], &no, check->err);
    if (rc != RC_OK)
        return rc;
    int size = snprintf(want, sizeof(want), "\"%" PRId64, no);
    int is_same =
        strncmp(header, want, (size_t)size) == 0 && (header[size] == '-' || header[size] == '"');
    return is_same ? RC_OK : fault(check, 412, "stale", "If-Match", NULL);
}

enum rc decide_check(struct call *call, const struct decide_request *request,
                     struct decide_fault *ret_fault, struct err *err)
{
    struct check check = {.call = call, .request = request, .fault = ret_fault, .err = err};
    const struct fact_decision *fact = &request->fact;
    enum rc rc = check_role(&check);
    for (size_t i = 0; rc == RC_OK && i < fact->records_count; i++)
        rc = check_record(&check, i);
    if (rc == RC_OK && fact->kind == FACT_DECISION_ATTACH)
        rc = check_attach(&check);
    if (rc == RC_OK && fact->classes_count > 0)
        rc = check_classes(&check);
    for (size_t i = 0; rc == RC_OK && i < fact->scope_count; i++)
        rc = check_site(&check, i);
    if (rc == RC_OK && fact->kind == FACT_DECISION_REVOKE)
        rc = check_revoked(&check);
    return rc == RC_OK ? check_version(&check) : rc;
}
