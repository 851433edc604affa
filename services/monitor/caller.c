/* Who asks: a session's cookie, a machine's key, or a trusted proxy's word. Invariant: a role comes
   from the database and from nowhere else, and a tenant is entered only by what the caller alone
   can show. */
#include "services/monitor/caller.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/http/http.h"
#include "services/monitor/state.h"

enum { TOKEN_DIGITS = 64, SECRET_BYTES_MAX = 128 };

/* ---- what a request shows ---- */

/* The value of one cookie, as RFC 6265 writes them: "a=1; b=2". */
static struct slice cookie_find(const char *header, const char *name)
{
    size_t size = strlen(name);
    while (header != NULL && *header != '\0') {
        header += strspn(header, " ;");
        size_t length = strcspn(header, ";");
        if (length > size && strncmp(header, name, size) == 0 && header[size] == '=')
            return slice_of(header + size + 1, length - size - 1);
        header += length;
    }
    return slice_of(NULL, 0);
}

static int is_secret(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return 0;
    return text.size >= TOKEN_DIGITS && text.size <= SECRET_BYTES_MAX;
}

int caller_cookie_hash(const struct call *call, uint8_t ret_hash[MAC_SHA256_BYTES])
{
    struct slice token = cookie_find(call_header(call, "Cookie"), CALLER_COOKIE);
    if (!is_secret(token))
        return 0;
    mac_sha256(token, ret_hash);
    return 1;
}

int caller_key_hash(const struct call *call, uint8_t ret_hash[MAC_SHA256_BYTES])
{
    static const char BEARER[] = "Bearer ";
    const char *authorization = call_header(call, "Authorization");
    if (authorization == NULL || strncasecmp(authorization, BEARER, sizeof(BEARER) - 1) != 0)
        return 0;
    struct slice key = slice_str(authorization + sizeof(BEARER) - 1);
    if (!is_secret(key))
        return 0;
    mac_sha256(key, ret_hash);
    return 1;
}

int caller_is_name(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        int is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!is_alnum && (c == '\0' || strchr("._-@", c) == NULL))
            return 0;
    }
    return text.size >= 1 && text.size <= LIMIT_NAME_BYTES && text.data[0] != '.';
}

int caller_is_same_origin(const struct call *call)
{
    const char *mark = call_header(call, "X-Kasumori");
    const char *origin = call_header(call, "Origin");
    const char *host = call_header(call, "Host");
    if (mark == NULL || strcmp(mark, "1") != 0)
        return 0;
    if (origin == NULL)
        return 1;
    const char *at = strstr(origin, "://");
    return at != NULL && host != NULL && strcasecmp(at + 3, host) == 0;
}

/* ---- language ---- */

/* 0 to 1000; a weight that is none counts as 1000. */
static int weight_of(const char *item, size_t size)
{
    const char *q = memchr(item, ';', size);
    if (q == NULL)
        return 1000;
    q += 1 + strspn(q + 1, " ");
    if (strncmp(q, "q=", 2) != 0)
        return 1000;
    if (q[2] == '1')
        return 1000;
    int weight = 0;
    const char *digit = q[2] != '\0' && q[3] == '.' ? q + 4 : "";
    for (int i = 0; i < 3; i++) {
        int is_digit = *digit >= '0' && *digit <= '9';
        weight = weight * 10 + (is_digit ? *digit - '0' : 0);
        digit += is_digit;
    }
    return weight;
}

int caller_is_japanese(const char *accept_language)
{
    int japanese = 0;
    int english = 0;
    const char *at = accept_language == NULL ? "" : accept_language;
    while (*at != '\0') {
        at += strspn(at, " ,");
        size_t size = strcspn(at, ",");
        int weight = size < 2 ? 0 : weight_of(at, size);
        if (strncasecmp(at, "ja", 2) == 0 && weight > japanese)
            japanese = weight;
        if (strncasecmp(at, "en", 2) == 0 && weight > english)
            english = weight;
        at += size;
    }
    return japanese >= english;
}

/* ---- rows ---- */

static enum rc keep(struct call *call, struct slice text, struct slice *ret_text, struct err *err)
{
    char *copy = arena_copy(call->arena, text.data, text.size);
    if (copy == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    *ret_text = slice_of(copy, text.size);
    return RC_OK;
}

/* The first three columns of a row. */
static enum rc keep_three(struct call *call, const struct db_result *result, size_t row,
                          struct slice *const to[3], struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < 3; i++)
        rc = keep(call, db_result_bytes(result, row, i), to[i], err);
    return rc;
}

static enum role role_find(struct slice name)
{
    static const struct {
        const char *name;
        enum role role;
    } ROLES[] = {{"site", ROLE_SITE},
                 {"supervisor", ROLE_SUPERVISOR},
                 {"headquarters", ROLE_HEADQUARTERS},
                 {"privacy", ROLE_PRIVACY},
                 {"admin", ROLE_ADMIN}};
    for (size_t i = 0; i < sizeof(ROLES) / sizeof(ROLES[0]); i++)
        if (slice_is_equal(slice_str(ROLES[i].name), name))
            return ROLES[i].role;
    return (enum role)0;
}

/* list: names with commas between, as string_agg writes them; no name holds a comma. */
static enum rc split_sites(struct call *call, struct slice list, struct caller *caller,
                           struct err *err)
{
    size_t count = list.size > 0;
    for (size_t i = 0; i < list.size; i++)
        count += list.data[i] == ',';
    struct slice *sites = arena_alloc(call->arena, (count + 1) * sizeof(*sites));
    if (sites == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        size_t size = comma == NULL ? list.size : (size_t)(comma - list.data);
        sites[i] = slice_of(list.data, size);
        list = slice_of(list.data + size + 1, list.size - size - (comma != NULL));
    }
    caller->sites = sites;
    caller->sites_count = count;
    return RC_OK;
}

