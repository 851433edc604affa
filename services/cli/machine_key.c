/* Keys by which programs use the monitor. Invariant: a key is shown or written once, when it is
   made; the database has its SHA-256 only. */
#include "services/cli/machine_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "services/cli/cli_facts.h"
#include "services/common/base/file.h"
#include "services/common/base/hex.h"
#include "services/common/mac/mac.h"

#define PREFIX "ks_"

enum { KEY_BYTES = 32, KEY_TEXT_BYTES = 3 + 2 * KEY_BYTES + 1, OBJECT_BYTES = 96, DAYS_MAX = 3660 };

static enum rc make_key(char ret_key[KEY_TEXT_BYTES], char ret_hash[2 * MAC_SHA256_BYTES + 1],
                        struct err *err)
{
    uint8_t random[KEY_BYTES];
    uint8_t hash[MAC_SHA256_BYTES];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return err_set(err, RC_RETRY, "could not get random bytes: %m");
    memcpy(ret_key, PREFIX, sizeof(PREFIX));
    hex_format(random, sizeof(random), ret_key + sizeof(PREFIX) - 1);
    mac_sha256(slice_str(ret_key), hash);
    hex_format(hash, sizeof(hash), ret_hash);
    explicit_bzero(random, sizeof(random));
    return RC_OK;
}

static enum rc audit(struct db *db, const struct cli *cli, const char *action, struct err *err)
{
    char object[OBJECT_BYTES];
    snprintf(object, sizeof(object), "machine-key %s", cli_value(cli, "name"));
    return cli_audit_write(
        db,
        &(struct cli_audit){.tenant = cli_value(cli, "tenant"), .action = action, .object = object},
        err);
}

static enum rc insert(struct db *db, const struct cli *cli, const char *hash, struct err *err)
{
    static const char SQL[] =
        "insert into kasumori.machine_key "
        "(tenant, name, key_hash, scope, site, created_by, expires_at) "
        "select $1, $2, decode($3, 'hex'), string_to_array($4, ','), $5, session_user, "
        "now() + $6::integer * interval '1 day' where $5::text is null or exists "
        "(select from kasumori.site where tenant = $1 and site = $5) on conflict do nothing";
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "machine_key_add", SQL, &result, err, cli_value(cli, "tenant"),
                         cli_value(cli, "name"), hash, cli_value(cli, "scope"),
                         cli_value(cli, "site"), cli_value(cli, "days"));
    if (rc != RC_OK)
        return rc;
    size_t made = db_result_affected(result);
    db_result_free(result);
    if (made == 0)
        return err_set(err, RC_REJECT, "--name: it is taken, or there is no such site");
    return audit(db, cli, "machine_key.add", err);
}

/* The key goes out before the commit: one that nobody got is no key. */
static enum rc hand_out(const struct cli *cli, const char *key, struct err *err)
{
    char line[KEY_TEXT_BYTES + 1];
    const char *path = cli_value(cli, "out");
    snprintf(line, sizeof(line), "%s\n", key);
    if (path == NULL) {
        fputs(line, stdout);
        return fflush(stdout) == 0 ? RC_OK : err_set(err, RC_RETRY, "could not write the key: %m");
    }
    if (access(path, F_OK) == 0)
        return err_set(err, RC_REJECT, "--out: %s is there already", path);
    return file_write_secret(path, slice_str(line), err);
}

static enum rc add_in(struct db *db, const struct cli *cli, const char *key, const char *hash,
                      struct err *err)
{
    enum rc rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = insert(db, cli, hash, err);
    if (rc == RC_OK)
        rc = hand_out(cli, key, err);
    return rc == RC_OK ? db_exec(db, "commit", err) : rc;
}

