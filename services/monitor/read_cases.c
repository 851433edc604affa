/* One case and everything it hangs on: incidents, occurrences, subjects, decisions, the timeline.
   Invariant: words and a subject's page are answered only with the audit row of that look in the
   same transaction. */
#include "services/monitor/read_cases.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/monitor/sql.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { MAC_DIGITS = 32, ORDINAL_MAX = 32767 };

static const char *const STANDINGS[] = {"open", "judged", "innocent", "disputed", NULL};
static const char *const VERDICTS[] = {"complaint", "suspected", "confirmed", "rejected", NULL};
static const char *const YES_NO[] = {"no", "yes", NULL};

const struct read_param read_incident_params[] = {
    {.name = "from", .type = READ_TYPE_TIME},
    {.name = "to", .type = READ_TYPE_TIME},
    {.name = "site", .type = READ_TYPE_NAME},
    {.name = "category", .type = READ_TYPE_TEXT},
    {.name = "standing", .type = READ_TYPE_WORD, .words = STANDINGS},
    {.name = "verdict", .type = READ_TYPE_WORD, .words = VERDICTS},
    {.name = "judged", .type = READ_TYPE_WORD, .words = YES_NO},
    {.name = "q", .type = READ_TYPE_TEXT},
};
const size_t read_incident_params_count = COUNT(read_incident_params);

enum rc read_incidents(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_incidents",
                                     .sql = sql_incidents,
                                     .params = read_incident_params,
                                     .params_count = COUNT(read_incident_params),
                                     .cursor = READ_TYPE_UUID,
                                     .is_page = 1};
    return read_plain(call, &READ, err);
}

/* ---- one record ---- */

/* Whether the caller may read exact words of what it may see at all. */
static const char *words_state(const struct call *call, const char *purpose)
{
    if ((call->caller->role & (ROLE_SUPERVISOR | ROLE_HEADQUARTERS | ROLE_PRIVACY)) == 0)
        return "role";
    return purpose == NULL ? "purpose" : "yes";
}

static enum rc put_words(struct read_args *args, struct call *call)
{
    static const struct read_param PURPOSE = {.name = "purpose", .type = READ_TYPE_TEXT};
    const char *purpose = call_query(call, "purpose");
    const char *state = words_state(call, purpose);
    if (purpose != NULL && !read_is_valid(&PURPOSE, purpose))
        return call_problem(call, 400, "bad_parameter", "purpose", "want 1 to 256 characters");
    read_args_text(args, "words", slice_str(state));
    read_args_text(args, "reader", call->caller->account);
    read_args_text(args, "role", slice_str(call_role(call)));
    if (strcmp(state, "yes") == 0)
        read_args_text(args, "purpose", slice_str(purpose));
    return RC_OK;
}

/* The version of what was decided goes before the hash of what is shown. */
static enum rc put_version(struct call *call, const char *record, struct err *err)
{
    struct uuid uuid;
    int64_t no;
    enum rc rc = uuid_parse(record, &uuid);
    if (rc == RC_OK)
        rc = call_record_version(call, &uuid, &no, err);
    if (rc != RC_OK)
        return rc;
    enum { ETAG_BYTES = 64 };
    char *text = arena_alloc(call->arena, ETAG_BYTES);
    if (text == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    int size = snprintf(text, ETAG_BYTES, "%" PRId64 "-%.*s", no, (int)call->etag.size,
                        (const char *)call->etag.data);
    call->etag = slice_of(text, (size_t)size);
    return RC_OK;
}

enum rc read_incident(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_incident", .sql = sql_incident, .is_single = 1};
    char record[UUID_TEXT_BYTES];
    struct read_args args;
    enum rc rc = read_part_uuid(call, 0, record);
    if (rc != RC_OK)
        return rc;
    read_args_init(&args, call);
    read_args_text(&args, "record", slice_str(record));
    read_args_text(&args, "account", call->caller->account);
    rc = put_words(&args, call);
    if (rc != RC_OK) {
        read_args_done(&args);
        return rc;
    }
    rc = read_answer(call, &READ, &args, err);
    return rc == RC_OK ? put_version(call, record, err) : rc;
}

static enum rc answer_by_id(struct call *call, const struct read *read, const char *key,
                            struct err *err)
{
    char id[UUID_TEXT_BYTES];
    struct read_args args;
    enum rc rc = read_part_uuid(call, 0, id);
    if (rc != RC_OK)
        return rc;
    read_args_init(&args, call);
    read_args_text(&args, key, slice_str(id));
    return read_answer(call, read, &args, err);
}

enum rc read_occurrence(struct call *call, struct err *err)
{
    static const struct read READ = {
        .name = "read_occurrence", .sql = sql_occurrence, .is_single = 1};
    return answer_by_id(call, &READ, "occurrence", err);
}

enum rc read_timeline(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "read_timeline", .sql = sql_timeline};
    return answer_by_id(call, &READ, "record", err);
}

/* ---- subjects ---- */

