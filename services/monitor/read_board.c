/* What is happening, and the lists of a place: now, sites, agents, alerts, notices, review desk,
   bad records, code tables, policies, audit. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/monitor/read.h"
#include "services/monitor/sql.h"
#include "services/monitor/state.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const RULES[] = {"confinement", "repetition", "repeat_matter",
                                    "cross_site",  "escalation", NULL};

static void put_silent(struct read_args *args, const struct call *call)
{
    char number[24];
    snprintf(number, sizeof(number), "%" PRId64, call->state->config->silent_after_us);
    read_args_raw(args, "silent_us", number);
}

/* ---- lists without parameters ---- */

enum rc read_sites(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_sites", .sql = sql_sites};
    return read_plain(call, &READ, err);
}

enum rc read_categories(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_categories", .sql = sql_categories};
    return read_plain(call, &READ, err);
}

enum rc read_policies(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_policies", .sql = sql_policies};
    return read_plain(call, &READ, err);
}

enum rc read_agents(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_agents", .sql = sql_agents};
    struct read_args args;
    read_args_init(&args, call);
    put_silent(&args, call);
    return read_answer(call, &READ, &args, err);
}

/* ---- alerts ---- */

static const struct read ALERTS = {
    .name = "read_alerts", .sql = sql_alerts, .cursor = READ_TYPE_UUID, .is_page = 1};

static enum rc answer_alerts(struct call *call, const char *is_notice, struct err *err)
{
    static const char *const STATES[] = {"open", "withdrawn", "merged", NULL};
    static const char *const YES_NO[] = {"no", "yes", NULL};
    static const struct read_param PARAMS[] = {
        {.name = "state", .type = READ_TYPE_WORD, .words = STATES},
        {.name = "acknowledged", .type = READ_TYPE_WORD, .words = YES_NO},
        {.name = "rule", .type = READ_TYPE_WORD, .words = RULES},
        {.name = "site", .type = READ_TYPE_NAME},
    };
    struct read read = ALERTS;
    struct read_args args;
    read.params = PARAMS;
    read.params_count = COUNT(PARAMS);
    read_args_init(&args, call);
    read_args_raw(&args, "notice", is_notice);
    return read_answer(call, &read, &args, err);
}

enum rc read_alerts(struct call *call, struct err *err)
{
    return answer_alerts(call, "false", err);
}

enum rc read_notices(struct call *call, struct err *err)
{
    return answer_alerts(call, "true", err);
}

enum rc read_alert(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_alerts", .sql = sql_alerts, .is_single = 1};
    char alert[UUID_TEXT_BYTES];
    struct read_args args;
    enum rc rc = read_part_uuid(call, 0, alert);
    if (rc != RC_OK)
        return rc;
    read_args_init(&args, call);
    read_args_text(&args, "alert", slice_str(alert));
    read_args_raw(&args, "limit", "1");
    return read_answer(call, &READ, &args, err);
}

/* ---- now ---- */

/* Cases are not an administrator's. */
static int has_cases(const struct call *call)
{
    return call->caller->role != ROLE_ADMIN;
}

/* The newest alerts that nobody has seen, as an answer of their own; stays in rows. */
static enum rc find_newest(struct call *call, struct db_result **ret_rows, struct err *err)
{
    struct read_args args;
    read_args_init(&args, call);
    read_args_raw(&args, "notice", "false");
    read_args_raw(&args, "state", "\"open\"");
    read_args_raw(&args, "acknowledged", "\"no\"");
    read_args_raw(&args, "limit", "10");
    if (!has_cases(call)) /* none */
        read_args_raw(&args, "rule", "\"\"");
    buf_add_char(&args.json, '}');
    enum rc rc = args.json.is_failed
                     ? err_set(err, RC_RETRY, "out of memory")
                     : call_select(call, ALERTS.name, ALERTS.sql, ret_rows, err, "sj",
                                   call->caller->tenant, buf_slice(&args.json));
    read_args_done(&args);
    return rc;
}

/* The answer's last member. They are put in here because they may be larger than a parameter. */
static void put_alerts(struct buf *out, struct slice page)
{
    const uint8_t *list = memchr(page.data, '[', page.size);
    CHECK(list != NULL && out->size > 0);
    out->size--; /* the closing brace */
    buf_add_str(out, ",\"alerts\":");
    buf_add(out, list, (size_t)(page.data + page.size - list) - 1);
    buf_add_char(out, '}');
}

enum rc read_now(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_now", .sql = sql_now};
    struct read_args args;
    struct db_result *alerts;
    enum rc rc = find_newest(call, &alerts, err);
    if (rc != RC_OK)
        return rc;
    read_args_init(&args, call);
    put_silent(&args, call);
    read_args_raw(&args, "cases", has_cases(call) ? "\"yes\"" : "\"no\"");
    rc = read_answer(call, &READ, &args, err);
    if (rc == RC_OK)
        put_alerts(&call->out, db_result_bytes(alerts, 0, 0));
    db_result_free(alerts);
    return rc;
}

/* ---- desks ---- */

enum rc read_review(struct call *call, struct err *err)
{
    static const char *const KINDS[] = {
        "suspected",      "disputed",     "proposal", "tells_nobody", "joined",
        "retracted",      "switchboard",  "watch",    "void_alias",   "class_conflict",
        "inert_decision", "inert_record", NULL};
    static const struct read_param PARAMS[] = {
        {.name = "kind", .type = READ_TYPE_WORD, .words = KINDS}};
    static const struct read READ = {.name = "read_review",
                                     .sql = sql_review,
                                     .params = PARAMS,
                                     .params_count = COUNT(PARAMS),
                                     .cursor = READ_TYPE_NAME,
                                     .is_page = 1};
    return read_plain(call, &READ, err);
}

enum rc read_bad_records(struct call *call, struct err *err)
{
    static const char *const CLASSES[] = {"malformed", "oversized", "newer",    "forged",
                                          "clock",     "archived",  "conflict", NULL};
    static const char *const STATES[] = {"open", "replayed", "dismissed", NULL};
    static const struct read_param PARAMS[] = {
        {.name = "class", .type = READ_TYPE_WORD, .words = CLASSES},
        {.name = "state", .type = READ_TYPE_WORD, .words = STATES}};
    static const struct read READ = {.name = "read_bad_records",
                                     .sql = sql_bad_records,
                                     .params = PARAMS,
                                     .params_count = COUNT(PARAMS),
                                     .cursor = READ_TYPE_PLACE,
                                     .is_page = 1};
    return read_plain(call, &READ, err);
}

enum rc read_audit(struct call *call, struct err *err)
{
    static const struct read_param PARAMS[] = {{.name = "from", .type = READ_TYPE_TIME},
                                               {.name = "to", .type = READ_TYPE_TIME},
                                               {.name = "actor", .type = READ_TYPE_TEXT},
                                               {.name = "action", .type = READ_TYPE_NAME}};
    static const struct read READ = {.name = "read_audit",
                                     .sql = sql_audit,
                                     .params = PARAMS,
                                     .params_count = COUNT(PARAMS),
                                     .cursor = READ_TYPE_NAME,
                                     .is_page = 1};
    return read_plain(call, &READ, err);
}
