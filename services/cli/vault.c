/* Opening a sealed identity.
   Invariant: the audit row that says who looked and why is committed before anything is printed. */
#include "services/cli/vault.h"

#include <stdio.h>
#include <string.h>

#include "services/cli/keys.h"
#include "services/common/base/limits.h"
#include "services/common/base/uuid.h"
#include "services/common/db/db.h"

struct opener {
    uint8_t public_key[TOKEN_VAULT_KEY_BYTES];
    uint8_t secret_key[TOKEN_VAULT_KEY_BYTES];
};

static enum rc print_one(const struct opener *opener, const struct db_result *rows, size_t row,
                         struct err *err)
{
    uint8_t value[LIMIT_SEALED_BYTES];
    uint32_t kind;
    struct slice box = db_result_bytes(rows, row, 3);
    if (box.size > LIMIT_SEALED_BYTES || box.size < TOKEN_SEAL_OVERHEAD_BYTES + 4)
        return err_set(err, RC_CORRUPT, "a sealed box has an impossible size");
    enum rc rc = token_unseal(opener->public_key, opener->secret_key, box, &kind, value, err);
    if (rc != RC_OK)
        return rc;
    if (kind != (uint32_t)db_result_int(rows, row, 2))
        rc = err_set(err, RC_CORRUPT, "a sealed box holds another kind than its row says");
    if (rc == RC_OK) {
        printf("%d\t%d\t%u\t", (int)db_result_int(rows, row, 0), (int)db_result_int(rows, row, 1),
               (unsigned)kind);
        cli_print_safely(slice_of(value, box.size - TOKEN_SEAL_OVERHEAD_BYTES - 4));
        putchar('\n');
    }
    explicit_bzero(value, sizeof(value));
    return rc;
}

static enum rc print_all(const struct opener *opener, const struct db_result *rows, struct err *err)
{
    enum rc rc = RC_OK;
    if (db_result_rows(rows) == 0)
        return err_set(err, RC_REJECT, "the record has no sealed identity");
    puts("person\titem\tkind\tvalue");
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(rows); row++)
        rc = print_one(opener, rows, row, err);
    return rc;
}

static enum rc read_rows(struct db *db, const struct cli *cli, const char *record,
                         struct db_result **ret_rows, struct err *err)
{
    struct db_result *rows;
    const char *tenant = cli_value(cli, "tenant");
    enum rc rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = CLI_RUN(db, "audit_opening",
                     "insert into kasumori.audit (tenant, actor, role, action, purpose, object) "
                     "values ($1, session_user, 'privacy', 'vault.open', $2, 'record ' || $3)",
                     NULL, err, tenant, cli_value(cli, "purpose"), record);
    if (rc == RC_OK)
        rc = CLI_RUN(db, "read_sealed",
                     "select person, item, kind, sealed from kasumori.sealed_identity "
                     "where tenant = $1 and record_id = $2::uuid order by person, item",
                     &rows, err, tenant, record);
    if (rc != RC_OK)
        return rc;
    rc = db_exec(db, "commit", err);
    if (rc != RC_OK) {
        db_result_free(rows);
        return rc;
    }
    *ret_rows = rows;
    return RC_OK;
}

static enum rc open_record(struct cli *cli, const char *record, const struct opener *opener,
                           struct err *err)
{
    struct db *db;
    struct db_result *rows;
    enum rc rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = read_rows(db, cli, record, &rows, err);
    if (rc == RC_OK) {
        rc = print_all(opener, rows, err);
        db_result_free(rows);
    }
    db_close(db);
    return rc;
}

static enum rc check_options(const struct cli *cli, char record[UUID_TEXT_BYTES], struct err *err)
{
    struct uuid uuid;
    enum rc rc = cli_check_name("--tenant", cli_value(cli, "tenant"), err);
    if (rc != RC_OK)
        return rc;
    if (uuid_parse(cli_value(cli, "record"), &uuid) != RC_OK)
        return err_set(err, RC_REJECT, "--record: want a UUID");
    if (strspn(cli_value(cli, "purpose"), " \t") == strlen(cli_value(cli, "purpose")))
        return err_set(err, RC_REJECT, "--purpose: say why");
    uuid_format(&uuid, record);
    return RC_OK;
}

static int run_open(struct cli *cli)
{
    struct opener opener;
    struct err err;
    char record[UUID_TEXT_BYTES];
    const char *dir = cli_value(cli, "keys");
    const char *tenant = cli_value(cli, "tenant");
    enum rc rc = check_options(cli, record, &err);
    if (rc == RC_OK)
        rc = token_init(&err);
    if (rc == RC_OK)
        rc = keys_read_vault_public(dir, tenant, opener.public_key, &err);
    if (rc == RC_OK)
        rc = keys_read_vault_secret(dir, tenant, opener.secret_key, &err);
    if (rc == RC_OK)
        rc = open_record(cli, record, &opener, &err);
    explicit_bzero(&opener, sizeof(opener));
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

static const struct cli_option OPEN_OPTIONS[] = {
    {"record", "UUID", 1, "whose sealed identities"},
    {"tenant", "NAME", 1, "the company"},
    {"keys", "DIR", 1, "folder with the vault's keys"},
    {"purpose", "TEXT", 1, "why; kept in the audit log, so no identifiers in it"},
    {0},
};

const struct cli_verb vault_verbs[] = {
    {.group = "vault",
     .verb = "open",
     .is_on_database = 1,
     .summary = "print the sealed identities of a record, after an audit row",
     .options = OPEN_OPTIONS,
     .run = run_open},
    {0},
};
