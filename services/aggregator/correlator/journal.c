/* Alerts, stored. What becomes of each is planned without a database (plan.c). Invariant: rows that
   close come before rows that open, so a finding never has two alerts, not even for a statement. */
#include "services/aggregator/correlator/journal.h"

#include <stdlib.h>
#include <string.h>

#include "services/aggregator/correlator/journal_story.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/correlate/rule.h"
#include "services/common/correlate/steps.h"
#include "services/common/record/alert.h"
#include "services/common/record/record.h"
#include "services/common/tables/tables.h"

enum { COLUMN_BYTES_MAX = 256 * 1024 * 1024 };

enum {
    ALERT_TENANT,
    ALERT_ID,
    ALERT_RULE,
    ALERT_MATTER,
    ALERT_IS_NOTICE,
    ALERT_FINDING,
    ALERT_STATE,
    ALERT_MERGED_INTO,
    ALERT_CHANGE_NO,
    ALERT_COLUMNS
};
enum {
    CHANGE_TENANT,
    CHANGE_ALERT,
    CHANGE_NO,
    CHANGE_CHANGE,
    CHANGE_REASON,
    CHANGE_RECORDS,
    CHANGE_COLUMNS
};

enum { NEAR_TENANT, NEAR_FINDING, NEAR_ALERT, NEAR_RECORD, NEAR_COLUMNS };

/* As many alerts as one finding may have had; with one more its opening fails. */
enum { ALERT_IDS = 8 };

struct journal {
    struct db_params *tenant; /* one value */
    struct db_params *near;
    struct db_params *closed, *open, *opened;
    struct db_params *changes;
    struct buf text;
};

/* state is the last argument. */
#define ALERTS(from, state)                                                                      \
    "select a.alert, a.rule, coalesce(a.matter, ''), a.is_notice, a.finding, " state             \
    ", a.change_no, first.at, (select string_agg(uuid_send(record), ''::bytea order by record) " \
    "from unnest(last.records) as record) from " from                                            \
    "join kasumori.alert_change as first on first.tenant = a.tenant and first.alert = a.alert "  \
    "and first.change_no = 1 "                                                                   \
    "join kasumori.alert_change as last on last.tenant = a.tenant and last.alert = a.alert "     \
    "and last.change_no = a.change_no "

static const char LOAD_SQL[] = ALERTS("kasumori.alert as a ", "a.state") "where a.tenant = $1";

/* Alerts of these findings ($2), of these ids ($3), and that ever rested on these records ($4). */
static const char LOAD_NEAR_SQL[] = ALERTS(
    "(select x.alert from unnest($2) as w (id) cross join lateral (select alert "
    "from kasumori.alert where tenant = $1 and finding = w.id offset 0) as x "
    "union select id from unnest($3) as w (id) "
    "union select x.alert from unnest($4) as w (id) cross join lateral (select alert "
    "from kasumori.alert_record where tenant = $1 and record_id = w.id offset 0) as x) as near "
    "cross join lateral (select * from kasumori.alert as alert where alert.tenant = $1 "
    "and alert.alert = near.alert offset 0) as a ",
    "case when a.state = 'open' and a.finding <> all ($2) then 'elsewhere' else a.state end");

static const char ALERT_SQL[] =
    "insert into kasumori.alert (tenant, alert, rule, matter, is_notice, finding, state, "
    "merged_into, change_no) select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9) as u "
    "on conflict (tenant, alert) do update set finding = excluded.finding, "
    "state = excluded.state, merged_into = excluded.merged_into, change_no = excluded.change_no";

/* Fails where an alert of that id is: one that was not looked at must not be overwritten. */
static const char OPENED_SQL[] =
    "insert into kasumori.alert (tenant, alert, rule, matter, is_notice, finding, state, "
    "merged_into, change_no) select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9) as u";

static const char RECORDS_SQL[] =
    "insert into kasumori.alert_record (tenant, record_id, alert) select $1, record_id, alert "
    "from unnest($2, $3, $4, $5, $6) as u (alert, change_no, change, reason, records) "
    "cross join unnest(records::uuid[]) as list (record_id) on conflict do nothing";

static const char CHANGE_SQL[] =
    "insert into kasumori.alert_change (tenant, alert, change_no, change, reason, records) "
    "select $1, alert, change_no, change, reason, records::uuid[] from unnest($2, $3, $4, $5, $6) "
    "as u (alert, change_no, change, reason, records)";

