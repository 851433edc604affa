/* Exports. Invariant: at any time an export is in exactly one state: its page is being made by the
   pool, its bytes wait for the peer, or it is over; so nothing is freed under a task. */
#include "services/monitor/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/hex.h"
#include "services/common/base/jsontext.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/base/timefmt.h"
#include "services/common/http/http.h"
#include "services/common/log/log.h"
#include "services/common/mac/mac_digest.h"
#include "services/monitor/pool.h"
#include "services/monitor/read_cases.h"
#include "services/monitor/sql.h"
#include "services/monitor/state.h"

enum {
    PAGE_BYTES = 4 * 1024 * 1024,
    HEAD_BYTES = 64 * 1024,
    EXPORTS_MAX = 8, /* at once */
    KEY_BYTES = 96,
};

struct export
{
    struct pool_task task;
    struct monitor_state *state;
    struct http_stream *stream; /* NULL: the peer has gone */
    struct mac_digest *digest;
    struct db_params *params;
    struct buf filter; /* the statement's parameter, open at its end */
    struct buf page;
    char tenant[LIMIT_NAME_BYTES + 1];
    char key[KEY_BYTES]; /* of the last line written */
    int64_t rows;
    int is_csv, is_under_way, is_last, is_failed;
};

static size_t exports_open; /* the loop's thread only */

static void export_free(struct export *export)
{
    if (export == NULL)
        return;
    db_params_free(export->params);
    mac_digest_free(export->digest);
    buf_done(&export->filter);
    buf_done(&export->page);
    mem_free(export);
}

/* ---- in a thread of the pool ---- */

static enum rc enter(struct export *export, struct db *db, struct err *err)
{
    static const char SQL[] = "select set_config('kasumori.tenant', $1, true)";
    static const enum db_type TYPES[] = {DB_TYPE_TEXT};
    static const int IS_ARRAY[] = {0};
    struct db_params *params = db_params_new(1, TYPES, IS_ARRAY, LIMIT_NAME_BYTES + 1);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(export->tenant));
    enum rc rc = db_exec(db, "begin read only; set local role kasumori_monitor", err);
    if (rc == RC_OK)
        rc = db_run(db, "export_enter", SQL, params, NULL, err);
    db_params_free(params);
    return rc;
}

/* The key goes on where the page before ended: "number.id". */
static void put_key(const struct export *export, struct buf *text)
{
    const char *dot = strchr(export->key, '.');
    if (dot != NULL)
        buf_addf(text, ",\"after_at\":%.*s,\"after_id\":\"%s\"", (int)(dot - export->key),
                 export->key, dot + 1);
    buf_add_char(text, '}');
}

static void take_page(struct export *export, const struct db_result *rows)
{
    struct slice text = db_result_bytes(rows, 0, 0), key = db_result_bytes(rows, 0, 1);
    buf_reset(&export->page);
    buf_add(&export->page, text.data, text.size);
    export->rows += db_result_int(rows, 0, 2);
    export->is_last = key.size == 0 || key.size >= KEY_BYTES;
    snprintf(export->key, sizeof(export->key), "%.*s", (int)key.size,
             key.size == 0 ? "" : (const char *)key.data);
}

static enum rc read_page(struct export *export, struct db *db, struct err *err)
{
    struct db_result *rows;
    struct buf filter;
    buf_init(&filter, HEAD_BYTES);
    buf_add(&filter, export->filter.data, export->filter.size);
    put_key(export, &filter);
    db_params_reset(export->params);
    db_put_text(export->params, 0, slice_str(export->tenant));
    db_put_text(export->params, 1, buf_slice(&filter));
    enum rc rc = filter.is_failed ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
    if (rc == RC_OK)
        rc = db_run(db, "export", sql_export, export->params, &rows, err);
    buf_done(&filter);
    if (rc != RC_OK)
        return rc;
    take_page(export, rows);
    db_result_free(rows);
    return export->page.is_failed ? err_set(err, RC_FULL, "a page is too large") : RC_OK;
}

