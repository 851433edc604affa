/* The list of sites.
   Invariant: an import is one transaction under a lock of the table, so a file is in whole or not
   at all, and two imports do not mix. */
#include "services/cli/site.h"

#include <stdio.h>
#include <string.h>

#include "services/cli/site_plan.h"
#include "services/common/base/buf.h"
#include "services/common/base/clock.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/db/db.h"

static const char READ[] =
    "select site, valid_from, valid_to, name, kind, trade, region, address, landmark, "
    "coalesce(merged_into, '') from kasumori.site where tenant = $1 "
    "order by site collate \"C\", valid_from";
static const char DELETE[] = "delete from kasumori.site where tenant = $1 and site = any ($2)";
static const char INSERT[] =
    "insert into kasumori.site (tenant, site, valid_from, valid_to, name, kind, trade, region, "
    "address, landmark, merged_into) "
    "select $1, site, valid_from, valid_to, name, kind, trade, region, address, landmark, "
    "nullif(merged_into, '') from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
    "as row (site, valid_from, valid_to, name, kind, trade, region, address, landmark, "
    "merged_into)";

enum { FIRST_TEXT = 3 }; /* column of SITE_TEXT_NAME in READ, parameter in INSERT, less one */

/* ---- database ---- */

static void fill_period(const struct db_result *result, size_t row, struct site_period *period)
{
    *period = (struct site_period){.site = db_result_bytes(result, row, 0),
                                   .from_us = db_result_time(result, row, 1),
                                   .to_us = db_result_time(result, row, 2)};
    for (size_t i = 0; i < SITE_TEXTS; i++)
        period->texts[i] = db_result_bytes(result, row, FIRST_TEXT + i);
}

static enum rc delete_changed(struct db *db, const char *tenant, const struct site_plan *plan,
                              struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_TEXT};
    static const int IS_ARRAY[] = {0, 1};
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, LIMIT_SITE_FILE_BYTES);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(tenant));
    for (size_t i = 0; i < plan->changed_count; i++)
        db_put_text(params, 1, plan->changed[i]);
    enum rc rc = db_run(db, "delete_sites", DELETE, params, NULL, err);
    db_params_free(params);
    return rc;
}

static enum rc insert_planned(struct db *db, const char *tenant, const struct site_plan *plan,
                              struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT,        DB_TYPE_TEXT, DB_TYPE_TIMESTAMPTZ,
                                         DB_TYPE_TIMESTAMPTZ, DB_TYPE_TEXT, DB_TYPE_TEXT,
                                         DB_TYPE_TEXT,        DB_TYPE_TEXT, DB_TYPE_TEXT,
                                         DB_TYPE_TEXT,        DB_TYPE_TEXT};
    static const int IS_ARRAY[] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    enum { COUNT = sizeof(TYPES) / sizeof(TYPES[0]) };
    struct db_params *params = db_params_new(COUNT, TYPES, IS_ARRAY, 2 * LIMIT_SITE_FILE_BYTES);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(tenant));
    for (size_t i = 0; i < plan->count; i++) {
        const struct site_period *period = &plan->periods[i];
        db_put_text(params, 1, period->site);
        db_put_time(params, 2, period->from_us);
        db_put_time(params, 3, period->to_us);
        for (size_t text = 0; text < SITE_TEXTS; text++)
            db_put_text(params, FIRST_TEXT + 1 + text, period->texts[text]);
    }
    enum rc rc = db_run(db, "insert_sites", INSERT, params, NULL, err);
    db_params_free(params);
    return rc;
}

static enum rc plan_import(struct db *db, const char *tenant, const struct site_file *file,
                           struct arena *arena, struct err *err)
{
    struct db_result *result;
    struct site_plan plan;
    enum rc rc = CLI_RUN(db, "read_sites", READ, &result, err, tenant);
    if (rc != RC_OK)
        return rc;
    size_t stored_count = db_result_rows(result);
    struct site_period *stored = arena_alloc(arena, (stored_count + 1) * sizeof(*stored));
    if (stored == NULL)
        rc = err_set(err, RC_FULL, "the tenant has too many sites");
    for (size_t i = 0; rc == RC_OK && i < stored_count; i++)
        fill_period(result, i, &stored[i]);
    if (rc == RC_OK)
        rc = site_plan_make(stored, stored_count, file, clock_now_us(clock_real()), arena, &plan,
                            err);
    if (rc == RC_OK)
        rc = delete_changed(db, tenant, &plan, err);
    if (rc == RC_OK)
        rc = insert_planned(db, tenant, &plan, err);
    if (rc == RC_OK)
        rc = db_exec(db, "commit", err);
    if (rc == RC_OK)
        printf("%zu sites new, %zu changed, %zu unchanged\n", plan.new_count,
               plan.changed_count - plan.new_count, plan.unchanged_count);
    db_result_free(result);
    return rc;
}

