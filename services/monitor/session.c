/* Signing in and out. Invariant: an unknown account, a shut one and a wrong password are answered
   alike, after the same work; a wrong one costs its account and its peer a growing wait. */
#include "services/monitor/session.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "services/common/base/clock.h"
#include "services/common/base/hex.h"
#include "services/common/base/jsontext.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/http/http.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/password/password.h"
#include "services/monitor/caller.h"
#include "services/monitor/metric.h"
#include "services/monitor/state.h"

/* Of a random password that nobody knows: what an unknown account's is compared with. */
static const char NOBODY[] = "$argon2id$v=19$m=65536,t=2,p=1$3CAkM4D64JDOgk/nyVYvWg"
                             "$nQLrd3gnqMBfA5MI8OlGUI4S257AvXIVJV+xchhjh0c";

#define ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="

enum { TOKEN_BYTES = 32, PASSWORD_BYTES_MAX = 1024, COOKIE_BYTES = 256, WHO_BYTES = 160 };

struct sign_in {
    struct slice tenant, account, password;
    char who[WHO_BYTES];  /* the account, for the throttle */
    char peer[WHO_BYTES]; /* its network; empty behind a proxy, where all come from one address */
};

/* ---- what was sent ---- */

static enum rc read_member(struct call *call, const struct jsonio_value *object, const char *name,
                           struct slice *ret_text)
{
    const struct jsonio_value *value = jsonio_find(object, name);
    if (value == NULL || jsonio_type(value) != JSONIO_TYPE_STRING)
        return call_problem(call, 400, "bad_member", name, "want a string");
    *ret_text = jsonio_string(value);
    return RC_OK;
}

static enum rc read_sign_in(struct call *call, struct sign_in *in, struct err *err)
{
    const struct jsonio_value *object;
    const struct monitor_config *config = call->state->config;
    const char *peer = http_request_peer(call->request);
    enum rc rc = call_json(call, &object, err);
    if (rc == RC_OK)
        rc = read_member(call, object, "tenant", &in->tenant);
    if (rc == RC_OK)
        rc = read_member(call, object, "account", &in->account);
    if (rc == RC_OK)
        rc = read_member(call, object, "password", &in->password);
    if (rc != RC_OK)
        return rc;
    if (!caller_is_name(in->tenant))
        return call_problem(call, 400, "bad_member", "tenant", "want a name");
    if (!caller_is_name(in->account))
        return call_problem(call, 400, "bad_member", "account", "want a name");
    if (in->password.size > PASSWORD_BYTES_MAX)
        return call_problem(call, 400, "bad_member", "password", "it is too long");
    snprintf(in->who, sizeof(in->who), "account %.*s/%.*s", (int)in->tenant.size,
             (const char *)in->tenant.data, (int)in->account.size, (const char *)in->account.data);
    if (config->proxy_peer == NULL || strcmp(config->proxy_peer, peer) != 0) {
        char group[HTTP_PEER_GROUP_BYTES];
        http_peer_group(peer, group);
        snprintf(in->peer, sizeof(in->peer), "peer %s", group);
    }
    return RC_OK;
}

/* ---- the throttle ---- */

static enum rc check_throttle(struct call *call, const struct sign_in *in)
{
    struct throttle *throttle = call->state->throttle;
    int64_t now_us = clock_mono_us(clock_real());
    int wait_s = throttle_wait_s(throttle, slice_str(in->who), THROTTLE_FREE_BY_ACCOUNT, now_us);
    int peer_s = throttle_wait_s(throttle, slice_str(in->peer), THROTTLE_FREE_BY_PEER, now_us);
    wait_s = peer_s > wait_s ? peer_s : wait_s;
    if (wait_s == 0)
        return RC_OK;
    enum rc rc = call_problem(call, 429, "too_many_attempts", NULL, NULL);
    call->retry_after_s = wait_s;
    return rc;
}

static void count_failure(struct call *call, const struct sign_in *in)
{
    struct throttle *throttle = call->state->throttle;
    int64_t now_us = clock_mono_us(clock_real());
    throttle_fail(throttle, slice_str(in->who), now_us);
    if (in->peer[0] != '\0')
        throttle_fail(throttle, slice_str(in->peer), now_us);
    metrics_add(call->state->metrics, METRIC_SIGN_INS_FAILED, 1);
}

/* ---- comparing ---- */

static enum rc compare(struct call *call, const struct sign_in *in, int *ret_is_right,
                       struct err *err)
{
    char hash[PASSWORD_HASH_BYTES];
    struct db_result *result;
    enum rc rc =
        call_select(call, "find_account", "select password_hash from kasumori.find_account($1, $2)",
                    &result, err, "ss", in->tenant, in->account);
    if (rc != RC_OK)
        return rc;
    int is_known = db_result_rows(result) == 1;
    snprintf(hash, sizeof(hash), "%s",
             is_known ? (const char *)db_result_bytes(result, 0, 0).data : NOBODY);
    db_result_free(result);
    if (!throttle_take_place(call->state->throttle)) {
        rc = call_problem(call, 503, "busy", NULL, NULL);
        call->retry_after_s = 1;
        return rc;
    }
    int is_right = password_is_right(hash, in->password);
    throttle_give_place(call->state->throttle);
    *ret_is_right = is_right && is_known;
    return RC_OK;
}