static void on_run(struct pool_task *task, struct db *db, const struct err *away)
{
    struct export *export = (struct export *)task;
    struct err err = *away;
    enum rc rc = RC_RETRY;
    if (db != NULL) {
        rc = enter(export, db, &err);
        if (rc == RC_OK)
            rc = read_page(export, db, &err);
        if (rc == RC_OK)
            rc = db_exec(db, "commit", &err);
    }
    export->is_failed = rc != RC_OK;
    if (export->is_failed)
        log_warn("an export was cut off: %s", err.text);
}

/* ---- on the loop's thread ---- */

static void finish(struct export *export)
{
    if (export->stream != NULL)
        http_stream_end(export->stream);
    exports_open--;
    export_free(export);
}

static void on_done(struct pool_task *task);

static void next_page(struct export *export)
{
    export->task = (struct pool_task){.run = on_run, .done = on_done};
    export->is_under_way = 1;
    if (pool_give(export->state->pool, &export->task) == RC_OK)
        return;
    export->is_under_way = 0;
    finish(export);
}

static int write_out(struct export *export, struct slice bytes)
{
    mac_digest_add(export->digest, bytes);
    return http_stream_write(export->stream, bytes);
}

static void write_end(struct export *export)
{
    uint8_t hash[MAC_SHA256_BYTES];
    char digits[2 * MAC_SHA256_BYTES + 1], line[256];
    mac_digest_end(export->digest, hash);
    hex_format(hash, sizeof(hash), digits);
    int size = snprintf(line, sizeof(line),
                        export->is_csv ? "\"# end\",\"rows\",\"%" PRId64 "\",\"sha256\",\"%s\"\r\n"
                                       : "{\"end\":{\"rows\":%" PRId64 ",\"sha256\":\"%s\"}}\n",
                        export->rows, digits);
    (void)http_stream_write(export->stream, slice_of(line, (size_t)size));
}

static void on_done(struct pool_task *task)
{
    struct export *export = (struct export *)task;
    export->is_under_way = 0;
    if (export->stream == NULL || export->is_failed) {
        finish(export); /* without its last line, so that the reader knows */
        return;
    }
    if (!write_out(export, buf_slice(&export->page)))
        return; /* closed follows */
    if (!export->is_last)
        return; /* drained follows */
    write_end(export);
    finish(export);
}

static void on_stream(void *ctx, struct http_stream *stream, enum http_stream_event event)
{
    struct export *export = ctx;
    (void)stream;
    if (event == HTTP_STREAM_EVENT_CLOSED) {
        export->stream = NULL;
        if (!export->is_under_way)
            finish(export);
        return;
    }
    if (!export->is_under_way)
        next_page(export);
}

static void take_over(void *ctx, struct http_request *request)
{
    struct export *export = ctx;
    const struct http_header headers[] = {
        {"Content-Disposition", export->is_csv ? "attachment; filename=\"incidents.csv\""
                                               : "attachment; filename=\"incidents.ndjson\""}};
    if (request == NULL) {
        export_free(export);
        return;
    }
    if (exports_open >= EXPORTS_MAX) {
        http_reply_problem(request, 503, "Busy; please try again", "too many exports at once", 5);
        export_free(export);
        return;
    }
    const struct http_answer head = {.status = 200,
                                     .type = export->is_csv ? "text/csv; charset=utf-8"
                                                            : "application/x-ndjson",
                                     .body = buf_slice(&export->page),
                                     .headers = headers,
                                     .headers_count = 1};
    mac_digest_add(export->digest, head.body);
    export->stream = http_stream_start(request, &head, 2 * PAGE_BYTES, on_stream, export);
    if (export->stream == NULL)
        export_free(export);
    else
        exports_open++;
}

/* ---- beginning ---- */

static const char COLUMNS[] =
    "\"record_id\",\"site\",\"concerned_site\",\"channel\",\"direction\",\"start_at\",\"end_at\","
    "\"recorded_at\",\"categories\",\"matters\",\"occurrence\",\"standing\",\"verdict\"\r\n";

