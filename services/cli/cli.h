#ifndef KASUMORI_CLI_CLI_H
#define KASUMORI_CLI_CLI_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/db/db.h"

/* Exit codes of every command. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

enum { CLI_OPTIONS_MAX = 24, CLI_ARGUMENTS_MAX = 4 };

/* One option of a verb; a table ends with a NULL name. */
struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what stands for its value in the help; NULL: a flag */
    int is_required;
    const char *help;
};

struct cli;

/* One thing the command can do, as data: parsing and help are made from it. A table ends with a
   NULL group. */
struct cli_verb {
    const char *group;      /* first word */
    const char *verb;       /* second word; NULL: the group is the verb */
    const char *arguments;  /* for the help: "FILE"; NULL: none */
    size_t arguments_count; /* exactly as many */
    int is_on_database;     /* takes --database */
    const char *summary;    /* one line */
    const char *details;    /* more for --help; NULL: none */
    const struct cli_option *options;
    int (*run)(struct cli *cli); /* an exit code */
};

/* What was asked: borrowed from argv. */
struct cli {
    const struct cli_verb *verb;
    const char
        *values[CLI_OPTIONS_MAX]; /* per option of verb->options; NULL: not given; a flag: "" */
    const char *arguments[CLI_ARGUMENTS_MAX];
    const char *database;
};

enum cli_parsed { CLI_PARSED_RUN, CLI_PARSED_HELP, CLI_PARSED_VERSION, CLI_PARSED_USAGE };

/* Reads argv against the verbs. HELP: ret_cli->verb says of which verb, NULL: of all (or of the
   verbs of group ret_cli->arguments[0], when that is not NULL). USAGE: err says what is wrong. */
enum cli_parsed cli_parse(const struct cli_verb *const *tables, int argc, char **argv,
                          struct cli *ret_cli, struct err *err) MUST_CHECK;

void cli_print_help(const struct cli_verb *const *tables, const struct cli *cli);

/* Value of an option of the verb; NULL when it was not given. A name the verb does not have is a
 * bug. */
const char *cli_value(const struct cli *cli, const char *name);
int cli_has(const struct cli *cli, const char *name);

/* Prints "kasumori: text" on standard error; returns CLI_FAILED. */
int cli_fail(const struct err *err);

/* Reads a decimal number in least..most. */
enum rc cli_number(const char *what, const char *text, int64_t least, int64_t most,
                   int64_t *ret_value, struct err *err) MUST_CHECK;

/* Names of tenants, sites and agents: 1 to LIMIT_NAME_BYTES of A-Z a-z 0-9 . _ -, not beginning
   with a dot; they stand in keys of messages, in paths and in headers. */
enum rc cli_check_name(const char *what, const char *text, struct err *err) MUST_CHECK;
int cli_is_name(struct slice text);

/* Connects (the environment's PG* variables fill in what --database does not say), takes the
   owner's role and refuses a schema this program does not know. */
enum rc cli_open_database(const struct cli *cli, struct db **ret_db, struct err *err) MUST_CHECK;

/* Runs a statement whose parameters are all text (cast in sql where they are not), NULL for null;
   name as in db_run. ret_result may be NULL. At most CLI_TEXTS_MAX of up to 4 KiB each. */
enum { CLI_TEXTS_MAX = 8 };
enum rc cli_run(struct db *db, const char *name, const char *sql, const char *const *texts,
                size_t count, struct db_result **ret_result, struct err *err) MUST_CHECK;
#define CLI_RUN(db, name, sql, ret_result, err, ...)                                         \
    cli_run((db), (name), (sql), (const char *const[]){__VA_ARGS__},                         \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), (ret_result), \
            (err))

/* A query with two parameters of type text, $2 true or false, whose columns are all text; printed
   as a heading and one tab-separated line a row, control characters as "?". Returns an exit code.
 */
struct cli_table {
    const char *name; /* of the statement */
    const char *sql;
    const char *heading;
    const char *text; /* $1; NULL: null */
    int flag;         /* $2 */
};
int cli_print_table(struct cli *cli, const struct cli_table *table);

/* Prints text with control characters as "?". */
void cli_print_safely(struct slice text);

#endif
