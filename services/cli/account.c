/* Accounts of the monitor. Invariant: a password is never an argument and never stored; every
   change takes effect on sessions at once. */
#include "services/cli/account.h"

#include <stdio.h>
#include <string.h>

#include "services/cli/account_change.h"
#include "services/cli/cli_facts.h"
#include "services/cli/secret.h"
#include "services/common/password/password.h"

enum { PASSWORD_BYTES = 1024, PASSWORD_CHARACTERS_MIN = 12 };

/* ---- the password ---- */

static enum rc read_password(const struct cli *cli, char ret_hash[PASSWORD_HASH_BYTES],
                             struct err *err)
{
    char password[PASSWORD_BYTES];
    const struct secret_source source = {
        .what = "password", .path = cli_value(cli, "password-file"), .option = "--password-file"};
    enum rc rc = secret_read(&source, password, sizeof(password), err);
    if (rc == RC_OK && strlen(password) < PASSWORD_CHARACTERS_MIN)
        rc = err_set(err, RC_REJECT, "a password has at least %d characters",
                     PASSWORD_CHARACTERS_MIN);
    if (rc == RC_OK)
        rc = password_hash(slice_str(password), ret_hash, err);
    explicit_bzero(password, sizeof(password));
    return rc;
}

static int done(enum rc rc, const struct err *err)
{
    return rc == RC_OK ? CLI_OK : cli_fail(err);
}

/* ---- verbs ---- */

static enum rc check_role(const char *role, const char *sites, struct err *err)
{
    static const char *const ROLES[] = {"site", "supervisor", "headquarters", "privacy", "admin"};
    size_t at = 0;
    while (at < sizeof(ROLES) / sizeof(ROLES[0]) && strcmp(ROLES[at], role) != 0)
        at++;
    if (at == sizeof(ROLES) / sizeof(ROLES[0]))
        return err_set(err, RC_REJECT,
                       "--role: want site, supervisor, headquarters, privacy or admin");
    if (at < 2 && sites == NULL)
        return err_set(err, RC_REJECT, "--sites: this role needs its sites");
    if (at >= 2 && sites != NULL)
        return err_set(err, RC_REJECT, "--sites: this role sees all");
    return RC_OK;
}

/* Of privacy's decisions none is about what a worker reported. */
static int is_judge(const char *role)
{
    return strcmp(role, "supervisor") == 0 || strcmp(role, "headquarters") == 0;
}

