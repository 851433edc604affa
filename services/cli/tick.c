/* Telling the correlator the time: what ends, ends at a tick, so that it can be computed again. */
#include "services/cli/tick.h"

#include <stdio.h>

static enum rc tick(struct cli *cli, struct err *err)
{
    static const char SQL[] =
        "insert into kasumori.tick (tenant, as_of) values ($1, now()) on conflict do nothing "
        "returning to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
    struct db *db;
    struct db_result *result;
    enum rc rc = cli_check_name("--tenant", cli_value(cli, "tenant"), err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = CLI_RUN(db, "insert_tick", SQL, &result, err, cli_value(cli, "tenant"));
    if (rc == RC_OK) {
        if (db_result_rows(result) > 0)
            puts((const char *)db_result_bytes(result, 0, 0).data);
        db_result_free(result);
    }
    db_close(db);
    return rc;
}

static int run(struct cli *cli)
{
    struct err err;
    return tick(cli, &err) == RC_OK ? CLI_OK : cli_fail(&err);
}

static const struct cli_option OPTIONS[] = {{"tenant", "NAME", 1, "whose facts"}, {0}};

const struct cli_verb tick_verbs[] = {
    {.group = "tick",
     .is_on_database = 1,
     .summary = "tell the correlator that it is now",
     .details = "What ends with time (restrictions, watch entries) ends at a tick. Prints the "
                "instant.",
     .options = OPTIONS,
     .run = run},
    {0},
};
