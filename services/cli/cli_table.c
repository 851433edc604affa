/* Printing rows for people and for cut(1).
   Invariant: nothing stored can move the terminal's cursor or forge a column. */
#include <stdio.h>

#include "services/cli/cli.h"

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

static enum rc query(struct db *db, const struct cli_table *table, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_BOOL};
    static const int IS_ARRAY[] = {0, 0};
    struct db_result *result;
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 4096);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    if (table->text == NULL)
        db_put_null(params, 0);
    else
        db_put_text(params, 0, slice_str(table->text));
    db_put_bool(params, 1, table->flag);
    enum rc rc = db_run(db, table->name, table->sql, params, &result, err);
    db_params_free(params);
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
