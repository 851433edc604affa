/* Policies: checked before they are facts.
   Invariant: what "load" stores, "check" has accepted; versions count under a lock of the table. */
#include "services/cli/policy.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/cli/cli_facts.h"
#include "services/cli/linking.h"
#include "services/common/base/buf.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/history/history_policy.h"

enum { ARENA_BYTES = 4 * LIMIT_CONFIG_BYTES };

static enum rc parse(const struct cli *cli, struct slice text, struct err *err)
{
    struct fact_policy policy;
    struct fact_linking linking;
    struct arena *arena = arena_new(ARENA_BYTES);
    if (arena == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = cli_has(cli, "linking")
                     ? history_linking_parse(cli->arguments[0], text, arena, &linking, err)
                     : history_policy_parse(cli->arguments[0], text, arena, &policy, err);
    arena_free(arena);
    return rc;
}

static enum rc read_file(const struct cli *cli, struct buf *text, struct err *err)
{
    enum rc rc = file_read(cli->arguments[0], text, err);
    return rc == RC_OK ? parse(cli, buf_slice(text), err) : rc;
}

static int run_check(struct cli *cli)
{
    struct buf text;
    struct err err;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    enum rc rc = read_file(cli, &text, &err);
    buf_done(&text);
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("%s is well\n", cli->arguments[0]);
    return CLI_OK;
}

/* ---- load ---- */

struct loaded {
    int64_t version;
    int is_waiting; /* a linking policy that does not hold yet */
};

static enum rc insert(struct db *db, const struct cli *cli, int64_t from_us, struct slice text,
                      struct db_result **ret_result, struct err *err)
{
    static const char SQL[] =
        "insert into kasumori.policy_version (tenant, version, is_linking, effective_from, "
        "loaded_by, source) select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 "
        "from kasumori.policy_version where tenant = $1 returning version";
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_BOOL, DB_TYPE_TIMESTAMPTZ,
                                         DB_TYPE_TEXT, DB_TYPE_TEXT};
    static const int IS_ARRAY[] = {0, 0, 0, 0, 0};
    struct db_params *params = db_params_new(5, TYPES, IS_ARRAY, LIMIT_CONFIG_BYTES + 4);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(cli_value(cli, "tenant")));
    db_put_bool(params, 1, cli_has(cli, "linking"));
    db_put_time(params, 2, from_us);
    db_put_text(params, 3, slice_str(cli_value(cli, "by")));
    db_put_text(params, 4, text);
    enum rc rc = db_run(db, "insert_policy", SQL, params, ret_result, err);
    db_params_free(params);
    return rc;
}

/* A linking policy holds at once where no rows stand yet that were built with another. */
static enum rc adopt_unused(struct db *db, const struct cli *cli, int64_t version,
                            int *ret_is_waiting, struct err *err)
{
    int is_in_use = 0;
    enum rc rc = linking_is_in_use(db, cli_value(cli, "tenant"), &is_in_use, err);
    if (rc == RC_OK && !is_in_use)
        rc = linking_adopt(db, cli_value(cli, "tenant"), version, cli_value(cli, "by"), err);
    if (rc == RC_OK)
        *ret_is_waiting = is_in_use;
    return rc;
}

static enum rc lock(struct db *db, const struct cli *cli, struct err *err)
{
    enum rc rc =
        db_exec(db, "begin; lock table kasumori.policy_version in share row exclusive mode", err);
    return rc == RC_OK && cli_has(cli, "linking") ? linking_lock(db, err) : rc;
}

static enum rc insert_in(struct db *db, const struct cli *cli, int64_t from_us, struct slice text,
                         struct loaded *ret_loaded, struct err *err)
{
    struct db_result *result;
    char object[64];
    struct loaded loaded = {0};
    enum rc rc = lock(db, cli, err);
    if (rc == RC_OK)
        rc = insert(db, cli, from_us, text, &result, err);
    if (rc != RC_OK)
        return rc;
    loaded.version = db_result_int(result, 0, 0);
    db_result_free(result);
    snprintf(object, sizeof(object), "policy version %" PRId64, loaded.version);
    rc = cli_audit_write(db,
                         &(struct cli_audit){.tenant = cli_value(cli, "tenant"),
                                             .action = "policy.load",
                                             .object = object},
                         err);
    if (rc == RC_OK && cli_has(cli, "linking"))
        rc = adopt_unused(db, cli, loaded.version, &loaded.is_waiting, err);
    if (rc == RC_OK)
        rc = db_exec(db, "commit", err);
    if (rc == RC_OK)
        *ret_loaded = loaded;
    return rc;
}

static enum rc check_options(const struct cli *cli, int64_t *ret_from_us, struct err *err)
{
    struct err why;
    enum rc rc = cli_check_name("--tenant", cli_value(cli, "tenant"), err);
    if (rc == RC_OK)
        rc = cli_check_name("--by", cli_value(cli, "by"), err);
    if (rc == RC_OK && timefmt_parse_rfc3339(cli_value(cli, "from"), ret_from_us, &why) != RC_OK)
        rc = err_set(err, RC_REJECT, "--from: %s", why.text);
    return rc;
}

static enum rc load(struct cli *cli, struct buf *text, struct loaded *ret_loaded, struct err *err)
{
    struct db *db;
    int64_t from_us;
    enum rc rc = check_options(cli, &from_us, err);
    if (rc == RC_OK)
        rc = read_file(cli, text, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = insert_in(db, cli, from_us, buf_slice(text), ret_loaded, err);
    db_close(db);
    return rc;
}

static int run_load(struct cli *cli)
{
    struct buf text;
    struct err err;
    struct loaded loaded;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    enum rc rc = load(cli, &text, &loaded, &err);
    buf_done(&text);
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("%" PRId64 "\n", loaded.version);
    if (loaded.is_waiting)
        fprintf(stderr,
                "kasumori: rows stand that were built with another linking policy; this one holds "
                "after kasumori rebuild --adopt-linking %" PRId64 "\n",
                loaded.version);
    return CLI_OK;
}

#define LINKING                                            \
    {                                                      \
        "linking", NULL, 0, "the file is a linking policy" \
    }

static const struct cli_option CHECK_OPTIONS[] = {LINKING, {0}};
static const struct cli_option LOAD_OPTIONS[] = {
    {"tenant", "NAME", 1, "whose policy"},
    {"from", "TIME", 1, "time of events from which it holds, RFC 3339"},
    {"by", "NAME", 1, "who loads it"},
    LINKING,
    {0},
};

const struct cli_verb policy_verbs[] = {
    {.group = "policy",
     .verb = "check",
     .arguments = "FILE",
     .arguments_count = 1,
     .summary = "read a policy and say what is wrong, with line and column",
     .options = CHECK_OPTIONS,
     .run = run_check},
    {.group = "policy",
     .verb = "load",
     .arguments = "FILE",
     .arguments_count = 1,
     .is_on_database = 1,
     .summary = "make a policy hold for events from a time on",
     .details = "What happened before keeps the policy it had. A linking policy holds for all "
                "times, in place\n"
                "of the one before, once \"kasumori rebuild --adopt-linking\" has the rows built "
                "with it; at once\n"
                "where none stand yet. Prints the version.",
     .options = LOAD_OPTIONS,
     .run = run_load},
    {0},
};
