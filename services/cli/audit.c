/* Whether the audit log is as it was sealed. Invariant: every hash is computed here, from the rows'
   own fields, never by a function of the database that is under suspicion. */
#include "services/cli/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/buf.h"
#include "services/common/base/file.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/mac/mac.h"

enum { FIELDS = 11, ROW_BYTES = 1024 * 1024, PAGE_ROWS = 2000, HEADS_BYTES = 64 * 1024 * 1024 };

/* As kasumori.audit_hash takes them. */
static const char PAGE[] =
    "select tenant, chain_no::text, (extract(epoch from sealed_at) * 1000000)::bigint::text, "
    "audit_no::text, (extract(epoch from at) * 1000000)::bigint::text, actor, role, action, "
    "purpose, object, detail::text, chain_hash, chain_no from kasumori.audit "
    "where tenant = $1 and chain_no > $2::bigint order by audit.chain_no limit 2000";

enum { COLUMN_HASH = FIELDS, COLUMN_NO };

struct chain {
    const char *tenant;
    const struct buf *heads; /* lines "time tenant chain_no hash"; NULL: none given */
    size_t heads_at;
    int64_t last_no;
    uint8_t hash[MAC_SHA256_BYTES];
    size_t hash_size; /* 0 before the first row */
    struct buf bytes;
    int64_t rows;
    int64_t faults;
};

static void fault(struct chain *chain, int64_t no, const char *what)
{
    chain->faults++;
    printf("%s\trow %" PRId64 "\t%s\n", chain->tenant, no, what);
}

/* ---- heads told to the outside ---- */

struct head {
    int64_t no;
    uint8_t hash[MAC_SHA256_BYTES];
};

/* The next head of this tenant; 0: no more. A line that is none counts as a fault. */
static int head_next(struct chain *chain, struct head *ret_head)
{
    char tenant[LIMIT_NAME_BYTES + 1];
    char digits[2 * MAC_SHA256_BYTES + 1];
    while (chain->heads != NULL && chain->heads_at < chain->heads->size) {
        const char *line = (const char *)chain->heads->data + chain->heads_at;
        size_t size = strcspn(line, "\n");
        const char *name = memchr(line, ' ', size);
        chain->heads_at += size + 1;
        if (name == NULL)
            continue;
        size_t name_size = strcspn(++name, " \n");
        if (name_size >= sizeof(tenant) || name[name_size] != ' ')
            continue;
        snprintf(tenant, sizeof(tenant), "%.*s", (int)name_size, name);
        if (strcmp(tenant, chain->tenant) != 0)
            continue;
        char *end;
        ret_head->no = strtoll(name + name_size, &end, 10);
        if (*end == ' ' && strcspn(end + 1, "\n") == sizeof(digits) - 1) {
            memcpy(digits, end + 1, sizeof(digits) - 1);
            digits[sizeof(digits) - 1] = '\0';
            if (hex_parse(digits, ret_head->hash, sizeof(ret_head->hash)) == RC_OK)
                return 1;
        }
        fault(chain, ret_head->no, "a line of the heads cannot be read");
    }
    return 0;
}

/* Row no, whose stored hash is hash, is what the outside was told. Heads come in order. */
static void check_heads(struct chain *chain, struct head *head, int *has_head, int64_t no,
                        struct slice hash)
{
    while (*has_head && head->no <= no) {
        if (head->no == no && !slice_is_equal(slice_of(head->hash, sizeof(head->hash)), hash))
            fault(chain, no, "the hash is not the one told to the outside");
        *has_head = head_next(chain, head);
    }
}

/* ---- rows ---- */

static void hash_row(struct chain *chain, const struct db_result *result, size_t row,
                     uint8_t ret_hash[MAC_SHA256_BYTES])
{
    buf_reset(&chain->bytes);
    buf_add(&chain->bytes, chain->hash, chain->hash_size);
    for (size_t i = 0; i < FIELDS; i++) {
        struct slice field = db_result_bytes(result, row, i);
        buf_addf(&chain->bytes, "%zu:", field.size);
        buf_add(&chain->bytes, field.data, field.size);
    }
    mac_sha256(buf_slice(&chain->bytes), ret_hash);
}

/* Goes on from the stored hash, so that one change is told once. */
static enum rc check_row(struct chain *chain, const struct db_result *result, size_t row,
                         struct err *err)
{
    uint8_t hash[MAC_SHA256_BYTES];
    int64_t no = db_result_int(result, row, COLUMN_NO);
    struct slice stored = db_result_bytes(result, row, COLUMN_HASH);
    if (no != chain->last_no + 1)
        fault(chain, chain->last_no + 1, "rows are missing from here on");
    hash_row(chain, result, row, hash);
    if (chain->bytes.is_failed)
        return err_set(err, RC_RETRY, "out of memory");
    if (stored.size != sizeof(hash))
        return err_set(err, RC_CORRUPT, "row %" PRId64 " has no hash", no);
    if (no == chain->last_no + 1 && memcmp(stored.data, hash, sizeof(hash)) != 0)
        fault(chain, no, "the row is not as it was sealed, or another stood before it");
    memcpy(chain->hash, stored.data, sizeof(hash));
    chain->hash_size = sizeof(hash);
    chain->last_no = no;
    chain->rows++;
    return RC_OK;
}

