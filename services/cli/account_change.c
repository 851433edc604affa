/* What every change of an account shares. Invariant: a change and its audit row are one
 * transaction. */
#include "services/cli/account_change.h"

#include <stdio.h>

#include "services/cli/cli_facts.h"

enum { OBJECT_BYTES = 160 };

enum rc account_change_check(const struct cli *cli, struct err *err)
{
    enum rc rc = cli_check_name("--tenant", cli_value(cli, "tenant"), err);
    return rc == RC_OK ? cli_check_name("--account", cli_value(cli, "account"), err) : rc;
}

static enum rc make_change(struct db *db, const struct cli *cli,
                           const struct account_change *change, struct err *err)
{
    char object[OBJECT_BYTES];
    const char *account = cli_value(cli, "account");
    const char *texts[CLI_TEXTS_MAX] = {cli_value(cli, "tenant"), account};
    size_t count = 2;
    struct db_result *result;
    while (count < CLI_TEXTS_MAX && change->texts[count - 2] != NULL) {
        texts[count] = change->texts[count - 2];
        count++;
    }
    enum rc rc = cli_run(db, change->name, change->sql, texts, count, &result, err);
    if (rc != RC_OK)
        return rc;
    size_t touched = db_result_affected(result);
    db_result_free(result);
    if (touched == 0)
        return err_set(err, RC_REJECT, "%s",
                       change->refusal != NULL ? change->refusal
                                               : "there is no such account, or it is so already");
    snprintf(object, sizeof(object), "account %s", account);
    return cli_audit_write(db,
                           &(struct cli_audit){.tenant = cli_value(cli, "tenant"),
                                               .action = change->action,
                                               .object = object},
                           err);
}

enum rc account_change(const struct cli *cli, const struct account_change *change, struct err *err)
{
    struct db *db;
    enum rc rc = account_change_check(cli, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = db_exec(db, "begin", err);
    if (rc == RC_OK)
        rc = make_change(db, cli, change, err);
    if (rc == RC_OK)
        rc = db_exec(db, "commit", err);
    db_close(db);
    return rc;
}