static void put_csv(struct buf *out, struct slice text)
{
    buf_add_str(out, ",\"");
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, (char)text.data[i]);
    }
    buf_add_char(out, '"');
}

/* Who asked for what, when. */
static void write_head(struct export *export, const struct call *call, struct slice filter)
{
    struct buf *out = &export->page;
    char now[TIMEFMT_TEXT_BYTES];
    timefmt_format_utc(clock_now_us(clock_real()), now);
    if (export->is_csv) {
        buf_add_str(out, "\xef\xbb\xbf\"# export\"");
        put_csv(out, call->caller->account);
        put_csv(out, slice_str(now));
        put_csv(out, filter);
        buf_add_str(out, "\r\n");
        buf_add_str(out, COLUMNS);
        return;
    }
    buf_add_str(out, "{\"export\":{\"user\":");
    jsontext_add(out, call->caller->account);
    buf_addf(out, ",\"time\":\"%s\",\"filter\":", now);
    buf_add(out, filter.data, filter.size);
    buf_add_str(out, "}}\n");
}

static struct export *export_new(const struct call *call, int is_csv)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_JSONB};
    static const int IS_ARRAY[] = {0, 0};
    struct export *export = mem_zalloc(sizeof(*export));
    if (export == NULL)
        return NULL;
    export->state = call->state;
    export->is_csv = is_csv;
    buf_init(&export->filter, HEAD_BYTES);
    buf_init(&export->page, PAGE_BYTES);
    export->params = db_params_new(2, TYPES, IS_ARRAY, HEAD_BYTES + KEY_BYTES);
    export->digest = mac_digest_new();
    snprintf(export->tenant, sizeof(export->tenant), "%.*s", (int)call->caller->tenant.size,
             (const char *)call->caller->tenant.data);
    if (export->params != NULL && export->digest != NULL)
        return export;
    export_free(export);
    return NULL;
}

/* args: checked, without its closing brace. */
static enum rc begin(struct call *call, struct read_args *args, int is_csv, struct err *err)
{
    struct export *export = export_new(call, is_csv);
    struct buf filter;
    if (export == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    buf_init(&filter, HEAD_BYTES);
    buf_add(&filter, args->json.data, args->json.size);
    buf_add_char(&filter, '}');
    write_head(export, call, buf_slice(&filter));
    read_args_text(args, "format", slice_str(is_csv ? "csv" : "ndjson"));
    buf_add(&export->filter, args->json.data, args->json.size);
    int is_short = filter.is_failed || export->page.is_failed || export->filter.is_failed;
    enum rc rc = is_short ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
    if (rc == RC_OK)
        rc = call_audit(call, is_csv ? "export.csv" : "export.ndjson",
                        slice_str(call_query(call, "purpose")), slice_str("incidents"), err);
    buf_done(&filter);
    if (rc != RC_OK) {
        export_free(export);
        return rc;
    }
    call->take_over = take_over;
    call->take_over_ctx = export;
    return RC_OK;
}

static enum rc run(struct call *call, int is_csv, struct err *err)
{
    static const struct read_param MORE[] = {
        {.name = "updated_since", .type = READ_TYPE_TIME},
        {.name = "purpose", .type = READ_TYPE_TEXT, .is_required = 1}};
    struct read_args args;
    read_args_init(&args, call);
    enum rc rc = read_args_query(&args, call, read_incident_params, read_incident_params_count);
    if (rc == RC_OK)
        rc = read_args_query(&args, call, MORE, sizeof(MORE) / sizeof(MORE[0]));
    if (rc == RC_OK && args.json.is_failed)
        rc = err_set(err, RC_RETRY, "out of memory");
    if (rc == RC_OK)
        rc = begin(call, &args, is_csv, err);
    read_args_done(&args);
    return rc;
}

enum rc export_csv(struct call *call, struct err *err)
{
    return run(call, 1, err);
}

enum rc export_ndjson(struct call *call, struct err *err)
{
    return run(call, 0, err);
}
