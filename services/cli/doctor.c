/* Looking for what no constraint can catch. Facts have no foreign keys, so orphans are searched
   here. Invariant: each check is one query that counts what is wrong, so 0 means well everywhere.
 */
#include "services/cli/doctor.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/common/base/limits.h"
#include "services/common/db/db.h"

struct check {
    const char *name;
    const char *wrong; /* "3 <wrong>" */
    const char *sql;   /* one bigint */
};

#define ORPHANS(table)                                                    \
    "select count(*) from kasumori." table " as child where not exists (" \
    "select from kasumori.record where record.tenant = child.tenant "     \
    "and record.record_id = child.record_id)"

static const struct check CHECKS[] = {
    {"partitions", "monthly partitions are missing (run kasumori migrate)",
     "select count(*) from generate_series(date_trunc('month', now() - interval '13 months'), "
     "now() + interval '1 month', interval '1 month') as month, "
     "unnest(array['record', 'record_text', 'sealed_identity', 'sighting']) as parent "
     "where not exists (select from pg_inherits where inhparent = ('kasumori.' || "
     "parent)::regclass "
     "and inhrelid = to_regclass('kasumori.' || parent || to_char(month, '_YYYY_MM')))"},
    {"default partition", "default partitions are there",
     "select count(*) from pg_partitioned_table join pg_class on pg_class.oid = partrelid "
     "where relnamespace = 'kasumori'::regnamespace and partdefid <> 0"},
    {"row-level security", "tables with a tenant are not closed by forced row-level security",
     "select count(*) from pg_class join pg_attribute on attrelid = pg_class.oid "
     "where relnamespace = 'kasumori'::regnamespace and relkind in ('r', 'p') "
     "and attname = 'tenant' and not (relrowsecurity and relforcerowsecurity)"},
    {"roles", "service roles may log in, are superusers or pass row-level security",
     "select count(*) from pg_roles where rolname in ('kasumori_owner', 'kasumori_aggregator', "
     "'kasumori_monitor', 'kasumori_privacy') and (rolcanlogin or rolsuper or rolbypassrls)"},
    {"login roles", "superusers or owners run as a service",
     "select count(*) from pg_roles as member where rolcanlogin and not rolsuper "
     "and pg_has_role(oid, 'kasumori_owner', 'member') and exists (select from unnest(array["
     "'kasumori_aggregator', 'kasumori_monitor', 'kasumori_privacy']) as service "
     "where pg_has_role(member.oid, service, 'member'))"},
    {"append-only facts", "rights to change or delete facts are given",
     "select count(*) from unnest(array['kasumori_aggregator', 'kasumori_monitor', "
     "'kasumori_privacy']) as role, unnest(array['record', 'record_text', 'sealed_identity', "
     "'sighting', 'external_key', 'ingest_log', 'decision', 'policy_version', 'tick', 'audit']) as "
     "fact, "
     "unnest(array['update', 'delete', 'truncate']) as right_ "
     "where has_table_privilege(role, 'kasumori.' || fact, right_)"},
    {"free text", "roles that may not read free text and sealed identities can",
     "select count(*) from unnest(array['kasumori_aggregator', 'kasumori_monitor']) as role "
     "where has_column_privilege(role, 'kasumori.record_text', 'text', 'select') "
     "or has_column_privilege(role, 'kasumori.record_text', 'raw', 'select') "
     "or has_column_privilege(role, 'kasumori.sealed_identity', 'sealed', 'select')"},
    {"sightings", "sightings belong to no record", ORPHANS("sighting")},
    {"texts", "texts belong to no record", ORPHANS("record_text")},
    {"sealed identities", "sealed identities belong to no record", ORPHANS("sealed_identity")},
    {"external keys", "external keys name no record", ORPHANS("external_key")},
    {"log entries", "entries of the ingest log name no record", ORPHANS("ingest_log")},
    {"records", "records are not in the ingest log",
     "select count(*) from kasumori.record as child where not exists ("
     "select from kasumori.ingest_log as log where log.tenant = child.tenant "
     "and log.record_id = child.record_id)"},
    {"streams", "stored offsets are behind what is stored of their partition",
     "select count(*) from kasumori.kafka_offset as place where next_offset <= ("
     "select max(kafka_offset) from kasumori.ingest_log as log where log.stream_no = "
     "place.stream_no)"},
    {"agents", "valid agents have no site now",
     "select count(*) from kasumori.agent as child where valid_from <= now() and now() < valid_to "
     "and not exists (select from kasumori.site where site.tenant = child.tenant "
     "and site.site = child.site and site.valid_from <= now() and now() < site.valid_to)"},
    {"sequences", "holes are in the sequences of agents (on their way, or lost)",
     "select coalesce(sum(holes), 0)::bigint from (select (select count(*) from unnest("
     "int8multirange(int8range(1, upper(received))) - received)) as holes "
     "from kasumori.agent_seq where received <> '{}') as agent"},
    {"bad records", "bad records are open (kasumori bad list)",
     "select count(*) from kasumori.bad_record where state = 'open'"},
};

static enum rc run_check(struct db *db, const struct check *check, int64_t *ret_wrong,
                         struct err *err)
{
    struct db_result *result;
    enum rc rc = db_run(db, check->name, check->sql, NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    *ret_wrong = db_result_int(result, 0, 0);
    db_result_free(result);
    return RC_OK;
}

/* RC_REJECT: something is wrong, and has been said. */
static enum rc run_checks(struct db *db, struct err *err)
{
    size_t failed = 0;
    for (size_t i = 0; i < sizeof(CHECKS) / sizeof(CHECKS[0]); i++) {
        int64_t wrong;
        enum rc rc = run_check(db, &CHECKS[i], &wrong, err);
        if (rc != RC_OK)
            return rc;
        if (wrong == 0)
            printf("ok     %s\n", CHECKS[i].name);
        else
            printf("WRONG  %s: %" PRId64 " %s\n", CHECKS[i].name, wrong, CHECKS[i].wrong);
        failed += wrong != 0;
    }
    if (failed > 0)
        return err_set(err, RC_REJECT, "%zu checks failed", failed);
    return RC_OK;
}

static int run(struct cli *cli)
{
    struct db *db;
    struct err err;
    enum rc rc = cli_open_database(cli, &db, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("ok     schema version\n");
    /* Anti-joins read whole tables; one snapshot, so that what arrives meanwhile is no orphan. */
    rc = db_exec(db,
                 "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; "
                 "begin transaction isolation level repeatable read read only",
                 &err);
    if (rc == RC_OK)
        rc = run_checks(db, &err);
    db_close(db);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

const struct cli_verb doctor_verbs[] = {
    {.group = "doctor",
     .is_on_database = 1,
     .summary = "check what no constraint can: orphans, partitions, rights, holes",
     .details = "One line a check; exit status 1 when something is wrong. Reads whole tables.",
     .run = run},
    {0},
};
