/* Answers made by one statement each.
   Invariant: nothing reaches a statement but values of the shape it casts to, so that a caller's
   mistake is a problem with its place and never an error of the database. */
#include "services/monitor/read.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/jsontext.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/base/utf8.h"
#include "services/monitor/read_cursor.h"

enum { ARGS_BYTES = 96 * 1024, PAGE_STANDARD = 50, PAGE_MAX = 200, DAY_BYTES = 10 };
enum { TEXT_CHARS_MAX = 256 };

/* ---- values ---- */

static int is_text(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return 0;
    return text.size > 0 && utf8_is_valid(text) && utf8_length(text) <= TEXT_CHARS_MAX;
}

static int is_name(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return 0;
    return text.size > 0 && text.size <= LIMIT_NAME_BYTES;
}

static int is_time(const char *text)
{
    int64_t at_us;
    struct err why;
    return timefmt_parse_rfc3339(text, &at_us, &why) == RC_OK;
}

static int is_day(const char *text)
{
    char time[DAY_BYTES + sizeof("T00:00:00Z")];
    if (strlen(text) != DAY_BYTES)
        return 0;
    snprintf(time, sizeof(time), "%sT00:00:00Z", text);
    return is_time(time);
}

static int is_uuid(const char *text)
{
    struct uuid uuid;
    return uuid_parse(text, &uuid) == RC_OK;
}

/* Two numbers that fit an integer and a bigint, with a dash between. */
static int is_place(const char *text)
{
    size_t stream = strspn(text, "0123456789");
    size_t offset = text[stream] == '-' ? strspn(text + stream + 1, "0123456789") : 0;
    return stream > 0 && stream < 10 && offset > 0 && offset < 19 &&
           text[stream + 1 + offset] == '\0';
}

static int is_word(const char *const *words, const char *text)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, text) == 0)
            return 1;
    return 0;
}

int read_is_valid(const struct read_param *param, const char *text)
{
    switch (param->type) {
    case READ_TYPE_TEXT:
        return is_text(slice_str(text));
    case READ_TYPE_NAME:
        return is_name(slice_str(text));
    case READ_TYPE_TIME:
        return is_time(text);
    case READ_TYPE_DAY:
        return is_day(text);
    case READ_TYPE_UUID:
        return is_uuid(text);
    case READ_TYPE_PLACE:
        return is_place(text);
    case READ_TYPE_WORD:
        break;
    }
    return is_word(param->words, text);
}

static void write_wanted(const struct read_param *param, char *text, size_t size)
{
    static const char *const WANTED[] = {
        [READ_TYPE_TEXT] = "want 1 to 256 characters without control characters",
        [READ_TYPE_NAME] = "want a name of 1 to 64 ASCII characters without white space",
        [READ_TYPE_TIME] = "want a time as RFC 3339 with an offset",
        [READ_TYPE_DAY] = "want a day as YYYY-MM-DD",
        [READ_TYPE_UUID] = "want a UUID",
        [READ_TYPE_PLACE] = "want a place in a stream",
    };
    size_t used;
    if (param->type != READ_TYPE_WORD) {
        snprintf(text, size, "%s", WANTED[param->type]);
        return;
    }
    used = (size_t)snprintf(text, size, "want one of:");
    for (const char *const *word = param->words; *word != NULL && used < size; word++)
        used += (size_t)snprintf(text + used, size - used, " %s", *word);
}

/* ---- parameters ---- */

static void put_key(struct read_args *args, const char *key)
{
    buf_addf(&args->json, "%s\"%s\":", args->json.size > 1 ? "," : "", key);
}

void read_args_raw(struct read_args *args, const char *key, const char *json)
{
    put_key(args, key);
    buf_add_str(&args->json, json);
}

void read_args_text(struct read_args *args, const char *key, struct slice value)
{
    put_key(args, key);
    jsontext_add(&args->json, value);
}

void read_args_init(struct read_args *args, const struct call *call)
{
    const struct caller *caller = call->caller;
    buf_init(&args->json, ARGS_BYTES + caller->sites_count * 8 * LIMIT_NAME_BYTES);
    buf_add_char(&args->json, '{');
    put_key(args, "sites");
    for (size_t i = 0; i < caller->sites_count; i++) {
        buf_add_char(&args->json, i == 0 ? '[' : ',');
        jsontext_add(&args->json, caller->sites[i]);
    }
    buf_add_str(&args->json, caller->sites_count == 0 ? "[]" : "]");
}

void read_args_done(struct read_args *args)
{
    buf_done(&args->json);
}

/* As the statements compare and cast it. */
static void put_value(struct read_args *args, const struct read_param *param, const char *text)
{
    const char *key = param->key == NULL ? param->name : param->key;
    char time[TIMEFMT_TEXT_BYTES];
    int64_t at_us;
    struct err why;
    if (param->type == READ_TYPE_TIME && timefmt_parse_rfc3339(text, &at_us, &why) == RC_OK) {
        timefmt_format_utc(at_us, time);
        text = time;
    }
    read_args_text(args, key, slice_str(text));
}