static enum rc check(const struct cli *cli, struct err *err)
{
    const char *scope = cli_value(cli, "scope");
    int64_t days;
    enum rc rc = cli_check_name("--tenant", cli_value(cli, "tenant"), err);
    if (rc == RC_OK)
        rc = cli_check_name("--name", cli_value(cli, "name"), err);
    if (rc == RC_OK)
        rc = cli_number("--days", cli_value(cli, "days"), 1, DAYS_MAX, &days, err);
    if (rc != RC_OK)
        return rc;
    for (const char *at = scope; *at != '\0';) {
        size_t size = strcspn(at, ",");
        int is_known = (size == 6 && strncmp(at, "lookup", 6) == 0) ||
                       (size == 6 && strncmp(at, "export", 6) == 0) ||
                       (size == 4 && strncmp(at, "read", 4) == 0) ||
                       (size == 7 && strncmp(at, "receipt", 7) == 0);
        if (!is_known)
            return err_set(err, RC_REJECT,
                           "--scope: want lookup, export, read or receipt, or several");
        at += size + (at[size] == ',');
    }
    return RC_OK;
}

static int run_add(struct cli *cli)
{
    char key[KEY_TEXT_BYTES];
    char hash[2 * MAC_SHA256_BYTES + 1];
    struct db *db;
    struct err err;
    enum rc rc = check(cli, &err);
    if (rc == RC_OK)
        rc = make_key(key, hash, &err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    rc = add_in(db, cli, key, hash, &err);
    db_close(db);
    explicit_bzero(key, sizeof(key));
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

static enum rc revoke_key(struct db *db, const struct cli *cli, struct err *err)
{
    struct db_result *result;
    enum rc rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = CLI_RUN(db, "machine_key_revoke",
                     "update kasumori.machine_key set revoked_at = now() "
                     "where tenant = $1 and name = $2 and revoked_at is null",
                     &result, err, cli_value(cli, "tenant"), cli_value(cli, "name"));
    if (rc != RC_OK)
        return rc;
    size_t touched = db_result_affected(result);
    db_result_free(result);
    if (touched == 0)
        return err_set(err, RC_REJECT, "--name: there is no such key in force");
    rc = audit(db, cli, "machine_key.revoke", err);
    return rc == RC_OK ? db_exec(db, "commit", err) : rc;
}

static int run_revoke(struct cli *cli)
{
    struct db *db;
    struct err err;
    enum rc rc = cli_open_database(cli, &db, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    rc = revoke_key(db, cli, &err);
    db_close(db);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

static int run_list(struct cli *cli)
{
    const struct cli_table table = {
        .name = "machine_key_list",
        .heading = "tenant\tname\tscope\tsite\texpires\tstate",
        .sql = "select tenant, name, array_to_string(scope, ','), coalesce(site, '-'), "
               "to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD'), "
               "case when revoked_at is not null then 'revoked' when expires_at <= now() "
               "then 'expired' else 'in force' end from kasumori.machine_key "
               "where ($1::text is null or tenant = $1) and ($2::boolean or (revoked_at is null "
               "and expires_at > now())) order by 1, 2",
        .text = cli_value(cli, "tenant"),
        .flag = cli_has(cli, "all")};
    return cli_print_table(cli, &table);
}

static const struct cli_option ADD[] = {
    {"tenant", "NAME", 1, "whose"},
    {"name", "NAME", 1, "what uses it; stands in audit rows"},
    {"scope", "SCOPE[,SCOPE…]", 1, "lookup, export, read, receipt"},
    {"days", "N", 1, "until it ends"},
    {"site", "SITE", 0, "the one site it may see"},
    {"out", "FILE", 0, "made with mode 0600; the key is printed when not given"},
    {0}};
static const struct cli_option REVOKE[] = {
    {"tenant", "NAME", 1, "whose"}, {"name", "NAME", 1, "which"}, {0}};
static const struct cli_option LIST[] = {{"tenant", "NAME", 0, "whose; all when not given"},
                                         {"all", NULL, 0, "those that ended too"},
                                         {0}};

#define VERB(verb_, options_, run_, summary_)                                                \
    {                                                                                        \
        .group = "machine-key", .verb = (verb_), .is_on_database = 1, .summary = (summary_), \
        .options = (options_), .run = (run_)                                                 \
    }

const struct cli_verb machine_key_verbs[] = {
    VERB("add", ADD, run_add, "let a program use the monitor; shows its key once"),
    VERB("list", LIST, run_list, "list keys"),
    VERB("revoke", REVOKE, run_revoke, "take a key back"),
    {0},
};
