/* Decisions from the command line.
   Invariant: a decision is stored only when, as the newest fact, it means what it says; the row and
   its audit row commit together. */
#include "services/cli/decide.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/cli/cli_facts.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/history/history_names.h"

enum { COLUMN_BYTES = 32 * 1024 };

/* ---- writing ---- */

static enum rc insert(struct db *db, const struct cli *cli, const struct decide *decide,
                      struct buf *body, struct db_result **ret_result, struct err *err)
{
    static const char SQL[] =
        "insert into kasumori.decision (tenant, kind, made_by, second_by, reason, body) "
        "values ($1, $2, $3, nullif($4, ''), $5, $6) returning decision_no";
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_TEXT, DB_TYPE_TEXT,
                                         DB_TYPE_TEXT, DB_TYPE_TEXT, DB_TYPE_JSONB};
    static const int IS_ARRAY[] = {0, 0, 0, 0, 0, 0};
    struct db_params *params = db_params_new(6, TYPES, IS_ARRAY, COLUMN_BYTES);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(cli_value(cli, "tenant")));
    db_put_text(params, 1, slice_str(history_decision_name(decide->fact.kind)));
    db_put_text(params, 2, decide->fact.made_by);
    db_put_text(params, 3, decide->fact.second_by);
    db_put_text(params, 4, slice_str(cli_value(cli, "reason")));
    db_put_text(params, 5, buf_slice(body));
    enum rc rc = db_run(db, "insert_decision", SQL, params, ret_result, err);
    db_params_free(params);
    return rc;
}

static enum rc write_rows(struct db *db, const struct cli *cli, const struct decide *decide,
                          struct buf *body, int64_t *ret_no, struct err *err)
{
    char action[64], object[64];
    struct db_result *result;
    enum rc rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = insert(db, cli, decide, body, &result, err);
    if (rc != RC_OK)
        return rc;
    int64_t no = db_result_int(result, 0, 0);
    db_result_free(result);
    snprintf(action, sizeof(action), "decide.%s", history_decision_name(decide->fact.kind));
    snprintf(object, sizeof(object), "decision %" PRId64, no);
    rc = cli_audit_write(db,
                         &(struct cli_audit){.tenant = cli_value(cli, "tenant"),
                                             .action = action,
                                             .purpose = cli_value(cli, "reason"),
                                             .object = object},
                         err);
    if (rc == RC_OK)
        rc = db_exec(db, "commit", err);
    if (rc == RC_OK)
        *ret_no = no;
    return rc;
}

static enum rc store(struct db *db, const struct cli *cli, const struct decide *decide,
                     int64_t *ret_no, struct err *err)
{
    struct buf body;
    buf_init(&body, COLUMN_BYTES);
    decision_write_body(&decide->fact, "", &body);
    enum rc rc = body.is_failed ? err_set(err, RC_RETRY, "out of memory")
                                : write_rows(db, cli, decide, &body, ret_no, err);
    buf_done(&body);
    return rc;
}

/* ---- judging ---- */

/* Sites a restriction is limited to must be sites: one that is mistyped would protect nobody. */
static enum rc check_scope(struct db *db, const struct cli *cli, const struct decide *decide,
                           struct err *err)
{
    struct db_result *result;
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < decide->fact.scope_count; i++) {
        char site[LIMIT_NAME_BYTES + 1];
        struct slice name = decide->scope[i];
        snprintf(site, sizeof(site), "%.*s", (int)name.size, (const char *)name.data);
        rc = CLI_RUN(db, "find_site",
                     "select from kasumori.site where tenant = $1 and site = $2 limit 1", &result,
                     err, cli_value(cli, "tenant"), site);
        if (rc != RC_OK)
            return rc;
        if (db_result_rows(result) == 0)
            rc = err_set(err, RC_REJECT, "--scope: there is no site %s", site);
        db_result_free(result);
    }
    return rc;
}

/* The facts as they would stand with the decision among them. */
static enum rc judge(struct cli_facts *facts, struct decide *decide, struct err *err)
{
    size_t count = facts->facts.decisions_count;
    enum rc rc = decide_resolve(facts->derived, decide, err);
    if (rc != RC_OK)
        return rc;
    struct fact_decision *decisions = arena_zalloc(facts->arena, (count + 1) * sizeof(*decisions));
    if (decisions == NULL)
        return err_set(err, RC_FULL, "the tenant's history needs more memory than may be taken");
    for (size_t i = 0; i < count; i++) {
        decisions[i] = facts->facts.decisions[i];
        if (decisions[i].no >= decide->fact.no)
            decide->fact.no = decisions[i].no + 1;
    }
    if (decide->fact.no == 0)
        decide->fact.no = 1;
    decisions[count] = decide->fact;
    facts->facts.decisions = decisions;
    facts->facts.decisions_count = count + 1;
    rc = cli_facts_derive(facts, err);
    return rc == RC_OK ? decide_judge(facts->derived, &decide->fact, err) : rc;
}