int read_kind_number(struct slice name)
{
    static const char *const KINDS[] = {"handle", "member",  "account", "phone",
                                        "mail",   "vehicle", "sns",     "name"};
    for (size_t i = 0; i < COUNT(KINDS); i++)
        if (slice_is_equal(slice_str(KINDS[i]), name))
            return (int)i + 1;
    return 0;
}

/* Up to the next dot or the end; *rest moves on. */
static struct slice cut(struct slice *rest)
{
    const uint8_t *dot = rest->size == 0 ? NULL : memchr(rest->data, '.', rest->size);
    size_t size = dot == NULL ? rest->size : (size_t)(dot - rest->data);
    struct slice head = slice_of(rest->data, size);
    size_t gone = dot == NULL ? size : size + 1;
    *rest = slice_of(rest->data + gone, rest->size - gone);
    return head;
}

/* Decimal of at most 10 digits; -1: it is none, or greater than max. */
static int64_t read_number(struct slice text, int64_t max)
{
    int64_t value = 0;
    if (text.size == 0 || text.size > 10)
        return -1;
    for (size_t i = 0; i < text.size; i++) {
        if (!isdigit(text.data[i]))
            return -1;
        value = 10 * value + text.data[i] - '0';
    }
    return value <= max ? value : -1;
}

static int is_hex(struct slice text, size_t digits)
{
    if (text.size != digits)
        return 0;
    for (size_t i = 0; i < text.size; i++)
        if (!isxdigit(text.data[i]))
            return 0;
    return 1;
}

static void put_number(struct read_args *args, const char *key, int64_t value)
{
    char number[24];
    snprintf(number, sizeof(number), "%" PRId64, value);
    read_args_raw(args, key, number);
}

int read_put_subject(struct read_args *args, struct slice name)
{
    struct slice rest = name, record = cut(&rest);
    int64_t ordinal = read_number(cut(&rest), ORDINAL_MAX);
    int kind = read_kind_number(cut(&rest));
    int64_t key_id = read_number(cut(&rest), UINT32_MAX);
    char text[UUID_TEXT_BYTES];
    struct uuid uuid;
    if (record.size != UUID_TEXT_BYTES - 1 || ordinal < 0 || kind == 0 || key_id < 0 ||
        !is_hex(rest, MAC_DIGITS))
        return 0;
    memcpy(text, record.data, record.size);
    text[record.size] = '\0';
    if (uuid_parse(text, &uuid) != RC_OK)
        return 0;
    read_args_text(args, "record", record);
    put_number(args, "ordinal", ordinal);
    put_number(args, "kind", kind);
    put_number(args, "key_id", key_id);
    read_args_text(args, "mac", rest);
    read_args_text(args, "name", name);
    return 1;
}

/* Row and answer stand in one transaction; the object is the record that the name begins with. */
static enum rc audit_subject(struct call *call, struct slice name, struct err *err)
{
    char object[UUID_TEXT_BYTES + sizeof("subject ")];
    int size = snprintf(object, sizeof(object), "subject %.*s", UUID_TEXT_BYTES - 1,
                        (const char *)name.data);
    return call_audit(call, "view.subject", slice_str(call_query(call, "purpose")),
                      slice_of(object, (size_t)size), err);
}

enum rc read_subject(struct call *call, struct err *err)
{
    static const struct read_param PARAMS[] = {
        {.name = "purpose", .type = READ_TYPE_TEXT, .is_required = 1}};
    static const struct read READ = {.name = "read_subject",
                                     .sql = sql_subject,
                                     .params = PARAMS,
                                     .params_count = COUNT(PARAMS),
                                     .is_single = 1};
    struct read_args args;
    struct slice name = call_part(call, 0);
    read_args_init(&args, call);
    read_args_text(&args, "lang", slice_str(call->caller->is_japanese ? "ja" : "en"));
    read_args_text(&args, "account", call->caller->account);
    read_args_text(&args, "role", slice_str(call_role(call)));
    if (!read_put_subject(&args, name)) {
        read_args_done(&args);
        return call_problem(call, 404, "not_found", NULL, NULL);
    }
    enum rc rc = read_answer(call, &READ, &args, err);
    return rc == RC_OK ? audit_subject(call, name, err) : rc;
}

/* ---- decisions ---- */

enum rc read_decisions(struct call *call, struct err *err)
{
    static const char *const KINDS[] = {
        "verdict", "link",     "suppress",       "pin_shared",   "attach", "same_occurrence",
        "matter",  "restrict", "confirm_person", "not_listable", "ack",    "revoke",
        NULL};
    static const struct read_param PARAMS[] = {
        {.name = "record", .type = READ_TYPE_UUID},
        {.name = "kind", .type = READ_TYPE_WORD, .words = KINDS}};
    static const struct read READ = {.name = "read_decisions",
                                     .sql = sql_decisions,
                                     .params = PARAMS,
                                     .params_count = COUNT(PARAMS),
                                     .cursor = READ_TYPE_NAME,
                                     .is_page = 1};
    return read_plain(call, &READ, err);
}
