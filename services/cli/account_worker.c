/* Worker codes of accounts. Invariant: a code becomes tokens here and is neither stored nor
   printed. */
#include "services/cli/account_worker.h"

#include <string.h>

#include "services/cli/account_change.h"
#include "services/cli/keys.h"
#include "services/common/base/buf.h"
#include "services/common/base/hex.h"
#include "services/common/record/record_build.h"
#include "services/common/workers/workers.h"

enum { MACS_BYTES = TOKEN_MACS_MAX * (2 * TOKEN_MAC_BYTES + 12) };

/* ---- from a code to its tokens ---- */

/* "1:<32 digits>,2:<32 digits>", one for each live key. */
static enum rc write_macs(const char *tenant, const struct keys_token_masters *masters,
                          const char *code, struct buf *out, struct err *err)
{
    struct token_key keys[LIMIT_TOKENS];
    struct token_mac macs[TOKEN_MACS_MAX];
    char form[WORKERS_CODE_BYTES + 1];
    uint32_t kind;
    if (!record_build_kind("worker", &kind))
        return err_set(err, RC_FATAL, "there is no kind worker");
    for (size_t i = 0; i < masters->count; i++)
        token_derive_key(masters->items[i].master, tenant, kind, masters->items[i].key_id,
                         &keys[i]);
    workers_token_form(code, form);
    size_t count = token_make(keys, masters->count, kind, slice_str(form), macs);
    explicit_bzero(keys, sizeof(keys));
    for (size_t i = 0; i < count; i++) {
        char mac[2 * TOKEN_MAC_BYTES + 1];
        hex_format(macs[i].mac, TOKEN_MAC_BYTES, mac);
        buf_addf(out, "%s%u:%s", i == 0 ? "" : ",", (unsigned)macs[i].key_id, mac);
    }
    return out->is_failed || count == 0 ? err_set(err, RC_RETRY, "could not make the tokens")
                                        : RC_OK;
}

static enum rc make_macs(const struct cli *cli, struct buf *out, struct err *err)
{
    const char *tenant = cli_value(cli, "tenant"), *code = cli_value(cli, "worker");
    struct keys_token_masters masters;
    if (!workers_is_code(slice_str(code)))
        return err_set(err, RC_REJECT, "--worker: want 1 to %d letters, digits, - and _",
                       WORKERS_CODE_BYTES);
    enum rc rc = token_init(err);
    if (rc == RC_OK)
        rc = keys_read_token_masters(cli_value(cli, "keys"), tenant, &masters, err);
    if (rc != RC_OK)
        return rc;
    rc = write_macs(tenant, &masters, code, out, err);
    explicit_bzero(&masters, sizeof(masters));
    return rc;
}

/* ---- verbs ---- */

/* A code that is bound already gets the tokens of the keys that it lacks. */
static const char BIND[] =
    "with who as (update kasumori.account a set has_no_worker = false "
    "where a.tenant = $1 and a.account = $2 and ($3 = '' or exists (select from kasumori.site s "
    "where s.tenant = $1 and s.site = $3)) returning a.tenant, a.account), "
    "token as (select split_part(m, ':', 1)::bigint as key_id, split_part(m, ':', 2)::uuid as mac "
    "from unnest(string_to_array($4, ',')) m), "
    "number as (select coalesce("
    "(select min(w.worker_no) from kasumori.account_worker w join token using (key_id, mac) "
    "where w.tenant = $1 and w.account = $2 and w.site = $3), "
    "(select max(w.worker_no) + 1 from kasumori.account_worker w "
    "where w.tenant = $1 and w.account = $2), 1) as no), "
    "bound as (insert into kasumori.account_worker (tenant, account, worker_no, site, key_id, mac) "
    "select who.tenant, who.account, number.no, $3, token.key_id, token.mac "
    "from who cross join number cross join token on conflict on constraint "
    "account_worker_is_bound_once do nothing) "
    "select account from who";

static int run_bind(struct cli *cli)
{
    const char *site = cli_value(cli, "site");
    struct buf macs;
    struct err err;
    buf_init(&macs, MACS_BYTES);
    enum rc rc = make_macs(cli, &macs, &err);
    if (rc == RC_OK) {
        const struct account_change change = {
            .name = "account_bind",
            .sql = BIND,
            .action = "account.bind",
            .refusal = "there is no such account, or no such site",
            .texts = {site == NULL ? "" : site, (const char *)macs.data}};
        rc = account_change(cli, &change, &err);
    }
    buf_done(&macs);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

static int run_unbind(struct cli *cli)
{
    static const char UNBIND[] =
        "with gone as (delete from kasumori.account_worker where tenant = $1 and account = $2) "
        "update kasumori.account set workers = '{}', has_no_worker = $3 = 'none' "
        "where tenant = $1 and account = $2";
    const struct account_change change = {.name = "account_unbind",
                                          .sql = UNBIND,
                                          .action = "account.unbind",
                                          .refusal = "there is no such account",
                                          .texts = {cli_has(cli, "has-none") ? "none" : ""}};
    struct err err;
    return account_change(cli, &change, &err) == RC_OK ? CLI_OK : cli_fail(&err);
}

#define WHO                           \
    {"tenant", "NAME", 1, "whose"},   \
    {                                 \
        "account", "NAME", 1, "which" \
    }

static const struct cli_option BIND_OPTIONS[] = {
    WHO,
    {"worker", "CODE", 1, "the owner's worker code; becomes tokens, is not stored"},
    {"site", "SITE", 0, "where the code is theirs; everywhere when not given"},
    {"keys", "DIR", 1, "folder of the master keys"},
    {0}};
static const struct cli_option UNBIND_OPTIONS[] = {
    WHO, {"has-none", NULL, 0, "the owner has no worker code, and nothing is amiss"}, {0}};

const struct cli_verb account_worker_verbs[] = {
    {.group = "account",
     .verb = "bind",
     .is_on_database = 1,
     .summary = "say which worker an account's owner is, who then judges no report of their own",
     .details = "Once for each code, and for all again after keygen --rotate-tokens: a report has\n"
                "tokens of the keys that were live when it was made.",
     .options = BIND_OPTIONS,
     .run = run_bind},
    {.group = "account",
     .verb = "unbind",
     .is_on_database = 1,
     .summary = "forget all worker codes of an account",
     .options = UNBIND_OPTIONS,
     .run = run_unbind},
    {0},
};