static enum rc check_chain(struct db *db, struct chain *chain, struct err *err)
{
    struct db_result *result;
    struct head head;
    int has_head = head_next(chain, &head);
    size_t rows = PAGE_ROWS;
    enum rc rc = RC_OK;
    while (rc == RC_OK && rows == PAGE_ROWS) {
        char after[24];
        snprintf(after, sizeof(after), "%" PRId64, chain->last_no);
        rc = CLI_RUN(db, "audit_page", PAGE, &result, err, chain->tenant, after);
        if (rc != RC_OK)
            return rc;
        rows = db_result_rows(result);
        for (size_t i = 0; rc == RC_OK && i < rows; i++) {
            rc = check_row(chain, result, i, err);
            if (rc == RC_OK)
                check_heads(chain, &head, &has_head, chain->last_no,
                            db_result_bytes(result, i, COLUMN_HASH));
        }
        db_result_free(result);
    }
    if (rc == RC_OK && has_head)
        fault(chain, chain->last_no + 1,
              "rows are missing from here on: the outside was told more");
    return rc;
}

static enum rc check_unsealed(struct db *db, struct chain *chain, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "audit_unsealed",
                         "select count(*) from kasumori.audit where tenant = $1 "
                         "and chain_no is null and at < now() - interval '5 minutes'",
                         &result, err, chain->tenant);
    if (rc != RC_OK)
        return rc;
    if (db_result_int(result, 0, 0) > 0)
        printf("%s\t%" PRId64
               " rows are older than 5 minutes and not sealed: does a monitor run?\n",
               chain->tenant, db_result_int(result, 0, 0));
    db_result_free(result);
    return rc;
}

static enum rc verify_tenant(struct db *db, const char *tenant, const struct buf *heads,
                             int64_t *faults, struct err *err)
{
    struct chain chain = {.tenant = tenant, .heads = heads};
    buf_init(&chain.bytes, ROW_BYTES);
    enum rc rc = check_chain(db, &chain, err);
    if (rc == RC_OK)
        rc = check_unsealed(db, &chain, err);
    buf_done(&chain.bytes);
    if (rc != RC_OK)
        return rc;
    char head[2 * MAC_SHA256_BYTES + 1] = "-";
    if (chain.hash_size > 0)
        hex_format(chain.hash, sizeof(chain.hash), head);
    printf("%s\t%" PRId64 " rows sealed\t%" PRId64 " faults\t%s\n", tenant, chain.rows,
           chain.faults, head);
    *faults += chain.faults;
    return RC_OK;
}

static enum rc verify_all(struct db *db, const struct cli *cli, const struct buf *heads,
                          int64_t *faults, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "audit_tenants",
                         "select distinct tenant from kasumori.audit "
                         "where $1::text is null or tenant = $1 order by 1",
                         &result, err, cli_value(cli, "tenant"));
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(result) == 0)
        rc = err_set(err, RC_REJECT, "there are no audit rows");
    for (size_t i = 0; rc == RC_OK && i < db_result_rows(result); i++)
        rc =
            verify_tenant(db, (const char *)db_result_bytes(result, i, 0).data, heads, faults, err);
    db_result_free(result);
    return rc;
}

static enum rc verify(struct cli *cli, int64_t *faults, struct err *err)
{
    struct buf heads;
    struct db *db;
    const char *path = cli_value(cli, "heads");
    enum rc rc = RC_OK;
    buf_init(&heads, HEADS_BYTES);
    if (path != NULL)
        rc = file_read(path, &heads, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc == RC_OK) {
        rc = verify_all(db, cli, path == NULL ? NULL : &heads, faults, err);
        db_close(db);
    }
    buf_done(&heads);
    return rc;
}

static int run(struct cli *cli)
{
    int64_t faults = 0;
    struct err err;
    if (verify(cli, &faults, &err) != RC_OK)
        return cli_fail(&err);
    return faults == 0 ? CLI_OK : CLI_FAILED;
}

static const struct cli_option OPTIONS[] = {
    {"tenant", "NAME", 0, "whose log; all when not given"},
    {"heads", "FILE", 0, "what the monitor told to the outside (audit_heads_file)"},
    {0}};

const struct cli_verb audit_verbs[] = {
    {.group = "audit",
     .verb = "verify",
     .is_on_database = 1,
     .summary = "say whether the audit log is as it was sealed",
     .details = "Finds rows that were edited, taken out or moved. Rows taken from the end, and a\n"
                "chain made anew, show only beside heads that were kept elsewhere: give --heads.",
     .options = OPTIONS,
     .run = run},
    {0},
};
