#ifndef KASUMORI_MONITOR_CALLER_H
#define KASUMORI_MONITOR_CALLER_H

#include "services/common/base/clock.h"
#include "services/common/mac/mac.h"
#include "services/monitor/call.h"

/* Who asks. */
enum caller_way {
    CALLER_NOBODY,  /* nothing was shown, or nothing that holds */
    CALLER_SESSION, /* a cookie: the browser sends it by itself, so a POST must show where it is
                       from */
    CALLER_PROXY,   /* a header of the trusted proxy: likewise */
    CALLER_MACHINE,
};

#define CALLER_COOKIE "__Host-kasumori"
#define CALLER_IDLE_US (12 * CLOCK_US_PER_HOUR)
#define CALLER_LIFE_US (24 * CLOCK_US_PER_HOUR)

/* Fills *caller from what the request shows and enters its tenant for the rest of the transaction
   on call->db. An Authorization header is taken alone, then the cookie, then the proxy. */
enum rc caller_enter(struct call *call, struct caller *caller, enum caller_way *ret_way,
                     struct err *err) MUST_CHECK;

/* By the hash of a session's token. */
enum rc caller_enter_session(struct call *call, const uint8_t hash[MAC_SHA256_BYTES],
                             struct caller *caller, int *ret_is_known, struct err *err) MUST_CHECK;

/* SHA-256 of the machine's key in the Authorization header; 0: there is none that can be one. */
int caller_key_hash(const struct call *call, uint8_t ret_hash[MAC_SHA256_BYTES]);
/* Fills *caller from a row that begins with these columns, of kasumori.enter_machine or
   kasumori.machines. */
#define CALLER_MACHINE_COLUMNS                                                                  \
    "tenant, 'machine:' || name, coalesce(site, ''), (('lookup' = any (scope))::integer + 2 * " \
    "('export' = any (scope))::integer + 4 * ('read' = any (scope))::integer "                  \
    "+ 8 * ('receipt' = any (scope))::integer)::bigint"
enum { CALLER_MACHINE_COLUMNS_COUNT = 4 };
enum rc caller_read_machine(struct call *call, const struct db_result *result, size_t row,
                            struct caller *caller, struct err *err) MUST_CHECK;

/* Whether a POST comes from a page of ours: "X-Kasumori: 1", which another site's page cannot send
   without asking first, and an Origin, when given, that is this host. */
int caller_is_same_origin(const struct call *call);

/* Of Accept-Language; Japanese unless English is wanted more. */
int caller_is_japanese(const char *accept_language);

/* SHA-256 of the session's token in the cookie; 0: there is none. */
int caller_cookie_hash(const struct call *call, uint8_t ret_hash[MAC_SHA256_BYTES]);

/* Names of tenants and accounts: 1 to 64 of A-Z a-z 0-9 . _ - @. */
int caller_is_name(struct slice text);

#endif
