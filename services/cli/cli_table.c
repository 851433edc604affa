/* Printing rows for people and for cut(1).
   Invariant: nothing stored can move the terminal's cursor or forge a column. */
#include <stdio.h>

#include "services/cli/cli.h"
#include "services/common/base/check.h"

void cli_print_safely(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.data[i];
        putchar(c < 0x20 || c == 0x7f ? '?' : c);
    }
}

static void print_rows(const struct db_result *result, const char *heading)
{
    size_t columns = 1;
    for (const char *c = heading; *c != '\0'; c++)
        columns += *c == '\t';
    puts(heading);
    for (size_t row = 0; row < db_result_rows(result); row++)
        for (size_t column = 0; column < columns; column++) {
            cli_print_safely(db_result_bytes(result, row, column));
            putchar(column + 1 < columns ? '\t' : '\n');
        }
}

enum rc cli_run(struct db *db, const char *name, const char *sql, const char *const *texts,
                size_t count, struct db_result **ret_result, struct err *err)
{
    enum { TEXT_BYTES_MAX = 4096 + 4 };
    static const int IS_ARRAY[CLI_TEXTS_MAX];
    enum db_type types[CLI_TEXTS_MAX] = {DB_TYPE_TEXT};
    CHECK(count <= CLI_TEXTS_MAX);
    for (size_t i = 0; i < count; i++)
        types[i] = DB_TYPE_TEXT;
    struct db_params *params = db_params_new(count, types, IS_ARRAY, TEXT_BYTES_MAX);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (texts[i] == NULL)
            db_put_null(params, i);
        else
            db_put_text(params, i, slice_str(texts[i]));
    enum rc rc = db_run(db, name, sql, params, ret_result, err);
    db_params_free(params);
    return rc;
}

static enum rc query(struct db *db, const struct cli_table *table, struct err *err)
{
    struct db_result *result;
    enum rc rc = CLI_RUN(db, table->name, table->sql, &result, err, table->text,
                         table->flag ? "true" : "false");
    if (rc != RC_OK)
        return rc;
    print_rows(result, table->heading);
    db_result_free(result);
    return RC_OK;
}

int cli_print_table(struct cli *cli, const struct cli_table *table)
{
    struct db *db;
    struct err err;
    if (cli_open_database(cli, &db, &err) != RC_OK)
        return cli_fail(&err);
    enum rc rc = query(db, table, &err);
    db_close(db);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}
