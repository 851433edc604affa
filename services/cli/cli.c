/* Reading the command line by tables, and what the verbs share.
   Invariant: a verb runs only when every required option and argument is there and nothing else is.
 */
#include "services/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cli/migrations.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/db/schema.h"

enum { OPTION_HELP = 256, OPTION_DATABASE, OPTION_FIRST };

static size_t options_count(const struct cli_verb *verb)
{
    size_t count = 0;
    while (verb->options != NULL && verb->options[count].name != NULL)
        count++;
    CHECK(count <= CLI_OPTIONS_MAX);
    return count;
}

/* ---- finding the verb ---- */

static const struct cli_verb *find_verb(const struct cli_verb *const *tables, const char *group,
                                        const char *word)
{
    for (; *tables != NULL; tables++)
        for (const struct cli_verb *verb = *tables; verb->group != NULL; verb++)
            if (strcmp(verb->group, group) == 0 &&
                (verb->verb == NULL || (word != NULL && strcmp(verb->verb, word) == 0)))
                return verb;
    return NULL;
}

static int is_group(const struct cli_verb *const *tables, const char *word)
{
    for (; *tables != NULL; tables++)
        for (const struct cli_verb *verb = *tables; verb->group != NULL; verb++)
            if (strcmp(verb->group, word) == 0)
                return 1;
    return 0;
}

static int is_word(const char *text, const char *a, const char *b)
{
    return text != NULL && (strcmp(text, a) == 0 || strcmp(text, b) == 0);
}

static enum cli_parsed usage(struct err *err, const char *fmt, const char *what)
{
    err_set(err, RC_REJECT, fmt, what);
    return CLI_PARSED_USAGE;
}

/* ---- reading options ---- */

