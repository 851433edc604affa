/* Holds the derived tables against the facts, or has them built with another linking policy.
   Invariant: --verify writes nothing, and the rows it compares are made by the code that the
   correlator writes them with. */
#include "services/cli/rebuild.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/cli/cli_facts.h"
#include "services/cli/linking.h"
#include "services/common/tables/tables.h"

/* Facts that the correlator has not come to yet, and the linking policy's version. */
static const char STATE_SQL[] =
    "select coalesce((select last_no from kasumori.decision_counter where tenant = $1), 0) "
    "- coalesce((select decision_no from kasumori.correlated where tenant = $1), 0), "
    "coalesce((select version from kasumori.linking_adopted where tenant = $1 "
    "order by adoption_no desc limit 1), 0), "
    "(select count(*) from kasumori.ingest_log as l left join kasumori.correlated_stream as c "
    "on c.tenant = l.tenant and c.stream_no = l.stream_no where l.tenant = $1 "
    "and l.kafka_offset >= coalesce(c.next_offset, 0)), "
    "coalesce((select form from kasumori.correlated where tenant = $1), 0), "
    "coalesce((select linking_version from kasumori.correlated where tenant = $1), 0)";

static enum rc read_state(struct db *db, const char *tenant, int64_t *ret_linking, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "rebuild_state", STATE_SQL, &result, err, tenant);
    if (rc != RC_OK)
        return rc;
    int64_t decisions = db_result_int(result, 0, 0), records = db_result_int(result, 0, 2);
    if (decisions > 0 || records > 0)
        printf("pending: %" PRId64 " records and %" PRId64
               " decisions are newer than the derived rows\n",
               records, decisions);
    if (db_result_int(result, 0, 3) != TABLES_FORM)
        printf("pending: the tenant has not been correlated by this version, or is left alone\n");
    *ret_linking = db_result_int(result, 0, 1);
    if (db_result_int(result, 0, 4) != *ret_linking)
        printf("pending: linking policy version %" PRId64 " was adopted after the derived rows\n",
               *ret_linking);
    db_result_free(result);
    return RC_OK;
}

static void print_difference(void *ctx, const char *table, struct slice how, struct slice key)
{
    (void)ctx;
    printf("%s %s ", table, (const char *)how.data);
    cli_print_safely(key);
    putchar('\n');
}

static enum rc compare(struct db *db, struct tables *tables, const char *tenant, struct err *err)
{
    struct cli_facts facts = {0};
    struct tables_source source = {.tenant = slice_str(tenant)};
    uint64_t count = 0;
    enum rc rc = read_state(db, tenant, &source.linking_version, err);
    if (rc == RC_OK)
        rc = cli_facts_load(db, tenant, &facts, err);
    source.derived = facts.derived;
    if (rc == RC_OK)
        rc = tables_fill(tables, &source, facts.arena, err);
    if (rc == RC_OK)
        rc = db_exec(db, "set statement_timeout = 0; set enable_nestloop = off", err);
    if (rc == RC_OK)
        rc = tables_compare(tables, db, print_difference, NULL, &count, err);
    cli_facts_done(&facts);
    if (rc == RC_OK && count > 0)
        rc = err_set(err, RC_REJECT, "%" PRIu64 " derived rows are not what the facts say", count);
    return rc;
}

static enum rc verify(struct cli *cli, struct err *err)
{
    struct db *db;
    const char *tenant = cli_value(cli, "tenant");
    enum rc rc = cli_check_name("--tenant", tenant, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    struct tables *tables = tables_new();
    rc =
        tables == NULL ? err_set(err, RC_RETRY, "out of memory") : compare(db, tables, tenant, err);
    db_close(db); /* first: it holds the statements */
    tables_free(tables);
    return rc;
}

static int run_verify(struct cli *cli)
{
    struct err err;
    if (verify(cli, &err) != RC_OK)
        return cli_fail(&err);
    printf("all derived rows are what the facts say\n");
    return CLI_OK;
}

/* ---- another linking policy ---- */

static enum rc adopt_in(struct db *db, const char *tenant, int64_t version, const char *by,
                        struct err *err)
{
    enum rc rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = linking_lock(db, err);
    if (rc == RC_OK)
        rc = linking_adopt(db, tenant, version, by, err);
    return rc == RC_OK ? db_exec(db, "commit", err) : rc;
}

static enum rc adopt(struct cli *cli, int64_t *ret_version, struct err *err)
{
    struct db *db;
    const char *tenant = cli_value(cli, "tenant"), *by = cli_value(cli, "by");
    if (by == NULL)
        return err_set(err, RC_REJECT, "--adopt-linking: want --by NAME, who adopts it");
    enum rc rc = cli_check_name("--tenant", tenant, err);
    if (rc == RC_OK)
        rc = cli_check_name("--by", by, err);
    if (rc == RC_OK)
        rc = cli_number("--adopt-linking", cli_value(cli, "adopt-linking"), 0, INT64_MAX,
                        ret_version, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = adopt_in(db, tenant, *ret_version, by, err);
    db_close(db); /* ends a transaction that failed */
    return rc;
}

static int run_adopt(struct cli *cli)
{
    struct err err;
    int64_t version;
    if (adopt(cli, &version, &err) != RC_OK)
        return cli_fail(&err);
    printf("linking policy version %" PRId64 " holds; the correlator builds all rows anew\n",
           version);
    return CLI_OK;
}

static int run(struct cli *cli)
{
    struct err err;
    if (cli_has(cli, "verify") != cli_has(cli, "adopt-linking"))
        return cli_has(cli, "verify") ? run_verify(cli) : run_adopt(cli);
    err_set(&err, RC_REJECT, "want either --verify or --adopt-linking");
    return cli_fail(&err);
}

static const struct cli_option OPTIONS[] = {
    {"verify", NULL, 0, "compute all rows anew and compare; nothing is written"},
    {"adopt-linking", "VERSION", 0, "build all rows with this linking policy; 0: the built-in one"},
    {"tenant", "NAME", 1, "whose"},
    {"by", "NAME", 0, "who adopts it"},
    {0},
};

const struct cli_verb rebuild_verbs[] = {
    {.group = "rebuild",
     .is_on_database = 1,
     .summary = "compare the derived tables with the facts, or build them with another linking "
                "policy",
     .details = "--verify prints each row that is missing, extra or differs, by table and key, at "
                "most 100 of each\n"
                "table. Facts that the correlator has not come to yet are said first: then "
                "differences are no fault.\n"
                "--adopt-linking makes a loaded linking policy hold for all times; the correlator "
                "replaces the\n"
                "tenant's rows in one transaction.",
     .options = OPTIONS,
     .run = run},
    {0},
};