enum rc read_args_query(struct read_args *args, struct call *call, const struct read_param *params,
                        size_t count)
{
    char wanted[256];
    for (size_t i = 0; i < count; i++) {
        const char *text = call_query(call, params[i].name);
        if (text == NULL && !params[i].is_required)
            continue;
        if (text == NULL)
            return call_problem(call, 400, "bad_parameter", params[i].name, "it must be given");
        if (!read_is_valid(&params[i], text)) {
            write_wanted(&params[i], wanted, sizeof(wanted));
            return call_problem(call, 400, "bad_parameter", params[i].name, wanted);
        }
        put_value(args, &params[i], text);
    }
    return RC_OK;
}

enum rc read_part_uuid(struct call *call, size_t n, char text[UUID_TEXT_BYTES])
{
    struct slice part = call_part(call, n);
    struct uuid uuid;
    if (part.size == UUID_TEXT_BYTES - 1) {
        memcpy(text, part.data, part.size);
        text[part.size] = '\0';
        if (uuid_parse(text, &uuid) == RC_OK) {
            uuid_format(&uuid, text);
            return RC_OK;
        }
    }
    return call_problem(call, 404, "not_found", NULL, NULL);
}

/* ---- pages ---- */

static enum rc add_limit(struct read_args *args, struct call *call)
{
    const char *text = call_query(call, "limit");
    char number[16];
    int limit = text == NULL ? PAGE_STANDARD : 0;
    for (const char *at = text; at != NULL && *at != '\0'; at++) {
        if (!isdigit((unsigned char)*at) || limit > PAGE_MAX)
            return call_problem(call, 400, "bad_parameter", "limit", "want a number from 1 to 200");
        limit = 10 * limit + *at - '0';
    }
    if (limit < 1 || limit > PAGE_MAX)
        return call_problem(call, 400, "bad_parameter", "limit", "want a number from 1 to 200");
    snprintf(number, sizeof(number), "%d", limit);
    read_args_raw(args, "limit", number);
    return RC_OK;
}

/* Tenant, statement and filters; not the limit, which a caller may change between pages. */
static uint64_t question_of(const struct call *call, const struct read *read,
                            const struct read_args *args)
{
    uint64_t hash = read_cursor_hash(0, call->caller->tenant);
    hash = read_cursor_hash(hash, slice_str(read->name));
    return read_cursor_hash(hash, buf_slice(&args->json));
}

static enum rc add_page(struct read_args *args, struct call *call, const struct read *read,
                        uint64_t question)
{
    const char *cursor = call_query(call, "cursor");
    if (cursor != NULL && !read_cursor_read(args, cursor, read->cursor, question))
        return call_problem(call, 400, "bad_cursor", "cursor",
                            "it must be the \"next\" of the same list with the same filters");
    return add_limit(args, call);
}

/* ---- answers ---- */

/* The body is an object; next goes before its closing brace. */
static void put_body(struct call *call, const struct read *read, const struct db_result *rows,
                     uint64_t question)
{
    struct slice body = db_result_bytes(rows, 0, 0), key = db_result_bytes(rows, 0, 1);
    if (!read->is_page || key.size == 0) {
        buf_add(&call->out, body.data, body.size);
        return;
    }
    buf_add(&call->out, body.data, body.size - 1);
    buf_add_str(&call->out, ",\"next\":\"");
    read_cursor_write(&call->out, key, question);
    buf_add_str(&call->out, "\"}");
}

static enum rc put_etag(struct call *call, struct slice etag, struct err *err)
{
    char *copy = arena_copy(call->arena, etag.data, etag.size);
    if (copy == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    call->etag = slice_of(copy, etag.size);
    return RC_OK;
}

static enum rc run(struct call *call, const struct read *read, struct read_args *args,
                   uint64_t question, struct err *err)
{
    struct db_result *rows;
    enum rc rc = call_select(call, read->name, read->sql, &rows, err, "sj", call->caller->tenant,
                             buf_slice(&args->json));
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(rows) == 0) {
        db_result_free(rows);
        return call_problem(call, 404, "not_found", NULL, NULL);
    }
    put_body(call, read, rows, question);
    if (read->is_single)
        rc = put_etag(call, db_result_bytes(rows, 0, 1 + read->is_page), err);
    db_result_free(rows);
    return rc;
}

enum rc read_answer(struct call *call, const struct read *read, struct read_args *args,
                    struct err *err)
{
    enum rc rc = read_args_query(args, call, read->params, read->params_count);
    uint64_t question = question_of(call, read, args);
    if (rc == RC_OK && read->is_page)
        rc = add_page(args, call, read, question);
    buf_add_char(&args->json, '}');
    if (rc == RC_OK && args->json.is_failed)
        rc = err_set(err, RC_RETRY, "out of memory");
    if (rc == RC_OK)
        rc = run(call, read, args, question, err);
    read_args_done(args);
    return rc;
}

enum rc read_plain(struct call *call, const struct read *read, struct err *err)
{
    struct read_args args;
    read_args_init(&args, call);
    return read_answer(call, read, &args, err);
}
