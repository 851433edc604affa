/* Code tables of categories. Invariant: a code that has had a name never goes, because records may
   carry it; a load is in whole or not at all. */
#include "services/cli/category.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/cli/category_file.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"

static const char LIST_SQL[] =
    "select s.scheme, s.version, coalesce(c.code, ''), coalesce(c.ja, ''), coalesce(c.en, ''), "
    "coalesce(c.severity::text, ''), coalesce((select string_agg("
    "to_scheme || ':' || to_version || ':' || to_code, ' ' order by to_scheme, to_version, "
    "to_code) "
    "from kasumori.category_mapping as m where m.scheme = c.scheme and m.version = c.version "
    "and m.code = c.code), ''), case when s.is_complete then 'complete' else 'incomplete' end "
    "from kasumori.category_scheme as s left join kasumori.category as c using (scheme, version) "
    "where ($1::text is null or s.scheme = $1) and $2::boolean is not null "
    "order by s.scheme, s.version, c.place, c.code";

static const char SCHEME_SQL[] =
    "insert into kasumori.category_scheme (scheme, version, ja, en, is_complete) "
    "values ($1, $2, $3, $4, $5::boolean) on conflict (scheme, version) do update "
    "set ja = excluded.ja, en = excluded.en, is_complete = excluded.is_complete, "
    "loaded_at = now()";

static const char CATEGORY_SQL[] =
    "insert into kasumori.category (scheme, version, code, place, ja, en, severity) "
    "values ($1, $2, $3, $4::smallint, $5, $6, $7::smallint) on conflict (scheme, version, code) "
    "do update set place = excluded.place, ja = coalesce(excluded.ja, category.ja), "
    "en = coalesce(excluded.en, category.en), severity = excluded.severity";

/* Mappings that lead here from other schemes stay; those of the scheme are the file's. */
static const char UNMAP_SQL[] =
    "delete from kasumori.category_mapping where scheme = $1 and version = $2";
static const char UNNAMED_SQL[] =
    "delete from kasumori.category as c where scheme = $1 and version = $2 and ja is null "
    "and not exists (select from kasumori.category_mapping as m where m.to_scheme = c.scheme "
    "and m.to_version = c.version and m.to_code = c.code)";
static const char MAP_SQL[] =
    "insert into kasumori.category_mapping (scheme, version, code, to_scheme, to_version, to_code) "
    "select $1, $2, $3, scheme, version, code from kasumori.category "
    "where scheme = $4 and version = $5 and code = $6 on conflict do nothing returning 1";

/* Codes and names that are stored and not in the file yet. */
static const char GONE_SQL[] =
    "select code from kasumori.category where scheme = $1 and version = $2 and place < 0 limit 1";
static const char MARK_SQL[] =
    "update kasumori.category set place = -1 where scheme = $1 and version = $2";

static enum rc put_categories(struct db *db, const struct category_file *file, struct err *err)
{
    const struct category_line *line = file->categories.items;
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < file->categories.count; i++) {
        char place[24], severity[24];
        snprintf(place, sizeof(place), "%zu", i + 1);
        snprintf(severity, sizeof(severity), "%" PRId64, line[i].severity);
        rc = CLI_RUN(db, "category", CATEGORY_SQL, NULL, err, file->scheme, file->version,
                     line[i].code, place, line[i].ja, line[i].en,
                     line[i].severity == 0 ? NULL : severity);
    }
    return rc;
}

static enum rc check_none_gone(struct db *db, const struct category_file *file, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "category_gone", GONE_SQL, &result, err, file->scheme, file->version);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(result) > 0) {
        struct slice code = db_result_bytes(result, 0, 0);
        rc = err_set(err, RC_REJECT,
                     "%s:%s:%.*s is not in the file: records may carry it, so it cannot go",
                     file->scheme, file->version, (int)code.size, (const char *)code.data);
    }
    db_result_free(result);
    return rc;
}