static const struct {
    const char *name;
    Kasumori__V1__AlertChange wire;
} CHANGES[] = {
    [PLAN_CHANGE_OPENED] = {"opened", KASUMORI__V1__ALERT_CHANGE__ALERT_CHANGE_OPENED},
    [PLAN_CHANGE_EXTENDED] = {"extended", KASUMORI__V1__ALERT_CHANGE__ALERT_CHANGE_EXTENDED},
    [PLAN_CHANGE_WITHDRAWN] = {"withdrawn", KASUMORI__V1__ALERT_CHANGE__ALERT_CHANGE_WITHDRAWN},
    [PLAN_CHANGE_MERGED] = {"merged", KASUMORI__V1__ALERT_CHANGE__ALERT_CHANGE_MERGED},
    [PLAN_CHANGE_REOPENED] = {"reopened", KASUMORI__V1__ALERT_CHANGE__ALERT_CHANGE_REOPENED},
};

static struct db_params *alert_params(void)
{
    static const enum db_type TYPES[ALERT_COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_UUID, DB_TYPE_TEXT,
                                                      DB_TYPE_TEXT, DB_TYPE_BOOL, DB_TYPE_UUID,
                                                      DB_TYPE_TEXT, DB_TYPE_UUID, DB_TYPE_INT8};
    static const int IS_ARRAY[ALERT_COLUMNS] = {0, 1, 1, 1, 1, 1, 1, 1, 1};
    return db_params_new(ALERT_COLUMNS, TYPES, IS_ARRAY, COLUMN_BYTES_MAX);
}

static struct db_params *change_params(void)
{
    static const enum db_type TYPES[CHANGE_COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_UUID, DB_TYPE_INT8,
                                                       DB_TYPE_TEXT, DB_TYPE_TEXT, DB_TYPE_TEXT};
    static const int IS_ARRAY[CHANGE_COLUMNS] = {0, 1, 1, 1, 1, 1};
    return db_params_new(CHANGE_COLUMNS, TYPES, IS_ARRAY, COLUMN_BYTES_MAX);
}

static struct db_params *near_params(void)
{
    static const enum db_type TYPES[NEAR_COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_UUID, DB_TYPE_UUID,
                                                     DB_TYPE_UUID};
    static const int IS_ARRAY[NEAR_COLUMNS] = {0, 1, 1, 1};
    return db_params_new(NEAR_COLUMNS, TYPES, IS_ARRAY, COLUMN_BYTES_MAX);
}

struct journal *journal_new(void)
{
    static const enum db_type TENANT_TYPE[] = {DB_TYPE_TEXT};
    static const int TENANT_IS_ARRAY[] = {0};
    struct journal *journal = mem_zalloc(sizeof(*journal));
    if (journal == NULL)
        return NULL;
    buf_init(&journal->text, COLUMN_BYTES_MAX);
    journal->tenant = db_params_new(1, TENANT_TYPE, TENANT_IS_ARRAY, 1024);
    journal->near = near_params();
    journal->closed = alert_params();
    journal->open = alert_params();
    journal->opened = alert_params();
    journal->changes = change_params();
    if (journal->tenant == NULL || journal->near == NULL || journal->closed == NULL ||
        journal->open == NULL || journal->opened == NULL || journal->changes == NULL) {
        journal_free(journal);
        return NULL;
    }
    return journal;
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    db_params_free(journal->tenant);
    db_params_free(journal->near);
    db_params_free(journal->closed);
    db_params_free(journal->open);
    db_params_free(journal->opened);
    db_params_free(journal->changes);
    buf_done(&journal->text);
    mem_free(journal);
}

/* ---- what a change is near to ---- */

static int compare_findings(const void *a, const void *b)
{
    const struct plan_finding *x = a, *y = b;
    int order = uuid_compare(&x->id, &y->id);
    size_t size = x->records_count < y->records_count ? x->records_count : y->records_count;
    if (order == 0 && size > 0)
        order = memcmp(x->records, y->records, size * sizeof(*x->records));
    return order != 0
               ? order
               : (x->records_count > y->records_count) - (x->records_count < y->records_count);
}

/* A finding that is new or rests on other records: any alert may come to it. */
static void put_near(struct journal *journal, const struct plan_finding *finding)
{
    for (uint8_t n = 0; n < ALERT_IDS; n++) {
        struct uuid id = plan_alert_id(&finding->id, n);
        db_put_uuid(journal->near, NEAR_ALERT, &id);
    }
    for (size_t i = 0; i < finding->records_count; i++)
        db_put_uuid(journal->near, NEAR_RECORD, &finding->records[i]);
}

