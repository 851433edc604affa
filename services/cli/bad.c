/* Messages that could not be stored: looking at them, sending them again, putting them away. */
#include "services/cli/bad.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "services/cli/bad_headers.h"
#include "services/cli/bad_replay.h"
#include "services/cli/cli_kafka.h"
#include "services/common/base/file.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"

static const char *const CLASSES[] = {"malformed", "oversized", "newer",   "forged",
                                      "clock",     "archived",  "conflict"};

static int is_class(const char *text)
{
    for (size_t i = 0; i < sizeof(CLASSES) / sizeof(CLASSES[0]); i++)
        if (strcmp(CLASSES[i], text) == 0)
            return 1;
    return 0;
}

static enum rc read_place(const char *text, struct bad_filter *filter, struct err *err)
{
    int64_t stream_no = 0;
    int64_t offset = 0;
    const char *slash = strchr(text, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - text);
    enum rc rc = RC_REJECT;
    if (size > 0 && size < sizeof(filter->stream_no)) {
        snprintf(filter->stream_no, sizeof(filter->stream_no), "%.*s", (int)size, text);
        rc = cli_number("--place", filter->stream_no, 0, INT32_MAX, &stream_no, NULL);
    }
    if (rc == RC_OK)
        rc = cli_number("--place", slash + 1, 0, INT64_MAX, &offset, NULL);
    if (rc != RC_OK)
        return err_set(err, RC_REJECT,
                       "--place: want STREAM/OFFSET as kasumori bad list prints it");
    snprintf(filter->stream_no, sizeof(filter->stream_no), "%" PRId64, stream_no);
    snprintf(filter->kafka_offset, sizeof(filter->kafka_offset), "%" PRId64, offset);
    return RC_OK;
}

enum rc bad_filter_read(const struct cli *cli, struct bad_filter *ret_filter, struct err *err)
{
    struct bad_filter filter = {.class = cli_value(cli, "class")};
    const char *place = cli_value(cli, "place");
    if (filter.class != NULL && !is_class(filter.class))
        return err_set(err, RC_REJECT,
                       "--class: want malformed, oversized, newer, forged, clock, archived or "
                       "conflict");
    if (filter.class == NULL && place == NULL)
        return err_set(err, RC_REJECT, "which ones? give --place or --class");
    enum rc rc = place == NULL ? RC_OK : read_place(place, &filter, err);
    if (rc == RC_OK)
        *ret_filter = filter;
    return rc;
}

/* ---- list ---- */

static int run_list(struct cli *cli)
{
    static const char SQL[] =
        "select stream_no || '/' || kafka_offset, class, state, "
        "to_char(appended_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), tenant, site, agent, "
        "sequence::text, reason from kasumori.bad_record as bad "
        "where ($1::text is null or class = $1) and ($2::boolean or state = 'open') "
        "order by appended_at desc, stream_no, kafka_offset limit 10000";
    return cli_print_table(
        cli,
        &(struct cli_table){
            .name = "list_bad",
            .sql = SQL,
            .heading = "place\tclass\tstate\tappended_at\ttenant\tsite\tagent\tsequence\treason",
            .text = cli_value(cli, "class"),
            .flag = cli_has(cli, "all")});
}

/* ---- show ---- */

static void print_field(const char *name, struct slice value)
{
    printf("%-14s ", name);
    cli_print_safely(value);
    putchar('\n');
}

static int is_text(struct slice value)
{
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < 0x20 || value.data[i] >= 0x7f)
            return 0;
    return 1;
}

static void print_header(const struct kafka_header *header)
{
    char digits[2 * 64 + 1] = "";
    if (is_text(header->value)) {
        print_field(header->name, header->value);
        return;
    }
    size_t shown = header->value.size < 64 ? header->value.size : 64;
    hex_format(header->value.data, shown, digits);
    printf("%-14s %s%s\n", header->name, digits, shown < header->value.size ? "…" : "");
}