/* A refusal rolls back, and the failure must be counted and audited: so this one commits. */
static enum rc refuse(struct call *call, const struct sign_in *in, struct err *err)
{
    count_failure(call, in);
    /* an unknown account writes nothing: neither may wait for the disk, or the time would tell */
    enum rc rc = db_exec(call->db, "set local synchronous_commit = off", err);
    if (rc == RC_OK)
        rc = call_select(call, "sign_in_failed", "select kasumori.sign_in_failed($1, $2)", NULL,
                         err, "ss", in->tenant, in->account);
    if (rc == RC_OK)
        rc = db_exec(call->db, "commit", err);
    return rc == RC_OK ? call_problem(call, 401, "wrong_password", NULL, NULL) : rc;
}

/* ---- the session ---- */

static enum rc give_cookie(struct call *call, const char *token, int life_s, struct err *err)
{
    char text[COOKIE_BYTES];
    int size = snprintf(text, sizeof(text), CALLER_COOKIE "=%s" ATTRIBUTES "%d", token, life_s);
    char *copy = arena_copy(call->arena, text, (size_t)size);
    if (copy == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    call->cookie = slice_of(copy, (size_t)size);
    return RC_OK;
}

static void put_member(struct buf *out, const char *name, struct slice text)
{
    buf_addf(out, "%s\"%s\":", out->size > 1 ? "," : "", name);
    jsontext_add(out, text);
}

static void write_session(struct call *call, const struct caller *caller)
{
    struct buf *out = &call->out;
    const char *tokeniser = call->state->config->tokeniser_url;
    struct call as_caller = {.caller = caller};
    char expires[TIMEFMT_TEXT_BYTES] = "9999-12-31T23:59:59.999999Z";
    if (caller->expires_at_us != INT64_MAX)
        timefmt_format_utc(caller->expires_at_us, expires);
    buf_add_char(out, '{');
    put_member(out, "tenant", caller->tenant);
    put_member(out, "account", caller->account);
    put_member(out, "name", caller->name);
    put_member(out, "role", slice_str(call_role(&as_caller)));
    buf_add_str(out, ",\"sites\":[");
    for (size_t i = 0; i < caller->sites_count; i++) {
        buf_add_str(out, i > 0 ? "," : "");
        jsontext_add(out, caller->sites[i]);
    }
    buf_add_char(out, ']');
    put_member(out, "expiresAt", slice_str(expires));
    if (tokeniser != NULL)
        put_member(out, "tokeniserUrl", slice_str(tokeniser));
    buf_add_str(out, "}\n");
}

static enum rc leave_old(struct call *call, struct err *err)
{
    uint8_t hash[MAC_SHA256_BYTES];
    if (!caller_cookie_hash(call, hash))
        return RC_OK;
    return call_select(call, "end_session", "select kasumori.end_session($1)", NULL, err, "b",
                       slice_of(hash, sizeof(hash)));
}

static enum rc begin(struct call *call, const struct sign_in *in, struct err *err)
{
    uint8_t random[TOKEN_BYTES];
    uint8_t hash[MAC_SHA256_BYTES];
    char token[2 * TOKEN_BYTES + 1];
    struct caller caller = {.role = (enum role)0};
    int is_known = 0;
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return err_set(err, RC_RETRY, "could not get random bytes: %m");
    hex_format(random, sizeof(random), token);
    mac_sha256(slice_str(token), hash);
    enum rc rc = leave_old(call, err);
    if (rc == RC_OK)
        rc = call_select(call, "open_session",
                         "select kasumori.open_session($1, $2, $3, $4 * interval '1 microsecond')",
                         NULL, err, "ssbi", in->tenant, in->account, slice_of(hash, sizeof(hash)),
                         (int64_t)CALLER_LIFE_US);
    if (rc == RC_OK)
        rc = caller_enter_session(call, hash, &caller, &is_known, err);
    if (rc == RC_OK && !is_known)
        rc = err_set(err, RC_FATAL, "a session just opened is not there");
    if (rc == RC_OK)
        rc = give_cookie(call, token, (int)(CALLER_LIFE_US / CLOCK_US_PER_S), err);
    if (rc == RC_OK)
        write_session(call, &caller);
    explicit_bzero(token, sizeof(token));
    return rc;
}

enum rc session_open(struct call *call, struct err *err)
{
    struct sign_in in = {.who = ""};
    int is_right = 0;
    enum rc rc = read_sign_in(call, &in, err);
    if (rc == RC_OK)
        rc = check_throttle(call, &in);
    if (rc == RC_OK)
        rc = compare(call, &in, &is_right, err);
    if (rc != RC_OK)
        return rc;
    if (!is_right)
        return refuse(call, &in, err);
    rc = begin(call, &in, err);
    if (rc == RC_OK) {
        throttle_forget(call->state->throttle, slice_str(in.who));
        metrics_add(call->state->metrics, METRIC_SIGN_INS, 1);
    }
    return rc;
}

enum rc session_show(struct call *call, struct err *err)
{
    (void)err;
    write_session(call, call->caller);
    return RC_OK;
}

enum rc session_end(struct call *call, struct err *err)
{
    enum rc rc = leave_old(call, err);
    if (rc == RC_OK)
        rc = give_cookie(call, "", 0, err);
    call->status = 204;
    return rc;
}