static enum rc put_mapping(struct db *db, const struct category_file *file,
                           const struct mapping_line *line, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, "category_map", MAP_SQL, &result, err, file->scheme, file->version,
                         line->code, line->scheme, line->version, line->to);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(result) == 0)
        rc = err_set(err, RC_REJECT, "mappings: %s: there is no %s:%s:%s, or it is given twice",
                     line->code, line->scheme, line->version, line->to);
    db_result_free(result);
    return rc;
}

static enum rc put_all(struct db *db, const struct category_file *file, struct err *err)
{
    const struct mapping_line *mapping = file->mappings.items;
    const char *complete = file->is_complete ? "true" : "false";
    enum rc rc = CLI_RUN(db, "category_scheme", SCHEME_SQL, NULL, err, file->scheme, file->version,
                         file->ja, file->en, complete);
    if (rc == RC_OK)
        rc = CLI_RUN(db, "category_unmap", UNMAP_SQL, NULL, err, file->scheme, file->version);
    if (rc == RC_OK)
        rc = CLI_RUN(db, "category_unnamed", UNNAMED_SQL, NULL, err, file->scheme, file->version);
    if (rc == RC_OK)
        rc = CLI_RUN(db, "category_mark", MARK_SQL, NULL, err, file->scheme, file->version);
    if (rc == RC_OK)
        rc = put_categories(db, file, err);
    if (rc == RC_OK)
        rc = check_none_gone(db, file, err);
    for (size_t i = 0; rc == RC_OK && i < file->mappings.count; i++)
        rc = put_mapping(db, file, &mapping[i], err);
    return rc;
}

static enum rc store(struct cli *cli, const struct category_file *file, struct err *err)
{
    struct db *db;
    enum rc rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = db_exec(db, "begin; lock table kasumori.category_scheme in share row exclusive mode", err);
    if (rc == RC_OK)
        rc = put_all(db, file, err);
    if (rc == RC_OK)
        rc = db_exec(db, "commit", err);
    db_close(db); /* ends a transaction that failed */
    return rc;
}

static enum rc load(struct cli *cli, struct buf *text, struct category_file *file, struct err *err)
{
    enum rc rc = file_read(cli->arguments[0], text, err);
    if (rc == RC_OK)
        rc = category_file_parse(cli->arguments[0], buf_slice(text), file, err);
    return rc;
}

static int run_load(struct cli *cli)
{
    struct buf text;
    struct err err;
    struct category_file file;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    enum rc rc = load(cli, &text, &file, &err);
    buf_done(&text);
    if (rc != RC_OK)
        return cli_fail(&err);
    rc = store(cli, &file, &err);
    if (rc == RC_OK)
        printf("%s:%s: %zu categories, %zu mappings\n", file.scheme, file.version,
               file.categories.count, file.mappings.count);
    category_file_done(&file);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

static int run_list(struct cli *cli)
{
    return cli_print_table(
        cli, &(struct cli_table){
                 .name = "categories",
                 .sql = LIST_SQL,
                 .heading = "scheme\tversion\tcode\tja\ten\tseverity\tnear\tscheme is",
                 .text = cli_value(cli, "scheme"),
             });
}

static const struct cli_option LIST_OPTIONS[] = {
    {"scheme", "NAME", 0, "of this scheme only"},
    {0},
};

const struct cli_verb category_verbs[] = {
    {.group = "category",
     .verb = "list",
     .is_on_database = 1,
     .summary = "print the code tables of categories",
     .details = "A code without names is one whose name is not known.",
     .options = LIST_OPTIONS,
     .run = run_list},
    {.group = "category",
     .verb = "load",
     .arguments = "FILE",
     .arguments_count = 1,
     .is_on_database = 1,
     .summary = "load a version of a code table, or what is known of it by now",
     .details = "Replaces names, order and mappings. A code that has a name stays for ever; codes "
                "without one\n"
                "may go.",
     .run = run_load},
    {0},
};