static enum rc print_headers(struct slice text, struct err *err)
{
    struct kafka_header headers[KAFKA_HEADERS_MAX];
    size_t count;
    struct arena *arena = arena_new(LIMIT_VALUE_BYTES);
    if (arena == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = bad_headers_read(text, arena, headers, KAFKA_HEADERS_MAX, &count, err);
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        print_header(&headers[i]);
    arena_free(arena);
    return rc;
}

static enum rc print_bad(const struct cli *cli, const struct db_result *result, struct err *err)
{
    static const char *const NAMES[] = {"class",  "reason",     "state", "appended at",
                                        "tenant", "site",       "agent", "record id",
                                        "key",    "value bytes"};
    enum { NAMED = sizeof(NAMES) / sizeof(NAMES[0]), HEADERS = NAMED, VALUE };
    const char *out = cli_value(cli, "out");
    struct stat st;
    if (db_result_rows(result) == 0)
        return err_set(err, RC_REJECT, "there is no bad record at that place");
    for (size_t i = 0; i < NAMED; i++)
        print_field(NAMES[i], db_result_bytes(result, 0, i));
    enum rc rc = print_headers(db_result_bytes(result, 0, HEADERS), err);
    if (rc != RC_OK || out == NULL)
        return rc;
    if (lstat(out, &st) == 0)
        return err_set(err, RC_REJECT, "%s is there already", out);
    return file_write_secret(out, db_result_bytes(result, 0, VALUE), err);
}

static enum rc show(struct cli *cli, struct err *err)
{
    struct bad_filter filter = {0};
    struct db *db;
    struct db_result *result;
    enum rc rc = read_place(cli_value(cli, "place"), &filter, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = CLI_RUN(db, "show_bad",
                 "select class, reason, state, appended_at::text, tenant, site, agent, "
                 "record_id::text, message_key, octet_length(value)::text, headers, value "
                 "from kasumori.bad_record "
                 "where stream_no = $1::integer and kafka_offset = $2::bigint",
                 &result, err, filter.stream_no, filter.kafka_offset);
    if (rc == RC_OK) {
        rc = print_bad(cli, result, err);
        db_result_free(result);
    }
    db_close(db);
    return rc;
}

static int run_show(struct cli *cli)
{
    struct err err;
    return show(cli, &err) == RC_OK ? CLI_OK : cli_fail(&err);
}

/* ---- dismiss ---- */

static enum rc dismiss(struct cli *cli, size_t *ret_count, struct err *err)
{
    struct bad_filter filter;
    struct db *db;
    struct db_result *result;
    enum rc rc = bad_filter_read(cli, &filter, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = CLI_RUN(db, "dismiss_bad",
                 "update kasumori.bad_record as bad set state = 'dismissed', state_at = now() "
                 "where bad.state = 'open' and " BAD_FILTER_SQL,
                 &result, err, filter.stream_no, filter.kafka_offset, filter.class);
    if (rc == RC_OK) {
        *ret_count = db_result_affected(result);
        db_result_free(result);
    }
    db_close(db);
    return rc;
}

static int run_dismiss(struct cli *cli)
{
    size_t count;
    struct err err;
    if (dismiss(cli, &count, &err) != RC_OK)
        return cli_fail(&err);
    printf("%zu bad records dismissed\n", count);
    return CLI_OK;
}

#define WHICH                                               \
    {"place", "STREAM/OFFSET", 0, "the one at this place"}, \
    {                                                       \
        "class", "CLASS", 0, "all open ones of a class"     \
    }

static const struct cli_option LIST_OPTIONS[] = {
    {"class", "CLASS", 0, "only this class"},
    {"all", NULL, 0, "replayed and dismissed ones too"},
    {0},
};

static const struct cli_option SHOW_OPTIONS[] = {
    {"place", "STREAM/OFFSET", 1, "which one"},
    {"out", "FILE", 0, "write its value there (mode 0600); it may hold free text"},
    {0},
};

static const struct cli_option REPLAY_OPTIONS[] = {
    WHICH,
    {"restamp", NULL, 0,
     "store it under the time it first arrived; its own stays in the bad record"},
    {"force", NULL, 0, "forged ones too"},
    CLI_KAFKA_OPTIONS("on this machine"),
    {0},
};

static const struct cli_option DISMISS_OPTIONS[] = {WHICH, {0}};

const struct cli_verb bad_verbs[] = {
    {.group = "bad",
     .verb = "list",
     .is_on_database = 1,
     .summary = "print open bad records as tab-separated lines",
     .options = LIST_OPTIONS,
     .run = run_list},
    {.group = "bad",
     .verb = "show",
     .is_on_database = 1,
     .summary = "print one bad record with its headers",
     .options = SHOW_OPTIONS,
     .run = run_show},
    {.group = "bad",
     .verb = "replay",
     .is_on_database = 1,
     .summary = "send bad records to their topic again, after the cure",
     .details =
         "They take the normal road: what is still bad becomes a new bad record, what was stored\n"
         "meanwhile is ignored as a duplicate.",
     .options = REPLAY_OPTIONS,
     .run = bad_replay_run},
    {.group = "bad",
     .verb = "dismiss",
     .is_on_database = 1,
     .summary = "put bad records away; they stay stored",
     .options = DISMISS_OPTIONS,
     .run = run_dismiss},
    {0},
};