static enum rc decide_on(struct db *db, const struct cli *cli, struct decide *decide,
                         int64_t *ret_no, struct err *err)
{
    struct cli_facts facts;
    enum rc rc = check_scope(db, cli, decide, err);
    if (rc != RC_OK)
        return rc;
    rc = cli_facts_load(db, cli_value(cli, "tenant"), &facts, err);
    if (rc == RC_OK)
        rc = judge(&facts, decide, err);
    cli_facts_done(&facts);
    return rc == RC_OK ? store(db, cli, decide, ret_no, err) : rc;
}

static int run(struct cli *cli)
{
    struct decide decide;
    struct db *db;
    struct err err;
    int64_t no;
    enum rc rc = decide_read(cli, clock_now_us(clock_real()), &decide, &err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    rc = decide_on(db, cli, &decide, &no, &err);
    db_close(db);
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("%" PRId64 "\n", no);
    return CLI_OK;
}

/* ---- verbs ---- */

#define WHO                                                                 \
    {"tenant", "NAME", 1, "whose facts"}, {"by", "NAME", 1, "who decides"}, \
        {"second", "NAME", 0, "who agrees; a restriction needs one"},       \
        {"reason", "TEXT", 1, "why, without identifiers"},                  \
    {                                                                       \
        0                                                                   \
    }
#define RECORDS                                  \
    {                                            \
        "record", "ID[,ID…]", 1, "which records" \
    }
#define CLASSES                                                                 \
    {                                                                           \
        "class", "KIND:KEY:MAC@TIME[,…]", 1, "which classes, as seen at a time" \
    }
#define UNTIL                                        \
    {                                                \
        "until", "TIME", 1, "when it ends, RFC 3339" \
    }

static const struct cli_option VERDICT[] = {
    RECORDS, {"value", "VERDICT", 1, "complaint, suspected, confirmed or rejected"}, WHO};
static const struct cli_option PAIR[] = {CLASSES, WHO};
static const struct cli_option PIN[] = {
    CLASSES, {"value", "yes|no", 1, "whether many people use it"}, WHO};
static const struct cli_option ATTACH[] = {
    {"record", "ID", 1, "which record"},
    {"ordinal", "N", 1, "which of its persons"},
    {"handle", "HEX", 1, "32 hexadecimal digits that stand for a person"},
    WHO};
static const struct cli_option SAME[] = {RECORDS, WHO};
static const struct cli_option MATTER[] = {
    RECORDS, {"name", "TEXT", 1, "what they are about"}, WHO};
static const struct cli_option RESTRICT[] = {
    CLASSES, UNTIL, {"scope", "SITE[,SITE…]", 0, "where; the whole chain when not given"}, WHO};
static const struct cli_option CONFIRM[] = {CLASSES, UNTIL, WHO};
static const struct cli_option ACK[] = {
    RECORDS, {"rule", "RULE", 1, "of the alert that is acknowledged"}, WHO};
static const struct cli_option REVOKE[] = {{"no", "N", 1, "which decision"}, WHO};

#define VERB(verb_, options_, summary_)                                                 \
    {                                                                                   \
        .group = "decide", .verb = (verb_), .is_on_database = 1, .summary = (summary_), \
        .details = DETAILS, .options = (options_), .run = run                           \
    }
#define DETAILS                                                                                   \
    "Refused, with nothing written, when it would mean nothing as the facts stand. Of a mac, as " \
    "many\ndigits as make it one of the known tokens are enough. Prints the decision's number."

const struct cli_verb decide_verbs[] = {
    VERB("verdict", VERDICT, "say what records are"),
    VERB("link", PAIR, "say that two classes are one person"),
    VERB("suppress", PAIR, "say that two linked classes are not one person"),
    VERB("pin_shared", PIN, "say whether a number is shared"),
    VERB("attach", ATTACH, "give a person of a record a handle"),
    VERB("same_occurrence", SAME, "say that records tell of one occurrence"),
    VERB("matter", MATTER, "say what records are about"),
    VERB("restrict", RESTRICT, "refuse a person, for a time, by two persons"),
    VERB("confirm_person", CONFIRM, "let sites know a person, for a time, by two persons"),
    VERB("not_listable", PAIR, "keep a person off every list"),
    VERB("ack", ACK, "acknowledge an alert"),
    VERB("revoke", REVOKE, "take a decision back"),
    {0},
};