static int run_add(struct cli *cli)
{
    char hash[PASSWORD_HASH_BYTES] = "";
    const char *sites = cli_value(cli, "sites"), *name = cli_value(cli, "name");
    struct err err;
    enum rc rc = account_change_check(cli, &err);
    if (rc == RC_OK)
        rc = check_role(cli_value(cli, "role"), sites, &err);
    if (rc == RC_OK && !cli_has(cli, "without-password"))
        rc = read_password(cli, hash, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    const struct account_change change = {
        .name = "account_add",
        .sql = "insert into kasumori.account (tenant, account, name, role, sites, password_hash, "
               "password_at) select $1, $2, $3, $4, string_to_array(nullif($5, ''), ',') "
               "|| '{}', nullif($6, ''), case when $6 <> '' then now() end "
               "where not exists (select from unnest(string_to_array($5, ',')) as s (site) "
               "where not exists (select from kasumori.site k where k.tenant = $1 and k.site = "
               "s.site)) "
               "on conflict do nothing",
        .action = "account.add",
        .texts = {name == NULL ? cli_value(cli, "account") : name, cli_value(cli, "role"),
                  sites == NULL ? "" : sites, hash}};
    rc = account_change(cli, &change, &err);
    if (rc == RC_REJECT)
        rc = err_set(&err, RC_REJECT, "--account: it is taken, or one of the sites is none");
    if (rc == RC_OK && is_judge(cli_value(cli, "role")))
        fputs(
            "kasumori: this account may judge even its owner's own reports until kasumori account "
            "bind says which worker they are, or unbind --has-none that they are none\n",
            stderr);
    return done(rc, &err);
}

static int run_password(struct cli *cli)
{
    char hash[PASSWORD_HASH_BYTES];
    struct err err;
    enum rc rc = account_change_check(cli, &err);
    if (rc == RC_OK)
        rc = read_password(cli, hash, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    const struct account_change change = {
        .name = "account_password",
        .sql = "with ended as (delete from kasumori.session where tenant = $1 and account = $2) "
               "update kasumori.account set password_hash = $3, password_at = now(), "
               "failed_count = 0, failed_at = null where tenant = $1 and account = $2",
        .action = "account.password",
        .texts = {hash}};
    return done(account_change(cli, &change, &err), &err);
}

static int run_switch(struct cli *cli, const struct account_change *change)
{
    struct err err;
    return done(account_change(cli, change, &err), &err);
}

static int run_disable(struct cli *cli)
{
    static const struct account_change CHANGE = {
        .name = "account_disable",
        .sql = "with ended as (delete from kasumori.session where tenant = $1 and account = $2) "
               "update kasumori.account set disabled_at = now() "
               "where tenant = $1 and account = $2 and disabled_at is null",
        .action = "account.disable"};
    return run_switch(cli, &CHANGE);
}

static int run_enable(struct cli *cli)
{
    static const struct account_change CHANGE = {
        .name = "account_enable",
        .sql = "update kasumori.account set disabled_at = null, failed_count = 0 "
               "where tenant = $1 and account = $2 and disabled_at is not null",
        .action = "account.enable"};
    return run_switch(cli, &CHANGE);
}

/* How many codes are bound, never which; "lack" those without a token of the newest key. */
#define WORKERS                                                                              \
    "(select case when count(*) > 0 then count(*) || case when min(newest) < max(top) then " \
    "', ' || count(*) filter (where newest < top) || ' lack the newest key' else '' end "    \
    "when cardinality(a.workers) > 0 then 'tokens' when a.has_no_worker then 'has none' "    \
    "when a.role in ('supervisor', 'headquarters') then 'NONE BOUND' else '-' end from ("    \
    "select max(w.key_id) as newest, (select max(t.key_id) from kasumori.account_worker t "  \
    "where t.tenant = a.tenant) as top from kasumori.account_worker w "                      \
    "where w.tenant = a.tenant and w.account = a.account group by w.worker_no) as code)"

static int run_list(struct cli *cli)
{
    const struct cli_table table = {
        .name = "account_list",
        .heading = "tenant\taccount\trole\tsites\tstate\tpassword\tfailures\tworkers\tname",
        .sql = "select tenant, account, role, array_to_string(sites, ','), "
               "case when disabled_at is null then 'open' else 'shut' end, "
               "coalesce(to_char(password_at at time zone 'UTC', 'YYYY-MM-DD'), '-'), "
               "failed_count::text, " WORKERS ", name from kasumori.account a "
               "where ($1::text is null or tenant = $1) and ($2::boolean or disabled_at is null) "
               "order by 1, 2",
        .text = cli_value(cli, "tenant"),
        .flag = cli_has(cli, "all")};
    return cli_print_table(cli, &table);
}

#define WHO                           \
    {"tenant", "NAME", 1, "whose"},   \
    {                                 \
        "account", "NAME", 1, "which" \
    }
#define PASSWORD                                                                          \
    {                                                                                     \
        "password-file", "FILE", 0, "mode 0600, its first line; asked for when not given" \
    }

static const struct cli_option ADD[] = {
    WHO,
    {"role", "ROLE", 1, "site, supervisor, headquarters, privacy or admin"},
    {"sites", "SITE[,SITE…]", 0, "of a site or supervisor account"},
    {"name", "TEXT", 0, "shown to its owner"},
    PASSWORD,
    {"without-password", NULL, 0, "signs in by the trusted proxy only"},
    {0}};
static const struct cli_option SET[] = {WHO, PASSWORD, {0}};
static const struct cli_option ONE[] = {WHO, {0}};
static const struct cli_option LIST[] = {
    {"tenant", "NAME", 0, "whose; all when not given"}, {"all", NULL, 0, "those shut too"}, {0}};

#define VERB(verb_, options_, run_, summary_)                                            \
    {                                                                                    \
        .group = "account", .verb = (verb_), .is_on_database = 1, .summary = (summary_), \
        .options = (options_), .run = (run_)                                             \
    }

const struct cli_verb account_verbs[] = {
    VERB("add", ADD, run_add, "let a person use the monitor"),
    VERB("list", LIST, run_list, "list who may"),
    VERB("disable", ONE, run_disable, "shut an account and end its sessions"),
    VERB("enable", ONE, run_enable, "open an account again"),
    VERB("password", SET, run_password, "set a password and end the account's sessions"),
    {0},
};
