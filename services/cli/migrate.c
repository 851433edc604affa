/* Bringing a database to the schema this program knows, forward only.
   Invariant: under one advisory lock a migration and the row that records it commit together, so
   the recorded ones are always a prefix of the list, whoever dies when and however many run at
   once. */
#include "services/cli/migrate.h"

#include <stdio.h>
#include <string.h>

#include "services/cli/migrations.h"
#include "services/common/db/db.h"

static const char BOOTSTRAP[] =
    "set statement_timeout = 0;"
    "set idle_in_transaction_session_timeout = 0;"
    "set client_min_messages = warning;"
    "select pg_advisory_lock(7091035001);"
    "do $$ begin"
    " if to_regclass('kasumori_meta.migration') is null then"
    "  create schema if not exists kasumori_meta;"
    "  comment on schema kasumori_meta is 'What kasumori migrate remembers.';"
    "  create table kasumori_meta.migration ("
    "   version integer not null,"
    "   name text not null,"
    "   checksum text not null,"
    "   applied_at timestamptz not null default now(),"
    "   applied_by text not null default session_user,"
    "   constraint migration_key primary key (version));"
    "  comment on table kasumori_meta.migration is"
    "   'State: the migrations this database has seen, in order.';"
    "  comment on column kasumori_meta.migration.version is 'Number of the migration.';"
    "  comment on column kasumori_meta.migration.name is 'Its file.';"
    "  comment on column kasumori_meta.migration.checksum is 'SHA-256 of the file, hexadecimal.';"
    "  comment on column kasumori_meta.migration.applied_at is 'When it was applied.';"
    "  comment on column kasumori_meta.migration.applied_by is 'Who applied it.';"
    " end if;"
    "end $$";

/* The recorded migrations must be the first ones of ours. */
static enum rc compare(const struct db_result *recorded, struct err *err)
{
    size_t count = db_result_rows(recorded);
    if (count > migrations_count)
        return err_set(
            err, RC_FATAL,
            "the database's schema is version %d, this program knows up to %d: install a "
            "newer one",
            (int)db_result_int(recorded, count - 1, 0),
            migrations_all[migrations_count - 1].version);
    for (size_t i = 0; i < count; i++) {
        if (db_result_int(recorded, i, 0) != migrations_all[i].version)
            return err_set(err, RC_FATAL, "the database has no record of migration %s",
                           migrations_all[i].name);
        if (!slice_is_equal(db_result_bytes(recorded, i, 1), slice_str(migrations_all[i].checksum)))
            return err_set(
                err, RC_FATAL,
                "migration %s was another file when it was applied: cannot go on from an "
                "unknown schema",
                migrations_all[i].name);
    }
    return RC_OK;
}

static enum rc read_recorded(struct db *db, size_t *ret_count, struct err *err)
{
    struct db_result *recorded;
    enum rc rc = db_run(db, "read_migrations",
                        "select version, checksum from kasumori_meta.migration order by version",
                        NULL, &recorded, err);
    if (rc != RC_OK)
        return rc;
    rc = compare(recorded, err);
    if (rc == RC_OK)
        *ret_count = db_result_rows(recorded);
    db_result_free(recorded);
    return rc;
}

static enum rc record(struct db *db, const struct migration *migration, struct err *err)
{
    char version[16];
    snprintf(version, sizeof(version), "%d", migration->version);
    return CLI_RUN(db, "record_migration",
                   "insert into kasumori_meta.migration (version, name, checksum) "
                   "values ($1::integer, $2, $3)",
                   NULL, err, version, migration->name, migration->checksum);
}

/* The first one makes the roles, so it runs as whoever we are. */
static enum rc apply_in_transaction(struct db *db, const struct migration *migration,
                                    struct err *err)
{
    enum rc rc = RC_OK;
    if (migration->version > 1)
        rc = db_exec(db, "set local role kasumori_owner", err);
    if (rc == RC_OK)
        rc = db_exec(db, migration->sql, err);
    return rc == RC_OK ? record(db, migration, err) : rc;
}

static enum rc apply(struct db *db, const struct migration *migration, struct err *err)
{
    enum rc rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = apply_in_transaction(db, migration, err);
    if (rc == RC_OK)
        rc = db_exec(db, "commit", err);
    if (rc != RC_OK)
        return err_prefix(err, "migration %s", migration->name); /* closing rolls back */
    printf("applied %s\n", migration->name);
    return RC_OK;
}

static enum rc make_partitions(struct db *db, struct err *err)
{
    struct db_result *result;
    enum rc rc = db_exec(db, "set role kasumori_owner", err);
    if (rc == RC_OK)
        rc = db_run(db, "make_partitions",
                    "select kasumori.make_partitions((now() - interval '14 months')::date, "
                    "(now() + interval '3 months')::date)",
                    NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    printf("schema version %d, %d partitions made\n", migrations_all[migrations_count - 1].version,
           (int)db_result_int(result, 0, 0));
    db_result_free(result);
    return RC_OK;
}

static enum rc migrate(struct db *db, struct err *err)
{
    size_t done = 0;
    enum rc rc = db_exec(db, BOOTSTRAP, err);
    if (rc == RC_OK)
        rc = read_recorded(db, &done, err);
    for (size_t i = done; rc == RC_OK && i < migrations_count; i++)
        rc = apply(db, &migrations_all[i], err);
    return rc == RC_OK ? make_partitions(db, err) : rc;
}

static int run(struct cli *cli)
{
    struct db *db;
    struct err err;
    if (db_open(cli->database == NULL ? "" : cli->database, "kasumori migrate", &db, &err) != RC_OK)
        return cli_fail(&err);
    enum rc rc = migrate(db, &err);
    db_close(db);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

const struct cli_verb migrate_verbs[] = {
    {.group = "migrate",
     .is_on_database = 1,
     .summary = "bring the database's schema up to date and make partitions ahead",
     .details =
         "Forward only, safe to repeat and to run at once from many places. It makes the roles\n"
         "kasumori_owner, kasumori_aggregator, kasumori_monitor and kasumori_privacy, so the\n"
         "first time it needs the right to create roles.",
     .run = run},
    {0},
};
