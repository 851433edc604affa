/* The registry of agents.
   Invariant: a bundle is on disk before its agent is registered, and is removed again when that
   fails, so no registered agent lacks the file that only this command can make. */
#include "services/cli/agent.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/cli/agent_bundle.h"
#include "services/cli/cli_kafka.h"
#include "services/cli/keys.h"
#include "services/common/base/buf.h"
#include "services/common/base/file.h"
#include "services/common/db/db.h"

#define FIRST_MAC_KEY_ID_TEXT "1"
enum { BUNDLE_BYTES_MAX = 64 * 1024, FIRST_MAC_KEY_ID = 1 };

/* The database's clock and the brokers' differ a little, and what an agent sends at once must not
   look forged; before it was added nobody could have had its key. */
static const char INSERT[] =
    "insert into kasumori.agent (tenant, agent, site, mac_key_id, valid_from, note) "
    "select $1, $2, $3, $4::bigint, now() - interval '10 minutes', $5 "
    "where exists (select from kasumori.site "
    "where tenant = $1 and site = $3 and valid_to > now())";

/* ---- add ---- */

static enum rc read_keys(const char *dir, uint32_t mac_key_id, struct agent_bundle *bundle,
                         struct err *err)
{
    uint8_t master[MAC_KEY_BYTES];
    enum rc rc = keys_read_mac_master(dir, master, err);
    if (rc == RC_OK)
        mac_derive_agent_key(master, bundle->agent, mac_key_id, &bundle->mac_key);
    explicit_bzero(master, sizeof(master));
    if (rc == RC_OK)
        rc = keys_read_vault_public(dir, bundle->tenant, bundle->vault_public, err);
    if (rc == RC_OK)
        rc = keys_read_token_masters(dir, bundle->tenant, &bundle->token_masters, err);
    return rc;
}

static const char *value_or(const struct cli *cli, const char *name, const char *standard)
{
    const char *value = cli_value(cli, name);
    return value == NULL ? standard : value;
}

static enum rc write_bundle_text(const struct cli *cli, const char *site, uint32_t mac_key_id,
                                 struct buf *out, struct err *err)
{
    struct agent_bundle bundle = {
        .tenant = cli_value(cli, "tenant"),
        .site = site,
        .agent = cli_value(cli, "agent"),
        .kinds = value_or(cli, "kinds", agent_bundle_kinds),
        .kafka = cli_kafka_config(cli),
        .topic_records = value_or(cli, "topic-records", "kasumori.records.v1"),
        .topic_health = value_or(cli, "topic-health", "kasumori.health.v1"),
    };
    enum rc rc = read_keys(cli_value(cli, "keys"), mac_key_id, &bundle, err);
    if (rc == RC_OK)
        rc = agent_bundle_write(&bundle, out, err);
    explicit_bzero(&bundle, sizeof(bundle));
    return rc;
}

static enum rc check_names(const struct cli *cli, struct err *err)
{
    struct stat st;
    enum rc rc = cli_check_name("--tenant", cli_value(cli, "tenant"), err);
    if (rc == RC_OK)
        rc = cli_check_name("--agent", cli_value(cli, "agent"), err);
    if (rc == RC_OK && lstat(cli_value(cli, "out"), &st) == 0)
        rc = err_set(err, RC_REJECT, "%s is there already", cli_value(cli, "out"));
    return rc;
}

static enum rc insert_agent(struct db *db, const struct cli *cli, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "insert_agent", INSERT, &result, err, cli_value(cli, "tenant"),
                         cli_value(cli, "agent"), cli_value(cli, "site"), FIRST_MAC_KEY_ID_TEXT,
                         value_or(cli, "note", ""));
    if (rc == RC_REJECT && strcmp(db_sqlstate(db), "23505") == 0)
        return err_set(err, RC_REJECT, "there is an agent %s already: names are never used again",
                       cli_value(cli, "agent"));
    if (rc != RC_OK)
        return rc;
    if (db_result_affected(result) == 0)
        rc = err_set(err, RC_REJECT, "%s has no site %s: import it first", cli_value(cli, "tenant"),
                     cli_value(cli, "site"));
    db_result_free(result);
    return rc;
}

static enum rc register_agent(struct db *db, const struct cli *cli, struct slice text,
                              struct err *err)
{
    const char *path = cli_value(cli, "out");
    enum rc rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = insert_agent(db, cli, err);
    if (rc == RC_OK)
        rc = file_write_secret(path, text, err);
    if (rc != RC_OK)
        return rc;
    rc = db_exec(db, "commit", err);
    if (rc != RC_OK && db_is_alive(db))
        unlink(path); /* with the connection lost it may have been committed: keep the file */
    return rc;
}