/* Fills journal->near. ret_is_same: no finding came, went or changed. */
static enum rc compare_stories(struct journal *journal, const struct journal_story *story,
                               int *ret_is_same, struct err *err)
{
    struct journal_source source = *story->source;
    struct journal_story old = {.source = &source};
    source.derived = source.before;
    enum rc rc = journal_story_take(&old, err);
    if (rc != RC_OK)
        return rc;
    size_t count = story->plan.findings_count, old_count = old.plan.findings_count, kept = 0;
    struct plan_finding *now = arena_alloc(source.arena, (count + 1) * sizeof(*now));
    if (now == NULL)
        return err_set(err, RC_FULL, "comparing alerts needs more memory than allowed");
    if (count > 0)
        memcpy(now, story->findings, count * sizeof(*now));
    qsort(now, count, sizeof(*now), compare_findings);
    qsort(old.findings, old_count, sizeof(*old.findings), compare_findings);
    for (size_t i = 0; i < old_count; i++)
        db_put_uuid(journal->near, NEAR_FINDING, &old.findings[i].id);
    for (size_t i = 0; i < count; i++) {
        db_put_uuid(journal->near, NEAR_FINDING, &now[i].id);
        if (bsearch(&now[i], old.findings, old_count, sizeof(*now), compare_findings) != NULL)
            kept++;
        else
            put_near(journal, &now[i]);
    }
    *ret_is_same = kept == count && kept == old_count;
    return RC_OK;
}

/* ---- alerts as stored ---- */

static enum plan_state state_of(struct slice name)
{
    if (slice_is_equal(name, slice_str("open")))
        return PLAN_STATE_OPEN;
    if (slice_is_equal(name, slice_str("elsewhere")))
        return PLAN_STATE_ELSEWHERE;
    return slice_is_equal(name, slice_str("merged")) ? PLAN_STATE_MERGED : PLAN_STATE_WITHDRAWN;
}

/* The alerts borrow from the result. */
static enum rc take_alerts(struct journal_story *story, const struct db_result *result,
                           struct err *err)
{
    size_t count = db_result_rows(result);
    size_t most = count + story->plan.findings_count;
    struct plan_alert *alerts = arena_alloc(story->source->arena, (most + 1) * sizeof(*alerts));
    if (alerts == NULL)
        return err_set(err, RC_FULL, "comparing alerts needs more memory than allowed");
    for (size_t i = 0; i < count; i++) {
        struct slice records = db_result_bytes(result, i, 8);
        alerts[i] = (struct plan_alert){
            .id = db_result_uuid(result, i, 0),
            .rule = db_result_bytes(result, i, 1),
            .matter = db_result_bytes(result, i, 2),
            .is_notice = (int)db_result_int(result, i, 3),
            .finding = db_result_uuid(result, i, 4),
            .state = state_of(db_result_bytes(result, i, 5)),
            .change_no = db_result_int(result, i, 6),
            .opened_at_us = db_result_time(result, i, 7),
            .records = (const struct uuid *)records.data,
            .records_count = records.size / UUID_BYTES,
        };
    }
    story->plan.alerts = alerts;
    story->plan.alerts_count = count;
    story->plan.alerts_max = most;
    return RC_OK;
}

/* ---- what changes, as rows and messages ---- */

/* Why it is taken back, by what became of its records; the gravest for whom it would accuse. */
static const char *reason_of(const struct derived *d, const struct plan_alert *alert)
{
    static const char *const REASONS[] = {"regrouped", "retracted", "disputed", "innocent"};
    size_t reason = 0;
    for (size_t i = 0; i < alert->records_count; i++) {
        size_t e = derived_find_effective(d, &alert->records[i]);
        size_t found = 0;
        if (e == NONE)
            found = 1;
        else if (d->occurrences[d->effectives[e].occurrence].state == OCCURRENCE_STATE_DISPUTED)
            found = 2;
        else if (d->occurrences[d->effectives[e].occurrence].state == OCCURRENCE_STATE_INNOCENT)
            found = 3;
        reason = found > reason ? found : reason;
    }
    return REASONS[reason];
}

static void put_alert(struct journal *journal, const struct journal_story *story,
                      const struct plan_alert *alert)
{
    int is_open = alert->finding_no != PLAN_NONE;
    int is_merged = alert->change == PLAN_CHANGE_MERGED;
    struct db_params *params = alert->change == PLAN_CHANGE_OPENED ? journal->opened
                               : is_open                           ? journal->open
                                                                   : journal->closed;
    db_put_uuid(params, ALERT_ID, &alert->id);
    db_put_text(params, ALERT_RULE, alert->rule);
    if (slice_is_equal(alert->rule, slice_str(rule_name(RULE_REPEAT_MATTER))))
        db_put_text(params, ALERT_MATTER, alert->matter);
    else
        db_put_null(params, ALERT_MATTER);
    db_put_bool(params, ALERT_IS_NOTICE, alert->is_notice);
    if (is_open)
        db_put_uuid(params, ALERT_FINDING, &story->findings[alert->finding_no].id);
    else
        db_put_null(params, ALERT_FINDING);
    db_put_text(params, ALERT_STATE,
                slice_str(is_open     ? "open"
                          : is_merged ? "merged"
                                      : "withdrawn"));
    if (is_merged)
        db_put_uuid(params, ALERT_MERGED_INTO, &story->plan.alerts[alert->merged_into].id);
    else
        db_put_null(params, ALERT_MERGED_INTO);
    db_put_int(params, ALERT_CHANGE_NO, alert->change_no + (alert->change != PLAN_CHANGE_NONE));
}

