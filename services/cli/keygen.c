/* Making and rotating master keys. Runs where keys are kept; needs no database. */
#include "services/cli/keygen.h"

#include <stdio.h>

#include "services/cli/keys.h"

static enum rc rotate(const char *dir, const char *tenant, struct err *err)
{
    uint32_t key_id;
    enum rc rc = keys_rotate_tokens(dir, tenant, &key_id, err);
    if (rc == RC_OK)
        printf("token key %u added for %s: write new bundles, bind "
               "the worker codes of judges again (kasumori account bind); both keys stay live\n",
               (unsigned)key_id, tenant);
    return rc;
}

static enum rc make(const char *dir, const char *tenant, struct err *err)
{
    int made;
    enum rc rc = keys_make(dir, tenant, &made, err);
    if (rc != RC_OK)
        return rc;
    if (made == 0)
        return err_set(err, RC_REJECT, "the keys of %s are there already; nothing was changed",
                       tenant);
    printf("%d key files made in %s: keep %s.vault.secret away from this machine\n", made, dir,
           tenant);
    return RC_OK;
}

static int run(struct cli *cli)
{
    const char *dir = cli_value(cli, "keys");
    const char *tenant = cli_value(cli, "tenant");
    struct err err;
    int lock;
    enum rc rc = cli_check_name("--tenant", tenant, &err);
    if (rc == RC_OK)
        rc = token_init(&err);
    if (rc == RC_OK)
        rc = keys_lock(dir, &lock, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    rc = cli_has(cli, "rotate-tokens") ? rotate(dir, tenant, &err) : make(dir, tenant, &err);
    keys_unlock(lock);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

static const struct cli_option OPTIONS[] = {
    {"keys", "DIR", 1, "folder of the master keys; made when it is not there"},
    {"tenant", "NAME", 1, "whose keys"},
    {"rotate-tokens", NULL, 0, "add a token key and keep the old ones"},
    {0},
};

const struct cli_verb keygen_verbs[] = {
    {.group = "keygen",
     .summary = "make a tenant's master keys, or add a token key",
     .details =
         "Files are made with mode 0600 and never overwritten. The folder is as good as the\n"
         "customers' numbers themselves: who has the token keys can try all numbers.",
     .options = OPTIONS,
     .run = run},
    {0},
};