static enum rc add(struct cli *cli, struct buf *text, struct err *err)
{
    struct db *db;
    const char *site = cli_value(cli, "site");
    enum rc rc = check_names(cli, err);
    if (rc == RC_OK)
        rc = cli_check_name("--site", site, err);
    if (rc == RC_OK)
        rc = write_bundle_text(cli, site, FIRST_MAC_KEY_ID, text, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = register_agent(db, cli, buf_slice(text), err);
    db_close(db);
    return rc;
}

/* ---- a new bundle for an old agent ---- */

static enum rc write_renewed(const struct db_result *found, const struct cli *cli, struct buf *text,
                             struct err *err)
{
    if (db_result_rows(found) == 0)
        return err_set(err, RC_REJECT, "%s has no valid agent %s", cli_value(cli, "tenant"),
                       cli_value(cli, "agent"));
    enum rc rc = write_bundle_text(cli, (const char *)db_result_bytes(found, 0, 0).data,
                                   (uint32_t)db_result_int(found, 0, 1), text, err);
    if (rc == RC_OK)
        rc = file_write_secret(cli_value(cli, "out"), buf_slice(text), err);
    return rc;
}

static enum rc renew(struct cli *cli, struct buf *text, struct err *err)
{
    struct db *db;
    struct db_result *found;
    enum rc rc = check_names(cli, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = CLI_RUN(db, "find_agent",
                 "select site, mac_key_id from kasumori.agent "
                 "where tenant = $1 and agent = $2 and valid_to > now()",
                 &found, err, cli_value(cli, "tenant"), cli_value(cli, "agent"));
    if (rc == RC_OK) {
        rc = write_renewed(found, cli, text, err);
        db_result_free(found);
    }
    db_close(db);
    return rc;
}

static int run_with_text(struct cli *cli,
                         enum rc (*work)(struct cli *cli, struct buf *text, struct err *err))
{
    struct buf text;
    struct err err;
    buf_init(&text, BUNDLE_BYTES_MAX);
    enum rc rc = token_init(&err);
    if (rc == RC_OK)
        rc = work(cli, &text, &err);
    if (text.data != NULL)
        explicit_bzero(text.data, text.capacity);
    buf_done(&text);
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("the bundle of agent %s is %s\n", cli_value(cli, "agent"), cli_value(cli, "out"));
    return CLI_OK;
}

static int run_add(struct cli *cli)
{
    return run_with_text(cli, add);
}

static int run_bundle(struct cli *cli)
{
    return run_with_text(cli, renew);
}

/* ---- revoke and list ---- */

static enum rc revoke_agent(struct db *db, const struct cli *cli, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "revoke_agent",
                         "update kasumori.agent set valid_to = greatest(now(), valid_from) "
                         "where tenant = $1 and agent = $2 and valid_to > now()",
                         &result, err, cli_value(cli, "tenant"), cli_value(cli, "agent"));
    if (rc != RC_OK)
        return rc;
    if (db_result_affected(result) == 0)
        rc = err_set(err, RC_REJECT, "%s has no valid agent %s", cli_value(cli, "tenant"),
                     cli_value(cli, "agent"));
    db_result_free(result);
    return rc;
}

static int run_revoke(struct cli *cli)
{
    struct db *db;
    struct err err;
    if (cli_open_database(cli, &db, &err) != RC_OK)
        return cli_fail(&err);
    enum rc rc = revoke_agent(db, cli, &err);
    db_close(db);
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("agent %s revoked: what it sends from now on is forged\n", cli_value(cli, "agent"));
    return CLI_OK;
}

static int run_list(struct cli *cli)
{
    static const char SQL[] = "select tenant, agent, site, mac_key_id::text, "
                              "to_char(valid_from, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
                              "case when valid_to = 'infinity' then '' "
                              "else to_char(valid_to, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') end, note "
                              "from kasumori.agent where ($1::text is null or tenant = $1) and "
                              "($2::boolean or valid_to > now()) "
                              "order by tenant collate \"C\", agent collate \"C\"";
    return cli_print_table(
        cli, &(struct cli_table){.name = "list_agents",
                                 .sql = SQL,
                                 .heading =
                                     "tenant\tagent\tsite\tmac_key_id\tvalid_from\tvalid_to\tnote",
                                 .text = cli_value(cli, "tenant"),
                                 .flag = cli_has(cli, "all")});
}

#define BUNDLE_OPTIONS                                                                       \
    {"tenant", "NAME", 1, "the company"},                                                    \
        {"agent", "NAME", 1, "its name, never used before by any tenant"},                   \
        {"keys", "DIR", 1, "folder of the master keys"},                                     \
        {"out", "FILE", 1, "the bundle; must not exist"},                                    \
        {"kinds", "LIST", 0, "identifier kinds it gets token keys for; all when not given"}, \
        CLI_KAFKA_OPTIONS("on the agent's machine"),                                         \
        {"topic-records", "NAME", 0, "kasumori.records.v1 when not given"},                  \
    {                                                                                        \
        "topic-health", "NAME", 0, "kasumori.health.v1 when not given"                       \
    }

static const struct cli_option ADD_OPTIONS[] = {
    BUNDLE_OPTIONS,
    {"site", "NAME", 1, "the only site it will report for"},
    {"note", "TEXT", 0, "a remark, never about a customer"},
    {0},
};

static const struct cli_option BUNDLE_ONLY_OPTIONS[] = {
    BUNDLE_OPTIONS,
    {0},
};

static const struct cli_option REVOKE_OPTIONS[] = {
    {"tenant", "NAME", 1, "the company"},
    {"agent", "NAME", 1, "whose messages are forged from now on"},
    {0},
};

static const struct cli_option LIST_OPTIONS[] = {
    {"tenant", "NAME", 0, "only this company's"},
    {"all", NULL, 0, "revoked ones too"},
    {0},
};

const struct cli_verb agent_verbs[] = {
    {.group = "agent",
     .verb = "add",
     .is_on_database = 1,
     .summary = "register an agent and write its bundle (mode 0600)",
     .options = ADD_OPTIONS,
     .run = run_add},
    {.group = "agent",
     .verb = "bundle",
     .is_on_database = 1,
     .summary = "write a new bundle for an agent, after its keys or brokers changed",
     .options = BUNDLE_ONLY_OPTIONS,
     .run = run_bundle},
    {.group = "agent",
     .verb = "revoke",
     .is_on_database = 1,
     .summary = "refuse what an agent sends from now on",
     .options = REVOKE_OPTIONS,
     .run = run_revoke},
    {.group = "agent",
     .verb = "list",
     .is_on_database = 1,
     .summary = "print agents as tab-separated lines",
     .options = LIST_OPTIONS,
     .run = run_list},
    {0},
};