static void build_options(const struct cli_verb *verb, struct option *out)
{
    size_t n = 0;
    out[n++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
    if (verb->is_on_database)
        out[n++] = (struct option){"database", required_argument, NULL, OPTION_DATABASE};
    for (size_t i = 0; i < options_count(verb); i++)
        out[n++] = (struct option){verb->options[i].name,
                                   verb->options[i].value != NULL ? required_argument : no_argument,
                                   NULL, OPTION_FIRST + (int)i};
    out[n] = (struct option){0};
}

static enum cli_parsed check_complete(struct cli *cli, int argc, char **argv, struct err *err)
{
    const struct cli_verb *verb = cli->verb;
    for (size_t i = 0; i < options_count(verb); i++)
        if (verb->options[i].is_required && cli->values[i] == NULL)
            return usage(err, "--%s is missing", verb->options[i].name);
    size_t given = (size_t)(argc - optind);
    if (given < verb->arguments_count)
        return usage(err, "missing: %s", verb->arguments);
    if (given > verb->arguments_count)
        return usage(err, "cannot use \"%s\": one argument too many",
                     argv[optind + (int)verb->arguments_count]);
    for (size_t i = 0; i < given; i++)
        cli->arguments[i] = argv[optind + (int)i];
    return CLI_PARSED_RUN;
}

/* argv[0] is the verb's last word. */
static enum cli_parsed parse_options(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct option options[CLI_OPTIONS_MAX + 3];
    build_options(cli->verb, options);
    optind = 0; /* glibc: start anew */
    opterr = 0;
    for (;;) {
        int at = optind == 0 ? 1 : optind;
        int found = getopt_long(argc, argv, ":", options, NULL);
        if (found == -1)
            return check_complete(cli, argc, argv, err);
        if (found == OPTION_HELP)
            return CLI_PARSED_HELP;
        if (found == ':')
            return usage(err, "%s needs a value", argv[optind - 1]);
        if (found == '?')
            return usage(err, "unknown option %s", argv[optind > at ? optind - 1 : at]);
        const char *value = optarg == NULL ? "" : optarg;
        if (found == OPTION_DATABASE)
            cli->database = value;
        else
            cli->values[found - OPTION_FIRST] = value;
    }
}

enum cli_parsed cli_parse(const struct cli_verb *const *tables, int argc, char **argv,
                          struct cli *ret_cli, struct err *err)
{
    struct cli cli = {0};
    enum cli_parsed parsed;
    const char *first = argc > 1 ? argv[1] : NULL;
    const char *second = argc > 2 ? argv[2] : NULL;
    if (first == NULL)
        return usage(err, "no command given: see %s", "kasumori help");
    if (strcmp(first, "--version") == 0)
        return CLI_PARSED_VERSION;
    if (is_word(first, "help", "--help")) {
        *ret_cli = cli;
        return CLI_PARSED_HELP;
    }
    if (!is_group(tables, first))
        return usage(err, "unknown command %s: see kasumori help", first);
    cli.verb = find_verb(tables, first, second);
    if (cli.verb == NULL && is_word(second, "help", "--help")) {
        cli.arguments[0] = first;
        *ret_cli = cli;
        return CLI_PARSED_HELP;
    }
    if (cli.verb == NULL)
        return usage(err, "kasumori %s needs a second word: see kasumori help", first);
    int words = cli.verb->verb == NULL ? 1 : 2;
    parsed = parse_options(&cli, argc - words, argv + words, err);
    if (parsed != CLI_PARSED_USAGE)
        *ret_cli = cli;
    return parsed;
}

/* ---- help ---- */

static void print_line(const struct cli_verb *verb)
{
    char words[64];
    snprintf(words, sizeof(words), "%s %s", verb->group, verb->verb == NULL ? "" : verb->verb);
    printf("  %-26s %s\n", words, verb->summary);
}

static void print_option(const char *name, const char *value, int is_required, const char *help)
{
    char left[64];
    snprintf(left, sizeof(left), "--%s%s%s", name, value == NULL ? "" : " ",
             value == NULL ? "" : value);
    printf("  %-26s %s%s\n", left, help, is_required ? " (required)" : "");
}

static void print_verb(const struct cli_verb *verb)
{
    printf("usage: kasumori %s%s%s%s%s [OPTION]…\n%s\n", verb->group, verb->verb == NULL ? "" : " ",
           verb->verb == NULL ? "" : verb->verb, verb->arguments == NULL ? "" : " ",
           verb->arguments == NULL ? "" : verb->arguments, verb->summary);
    if (verb->details != NULL)
        printf("\n%s\n", verb->details);
    printf("\noptions:\n");
    for (size_t i = 0; i < options_count(verb); i++)
        print_option(verb->options[i].name, verb->options[i].value, verb->options[i].is_required,
                     verb->options[i].help);
    if (verb->is_on_database)
        print_option("database", "CONNINFO", 0,
                     "libpq's connection string; without it, the PG* variables of the environment");
    print_option("help", NULL, 0, "this text");
}

void cli_print_help(const struct cli_verb *const *tables, const struct cli *cli)
{
    if (cli->verb != NULL) {
        print_verb(cli->verb);
        return;
    }
    printf("usage: kasumori COMMAND [OPTION]…\nThe operator's command of Kasumori " KASUMORI_VERSION
           ".\n\ncommands:\n");
    for (; *tables != NULL; tables++)
        for (const struct cli_verb *verb = *tables; verb->group != NULL; verb++)
            if (cli->arguments[0] == NULL || strcmp(cli->arguments[0], verb->group) == 0)
                print_line(verb);
    printf("\nkasumori COMMAND --help tells more. Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

/* ---- what verbs share ---- */

const char *cli_value(const struct cli *cli, const char *name)
{
    for (size_t i = 0; i < options_count(cli->verb); i++)
        if (strcmp(cli->verb->options[i].name, name) == 0)
            return cli->values[i];
    CHECK(!"an option of the verb");
    return NULL;
}

int cli_has(const struct cli *cli, const char *name)
{
    return cli_value(cli, name) != NULL;
}

int cli_fail(const struct err *err)
{
    fprintf(stderr, "kasumori: %s\n", err->text);
    return CLI_FAILED;
}

enum rc cli_number(const char *what, const char *text, int64_t least, int64_t most,
                   int64_t *ret_value, struct err *err)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (text[0] < '-' || text[0] > '9' || *end != '\0' || errno != 0 || value < least ||
        value > most)
        return err_set(err, RC_REJECT, "%s: want a number from %lld to %lld", what,
                       (long long)least, (long long)most);
    *ret_value = value;
    return RC_OK;
}

int cli_is_name(struct slice text)
{
    if (text.size == 0 || text.size > LIMIT_NAME_BYTES || text.data[0] == '.')
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.data[i];
        if (c >= 0x80 || (!isalnum(c) && c != '.' && c != '_' && c != '-'))
            return 0;
    }
    return 1;
}

enum rc cli_check_name(const char *what, const char *text, struct err *err)
{
    if (!cli_is_name(slice_str(text)))
        return err_set(err, RC_REJECT, "%s: want 1 to %d of A-Z a-z 0-9 . _ -", what,
                       LIMIT_NAME_BYTES);
    return RC_OK;
}

enum rc cli_open_database(const struct cli *cli, struct db **ret_db, struct err *err)
{
    struct db *db;
    int version;
    int newest = migrations_all[migrations_count - 1].version;
    enum rc rc = db_open(cli->database == NULL ? "" : cli->database, "kasumori", &db, err);
    if (rc != RC_OK)
        return rc;
    rc = schema_check(db, newest, newest, &version, err);
    if (rc == RC_OK)
        rc = db_exec(db, "set role kasumori_owner", err);
    if (rc != RC_OK) {
        db_close(db);
        return rc;
    }
    *ret_db = db;
    return RC_OK;
}
