/* How far reports are that a site made, for the agent that shows it to whoever reported.
   Invariant: a key learns the state of records of the one site it names and may see, and nothing
   else: no words, no person, no verdict's value. */
#include <string.h>

#include "services/common/jsonio/jsonio.h"
#include "services/monitor/read.h"
#include "services/monitor/sql.h"

enum { RECORDS_MAX = 32 };

static enum rc refuse(struct call *call, const char *place, const char *why)
{
    return call_problem(call, 400, "bad_member", place, why);
}

static enum rc put_site(struct read_args *args, struct call *call,
                        const struct jsonio_value *object)
{
    static const struct read_param SITE = {.name = "site", .type = READ_TYPE_NAME};
    const struct jsonio_value *value = jsonio_find(object, SITE.name);
    if (value == NULL || jsonio_type(value) != JSONIO_TYPE_STRING ||
        !read_is_valid(&SITE, (const char *)jsonio_string(value).data))
        return refuse(call, SITE.name, "want the name of a site");
    if (!call_sees_site(call, jsonio_string(value)))
        return refuse(call, SITE.name, "the key is for another site");
    read_args_text(args, SITE.name, jsonio_string(value));
    return RC_OK;
}

static enum rc put_records(struct read_args *args, struct call *call,
                           const struct jsonio_value *object)
{
    static const struct read_param RECORD = {.name = "records", .type = READ_TYPE_UUID};
    const struct jsonio_value *records = jsonio_find(object, RECORD.name);
    if (records == NULL || jsonio_type(records) != JSONIO_TYPE_ARRAY ||
        jsonio_count(records) == 0 || jsonio_count(records) > RECORDS_MAX)
        return refuse(call, RECORD.name, "want an array of 1 to 32 record ids");
    read_args_raw(args, RECORD.name, "[");
    for (size_t i = 0; i < jsonio_count(records); i++) {
        const struct jsonio_value *record = jsonio_item(records, i);
        if (jsonio_type(record) != JSONIO_TYPE_STRING ||
            !read_is_valid(&RECORD, (const char *)jsonio_string(record).data))
            return refuse(call, RECORD.name, "want ids as 8-4-4-4-12 hexadecimal digits");
        buf_addf(&args->json, "%s\"%s\"", i == 0 ? "" : ",",
                 (const char *)jsonio_string(record).data);
    }
    buf_add_char(&args->json, ']');
    return RC_OK;
}

enum rc read_receipts(struct call *call, struct err *err)
{
    static const struct read READ = {.name = "receipts", .sql = sql_receipts};
    const struct jsonio_value *object;
    struct read_args args;
    enum rc rc = call_json(call, &object, err);
    if (rc != RC_OK)
        return rc;
    if (jsonio_count(object) > 2)
        return refuse(call, NULL, "want site and records, nothing beside them");
    read_args_init(&args, call);
    rc = put_site(&args, call, object);
    if (rc == RC_OK)
        rc = put_records(&args, call, object);
    if (rc == RC_OK)
        return read_answer(call, &READ, &args, err);
    read_args_done(&args);
    return rc;
}