static void put_change(struct journal *journal, const struct plan_alert *alert,
                       const struct plan_finding *rests_on, const char *reason)
{
    struct db_params *params = journal->changes;
    char id[UUID_TEXT_BYTES];
    buf_reset(&journal->text);
    buf_add_char(&journal->text, '{');
    for (size_t i = 0; i < rests_on->records_count; i++) {
        uuid_format(&rests_on->records[i], id);
        buf_addf(&journal->text, "%s%s", i > 0 ? "," : "", id);
    }
    buf_add_char(&journal->text, '}');
    db_put_uuid(params, CHANGE_ALERT, &alert->id);
    db_put_int(params, CHANGE_NO, alert->change_no + 1);
    db_put_text(params, CHANGE_CHANGE, slice_str(CHANGES[alert->change].name));
    db_put_text(params, CHANGE_REASON, slice_str(reason));
    db_put_text(params, CHANGE_RECORDS, buf_slice(&journal->text));
}

static char *text_of(struct arena *arena, struct slice text)
{
    return arena_copy(arena, text.data == NULL ? (const uint8_t *)"" : text.data, text.size);
}

static ProtobufCBinaryData bytes_of(const struct uuid *id)
{
    return (ProtobufCBinaryData){.len = UUID_BYTES, .data = (uint8_t *)(uintptr_t)id->bytes};
}

static enum rule rule_of(struct slice name)
{
    for (enum rule rule = 0; rule < RULE_COUNT; rule++)
        if (slice_is_equal(name, slice_str(rule_name(rule))))
            return rule;
    return RULE_COUNT;
}

/* Fills what a message of an open alert has more. */
static int tell_finding(const struct journal_story *story, size_t finding_no,
                        Kasumori__V1__Alert *message)
{
    const struct journal_detail *told = &story->tolds[finding_no];
    struct arena *arena = story->source->arena;
    size_t count = told->sites_count < LIMIT_REPEATED ? told->sites_count : LIMIT_REPEATED;
    message->rule_version = (uint32_t)told->policy_version;
    message->first_at_us = told->first_at_us;
    message->last_at_us = told->last_at_us;
    message->sites = arena_alloc(arena, (count + 1) * sizeof(*message->sites));
    for (size_t i = 0; message->sites != NULL && i < count; i++) {
        message->sites[i] = text_of(arena, told->sites[i]);
        if (message->sites[i] == NULL)
            return 0;
    }
    message->n_sites = count;
    return message->sites != NULL;
}

/* The newest records: their ids begin with their time. */
static int tell_records(const struct journal_story *story, const struct plan_finding *rests_on,
                        Kasumori__V1__Alert *message)
{
    size_t count = rests_on->records_count;
    size_t skipped = count > LIMIT_REPEATED ? count - LIMIT_REPEATED : 0;
    message->n_record_ids = count - skipped;
    message->record_ids =
        arena_alloc(story->source->arena, (count + 1) * sizeof(*message->record_ids));
    for (size_t i = 0; message->record_ids != NULL && i < count - skipped; i++)
        message->record_ids[i] = bytes_of(&rests_on->records[skipped + i]);
    return message->record_ids != NULL;
}