#define PERSON "tenant, account, name, role, array_to_string(sites, ','), expires_at"

static enum rc read_person(struct call *call, const struct db_result *result, struct caller *caller,
                           struct err *err)
{
    struct slice sites;
    struct slice *const to[] = {&caller->tenant, &caller->account, &caller->name};
    enum rc rc = keep_three(call, result, 0, to, err);
    if (rc == RC_OK)
        rc = keep(call, db_result_bytes(result, 0, 4), &sites, err);
    if (rc == RC_OK)
        rc = split_sites(call, sites, caller, err);
    if (rc != RC_OK)
        return rc;
    caller->role = role_find(db_result_bytes(result, 0, 3));
    caller->expires_at_us = db_result_time(result, 0, 5);
    return RC_OK;
}

/* result: taken. */
static enum rc take_person(struct call *call, struct db_result *result, struct caller *caller,
                           int *ret_is_known, struct err *err)
{
    enum rc rc = RC_OK;
    *ret_is_known = db_result_rows(result) == 1;
    if (*ret_is_known)
        rc = read_person(call, result, caller, err);
    db_result_free(result);
    return rc;
}

enum rc caller_enter_session(struct call *call, const uint8_t hash[MAC_SHA256_BYTES],
                             struct caller *caller, int *ret_is_known, struct err *err)
{
    struct db_result *result;
    enum rc rc =
        call_select(call, "enter_session",
                    "select " PERSON " from kasumori.enter_session($1, "
                    "$2 * interval '1 microsecond')",
                    &result, err, "bi", slice_of(hash, MAC_SHA256_BYTES), (int64_t)CALLER_IDLE_US);
    return rc == RC_OK ? take_person(call, result, caller, ret_is_known, err) : rc;
}

/* value: "tenant/account". */
static enum rc enter_proxied(struct call *call, const char *value, struct caller *caller,
                             int *ret_is_known, struct err *err)
{
    struct db_result *result;
    const char *slash = strchr(value, '/');
    *ret_is_known = 0;
    if (slash == NULL)
        return RC_OK;
    struct slice tenant = slice_of(value, (size_t)(slash - value));
    struct slice account = slice_str(slash + 1);
    if (!caller_is_name(tenant) || !caller_is_name(account))
        return RC_OK;
    enum rc rc =
        call_select(call, "enter_account", "select " PERSON " from kasumori.enter_account($1, $2)",
                    &result, err, "ss", tenant, account);
    return rc == RC_OK ? take_person(call, result, caller, ret_is_known, err) : rc;
}

enum rc caller_read_machine(struct call *call, const struct db_result *result, size_t row,
                            struct caller *caller, struct err *err)
{
    struct slice sites;
    struct slice *const to[] = {&caller->tenant, &caller->account, &sites};
    enum rc rc = keep_three(call, result, row, to, err);
    if (rc == RC_OK)
        rc = split_sites(call, sites, caller, err);
    if (rc != RC_OK)
        return rc;
    caller->name = caller->account;
    caller->role = ROLE_MACHINE;
    caller->scopes = (unsigned)db_result_int(result, row, 3);
    caller->expires_at_us = INT64_MAX;
    return RC_OK;
}

static enum rc enter_machine(struct call *call, struct caller *caller, int *ret_is_known,
                             struct err *err)
{
    uint8_t hash[MAC_SHA256_BYTES];
    struct db_result *result;
    *ret_is_known = 0;
    if (!caller_key_hash(call, hash))
        return RC_OK;
    enum rc rc = call_select(call, "enter_machine",
                             "select " CALLER_MACHINE_COLUMNS " from kasumori.enter_machine($1)",
                             &result, err, "b", slice_of(hash, sizeof(hash)));
    if (rc != RC_OK)
        return rc;
    *ret_is_known = db_result_rows(result) == 1;
    if (*ret_is_known)
        rc = caller_read_machine(call, result, 0, caller, err);
    db_result_free(result);
    return rc;
}

/* ---- all ways ---- */

static const char *proxied_name(const struct call *call)
{
    const struct monitor_config *config = call->state->config;
    if (config->proxy_header == NULL ||
        strcmp(http_request_peer(call->request), config->proxy_peer) != 0)
        return NULL;
    return call_header(call, config->proxy_header);
}

enum rc caller_enter(struct call *call, struct caller *caller, enum caller_way *ret_way,
                     struct err *err)
{
    uint8_t hash[MAC_SHA256_BYTES];
    const char *authorization = call_header(call, "Authorization");
    const char *proxied = proxied_name(call);
    enum caller_way way = CALLER_NOBODY;
    int is_known = 0;
    enum rc rc = RC_OK;
    if (authorization != NULL) {
        way = CALLER_MACHINE;
        rc = enter_machine(call, caller, &is_known, err);
    } else if (caller_cookie_hash(call, hash)) {
        way = CALLER_SESSION;
        rc = caller_enter_session(call, hash, caller, &is_known, err);
    } else if (proxied != NULL) {
        way = CALLER_PROXY;
        rc = enter_proxied(call, proxied, caller, &is_known, err);
    }
    if (rc == RC_OK)
        *ret_way = is_known ? way : CALLER_NOBODY;
    return rc;
}
