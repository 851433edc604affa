#ifndef KASUMORI_MONITOR_READ_H
#define KASUMORI_MONITOR_READ_H

#include <stddef.h>
#include <stdint.h>

#include "services/monitor/call.h"

/* Answers that one statement of sql/ makes. A read is data: the parameters it takes, each with its
   range; read_answer checks them, hands them to the statement as jsonb, and answers what it says.
 */
enum read_type {
    READ_TYPE_TEXT, /* 1 to 256 characters, none of control */
    READ_TYPE_NAME, /* 1 to LIMIT_NAME_BYTES of '!' to '~' */
    READ_TYPE_TIME, /* RFC 3339 */
    READ_TYPE_DAY,  /* YYYY-MM-DD */
    READ_TYPE_UUID,
    READ_TYPE_PLACE, /* stream and offset, "3-120" */
    READ_TYPE_WORD,  /* one of words */
};

struct read_param {
    const char *name;         /* in the query */
    const char *key;          /* in the statement's parameter; NULL: as name */
    const char *const *words; /* of READ_TYPE_WORD, ended by NULL */
    enum read_type type;
    int is_required;
};

struct read {
    const char *name; /* of the statement */
    const char *sql;
    const struct read_param *params;
    size_t params_count;
    enum read_type cursor; /* of the id in a cursor: NAME or UUID */
    int is_page;           /* takes limit and cursor, may answer next */
    int is_single;         /* one thing: no row is 404, the answer has an ETag */
};

/* Parameters as they are gathered: the text of one JSON object, open at its end. */
struct read_args {
    struct buf json;
};
void read_args_init(struct read_args *args, const struct call *call);
void read_args_done(struct read_args *args);
void read_args_text(struct read_args *args, const char *key, struct slice value);
void read_args_raw(struct read_args *args, const char *key, const char *json);
/* Checks and adds what the query holds. RC_REJECT after a problem. */
enum rc read_args_query(struct read_args *args, struct call *call, const struct read_param *params,
                        size_t count) MUST_CHECK;

/* A value that came in a path or a query, by type; 0: out of range. */
int read_is_valid(const struct read_param *param, const char *text);

/* The n-th part of the path as a UUID in its written form. RC_REJECT after 404: what is no UUID
   names nothing. */
enum rc read_part_uuid(struct call *call, size_t n, char text[UUID_TEXT_BYTES]) MUST_CHECK;

/* Gathers, runs, answers; args may hold more by then and is done afterwards. */
enum rc read_answer(struct call *call, const struct read *read, struct read_args *args,
                    struct err *err) MUST_CHECK;
/* The same from nothing. */
enum rc read_plain(struct call *call, const struct read *read, struct err *err) MUST_CHECK;

/* The routes. */
call_run read_now, read_sites, read_agents, read_categories, read_policies;
call_run read_incidents, read_incident, read_occurrence, read_subject, read_timeline;
call_run read_alerts, read_alert, read_notices, read_review, read_bad_records;
call_run read_decisions, read_audit, stats_read;
call_run lookup, read_receipts;

#endif