static enum rc tell(struct journal *journal, const struct journal_story *story,
                    const struct plan_alert *alert, const struct plan_finding *rests_on,
                    const char *reason, struct err *err)
{
    Kasumori__V1__Alert message = KASUMORI__V1__ALERT__INIT;
    struct arena *arena = story->source->arena;
    message.schema_major = RECORD_SCHEMA_MAJOR;
    message.schema_minor = RECORD_SCHEMA_MINOR;
    message.alert_id = bytes_of(&alert->id);
    message.change_no = (uint64_t)(alert->change_no + 1);
    message.change = CHANGES[alert->change].wire;
    message.tenant = text_of(arena, story->source->tenant);
    message.rule = (Kasumori__V1__Rule)(rule_of(alert->rule) + 1); /* as in rule.h, after none */
    message.is_notice = alert->is_notice;
    message.matter = text_of(arena, alert->matter);
    message.reason = text_of(arena, slice_str(reason));
    if (alert->change == PLAN_CHANGE_MERGED)
        message.merged_into = bytes_of(&story->plan.alerts[alert->merged_into].id);
    if (message.tenant == NULL || message.matter == NULL || message.reason == NULL ||
        !tell_records(story, rests_on, &message) ||
        (alert->finding_no != PLAN_NONE && !tell_finding(story, alert->finding_no, &message)))
        return err_set(err, RC_FULL, "telling of alerts needs more memory than allowed");
    buf_reset(&journal->text);
    enum rc rc = alert_encode(&message, &journal->text, err);
    if (rc == RC_OK)
        outbox_add(story->outbox, story->source->topic, &alert->id, buf_slice(&journal->text));
    return rc;
}

static enum rc put(struct journal *journal, const struct journal_story *story,
                   uint64_t *ret_changes, struct err *err)
{
    for (size_t i = 0; i < story->plan.alerts_count; i++) {
        const struct plan_alert *alert = &story->plan.alerts[i];
        if (alert->change == PLAN_CHANGE_NONE && !alert->is_moved)
            continue;
        put_alert(journal, story, alert);
        if (alert->change == PLAN_CHANGE_NONE)
            continue;
        const struct plan_finding last = {.records = alert->records,
                                          .records_count = alert->records_count};
        const struct plan_finding *rests_on =
            alert->finding_no == PLAN_NONE ? &last : &story->findings[alert->finding_no];
        const char *reason =
            alert->change == PLAN_CHANGE_WITHDRAWN ? reason_of(story->source->derived, alert) : "";
        put_change(journal, alert, rests_on, reason);
        enum rc rc = tell(journal, story, alert, rests_on, reason, err);
        if (rc != RC_OK)
            return rc;
        ++*ret_changes;
    }
    return RC_OK;
}

static enum rc run_rows(struct db *db, const char *name, const char *sql, struct db_params *params,
                        struct err *err)
{
    return db_params_rows(params, 1) == 0 ? RC_OK : db_run(db, name, sql, params, NULL, err);
}

static enum rc make_story(struct journal *journal, struct journal_story *story,
                          const struct db_result *stored, uint64_t *ret_changes, struct err *err)
{
    enum rc rc = take_alerts(story, stored, err);
    if (rc == RC_OK)
        rc = plan_make(&story->plan, story->source->arena, err);
    if (rc == RC_OK)
        rc = put(journal, story, ret_changes, err);
    return rc;
}

static void start(struct journal *journal, struct slice tenant)
{
    struct db_params *const all[] = {journal->tenant, journal->near,   journal->closed,
                                     journal->open,   journal->opened, journal->changes};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        db_params_reset(all[i]);
        db_put_text(all[i], 0, tenant);
    }
}

static enum rc store(struct journal *journal, struct db *db, struct err *err)
{
    enum rc rc = run_rows(db, "journal_alert", ALERT_SQL, journal->closed, err);
    if (rc == RC_OK)
        rc = run_rows(db, "journal_alert", ALERT_SQL, journal->open, err);
    if (rc == RC_OK)
        rc = run_rows(db, "journal_opened", OPENED_SQL, journal->opened, err);
    if (rc == RC_OK)
        rc = run_rows(db, "journal_change", CHANGE_SQL, journal->changes, err);
    if (rc == RC_OK)
        rc = run_rows(db, "journal_records", RECORDS_SQL, journal->changes, err);
    return rc;
}

enum rc journal_store(struct journal *journal, struct db *db, const struct journal_source *source,
                      struct outbox *outbox, uint64_t *ret_changes, struct err *err)
{
    struct journal_story story = {.source = source, .outbox = outbox};
    struct db_result *stored;
    int is_same = 0;
    start(journal, source->tenant);
    enum rc rc = journal_story_take(&story, err);
    if (rc == RC_OK && source->before != NULL)
        rc = compare_stories(journal, &story, &is_same, err);
    if (rc != RC_OK || is_same)
        return rc;
    if (source->before == NULL)
        rc = db_run(db, "journal_load", LOAD_SQL, journal->tenant, &stored, err);
    else
        rc = db_run(db, "journal_load_near", LOAD_NEAR_SQL, journal->near, &stored, err);
    if (rc != RC_OK)
        return rc;
    rc = make_story(journal, &story, stored, ret_changes, err);
    if (rc == RC_OK)
        rc = store(journal, db, err);
    db_result_free(stored);
    return rc;
}