static enum rc import(struct cli *cli, const struct site_file *file, struct arena *arena,
                      struct err *err)
{
    struct db *db;
    enum rc rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = db_exec(db, "begin; lock table kasumori.site in share row exclusive mode", err);
    if (rc == RC_OK)
        rc = plan_import(db, cli_value(cli, "tenant"), file, arena, err);
    db_close(db);
    return rc;
}

/* ---- verbs ---- */

static int complain(const char *path, const struct site_file *file)
{
    for (size_t i = 0; i < file->errors_count; i++)
        fprintf(stderr, "kasumori: %s: %s\n", path, file->errors[i].text);
    fprintf(stderr, "kasumori: nothing was imported\n");
    return CLI_FAILED;
}

static enum rc check_offset(const char *offset, struct err *err)
{
    char text[64];
    int64_t at_us;
    snprintf(text, sizeof(text), "2000-01-01T00:00:00%s", offset);
    if (timefmt_parse_rfc3339(text, &at_us, NULL) != RC_OK)
        return err_set(err, RC_REJECT, "--utc-offset: want +09:00 or Z");
    return RC_OK;
}

static int import_text(struct cli *cli, struct slice text, const char *offset)
{
    struct site_file file = {0};
    struct err err;
    struct arena *arena = arena_new(LIMIT_SITE_ARENA_BYTES);
    enum rc rc = arena == NULL ? err_set(&err, RC_RETRY, "out of memory")
                               : site_file_parse(text, offset, arena, &file, &err);
    int is_bad_file = rc == RC_REJECT;
    if (rc == RC_OK)
        rc = import(cli, &file, arena, &err);
    int code = is_bad_file   ? complain(cli->arguments[0], &file)
               : rc == RC_OK ? CLI_OK
                             : cli_fail(&err);
    arena_free(arena);
    return code;
}

static int run_import(struct cli *cli)
{
    const char *offset = cli_has(cli, "utc-offset") ? cli_value(cli, "utc-offset") : "+09:00";
    struct buf text;
    struct err err;
    buf_init(&text, LIMIT_SITE_FILE_BYTES);
    enum rc rc = cli_check_name("--tenant", cli_value(cli, "tenant"), &err);
    if (rc == RC_OK)
        rc = check_offset(offset, &err);
    if (rc == RC_OK)
        rc = file_read(cli->arguments[0], &text, &err);
    int code = rc == RC_OK ? import_text(cli, buf_slice(&text), offset) : cli_fail(&err);
    buf_done(&text);
    return code;
}

static int run_list(struct cli *cli)
{
    static const char SQL[] =
        "select site, to_char(valid_from, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
        "case when valid_to = 'infinity' then '' "
        "else to_char(valid_to, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') end, "
        "kind, region, name from kasumori.site "
        "where tenant = $1 and ($2::boolean or valid_from <= now() and now() < valid_to) "
        "order by site collate \"C\", valid_from";
    return cli_print_table(
        cli, &(struct cli_table){.name = "list_sites",
                                 .sql = SQL,
                                 .heading = "site\tvalid_from\tvalid_to\tkind\tregion\tname",
                                 .text = cli_value(cli, "tenant"),
                                 .flag = cli_has(cli, "all")});
}

static const struct cli_option IMPORT_OPTIONS[] = {
    {"tenant", "NAME", 1, "whose sites"},
    {"utc-offset", "OFFSET", 0, "of dates without a time; +09:00 when not given"},
    {0},
};

static const struct cli_option LIST_OPTIONS[] = {
    {"tenant", "NAME", 1, "whose sites"},
    {"all", NULL, 0, "past and future periods too"},
    {0},
};

const struct cli_verb site_verbs[] = {
    {.group = "site",
     .verb = "import",
     .arguments = "FILE",
     .arguments_count = 1,
     .is_on_database = 1,
     .summary = "take a CSV list of sites, whole or not at all",
     .details =
         "Header: site,name,kind,trade,region,address,landmark,valid_from,valid_to,merged_into in "
         "any\n"
         "order; kind is store, call_center or headquarters. The file speaks for a site from its "
         "first\n"
         "row on: what was before stays and ends there, what was planned after is replaced. "
         "Without\n"
         "valid_from a row speaks from now on if it says anything new. Without valid_to it holds "
         "until\n"
         "the site's next row, or for good. The same file twice changes nothing.",
     .options = IMPORT_OPTIONS,
     .run = run_import},
    {.group = "site",
     .verb = "list",
     .is_on_database = 1,
     .summary = "print sites as tab-separated lines",
     .options = LIST_OPTIONS,
     .run = run_list},
    {0},
};
