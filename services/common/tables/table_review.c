/* Rows of whom sites may know and what a person should look at: watch, review_task. */
#include <stdio.h>

#include "services/common/correlate/steps.h"
#include "services/common/tables/table_fill.h"

/* 9999-12-31T23:59:59.999999Z; what is later is infinity. */
#define UNTIL_MAX_US INT64_C(253402300799999999)

static void put_watch(struct table_fill *fill, const struct watch_entry *entry, struct slice site)
{
    struct db_params *params = fill->params[TABLE_WATCH];
    int64_t until_us = entry->decision->until_us;
    int is_restriction = entry->decision->kind == FACT_DECISION_RESTRICT;
    db_put_int(params, WATCH_DECISION_NO, entry->decision->no);
    db_put_int(params, WATCH_CLASS, fill->class_numbers[entry->class]);
    db_put_text(params, WATCH_SITE, site);
    db_put_text(params, WATCH_REASON, slice_str(is_restriction ? "restrict" : "confirm_person"));
    db_put_time(params, WATCH_UNTIL, until_us < UNTIL_MAX_US ? until_us : INT64_MAX);
}

static void fill_watch(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    for (size_t i = 0; i < d->watch.count; i++) {
        const struct watch_entry *entry = &d->watch.items[i];
        for (size_t k = 0; k < entry->decision->scope_count; k++)
            put_watch(fill, entry, entry->decision->scope[k]);
        if (entry->decision->scope_count == 0)
            put_watch(fill, entry, slice_of(NULL, 0));
    }
}

/* A question. Its id is the hash of kind, 0, record id (zeros: none), decision (8 bytes
   big-endian, 0: none), more (8 bytes), then each class's least token, so that numbering classes
   anew changes no id. */
struct task {
    const char *kind;
    const struct uuid *record;
    int64_t decision_no;
    int64_t more;
    const struct fact_token *token; /* in the id, not in the row */
    size_t classes[2];
    size_t classes_count;
};

static void put_id(struct table_fill *fill, const struct task *task)
{
    static const struct uuid NIL;
    const struct derived *d = fill->d;
    struct buf *text = &fill->text;
    buf_reset(text);
    buf_add(text, task->kind, strlen(task->kind) + 1);
    buf_add(text, task->record == NULL ? NIL.bytes : task->record->bytes, UUID_BYTES);
    table_put_be(text, (uint64_t)task->decision_no, 8);
    table_put_be(text, (uint64_t)task->more, 8);
    for (size_t i = 0; i < task->classes_count; i++)
        table_put_token(text, &d->tokens[d->classes[task->classes[i]].tokens[0]]);
    if (task->token != NULL)
        table_put_token(text, task->token);
    struct uuid id = tables_hash(buf_slice(text));
    db_put_uuid(fill->params[TABLE_REVIEW_TASK], TASK_TASK, &id);
}

static void put_task(struct table_fill *fill, const struct task *task)
{
    struct db_params *params = fill->params[TABLE_REVIEW_TASK];
    int64_t numbers[2];
    put_id(fill, task);
    db_put_text(params, TASK_KIND, slice_str(task->kind));
    if (task->record == NULL)
        db_put_null(params, TASK_RECORD_ID);
    else
        db_put_uuid(params, TASK_RECORD_ID, task->record);
    if (task->decision_no == 0)
        db_put_null(params, TASK_DECISION_NO);
    else
        db_put_int(params, TASK_DECISION_NO, task->decision_no);
    for (size_t i = 0; i < task->classes_count; i++)
        numbers[i] = fill->class_numbers[task->classes[i]];
    table_put_numbers(fill, params, TASK_CLASSES, numbers, task->classes_count);
}

static void fill_reviews(struct table_fill *fill)
{
    static const char *const KINDS[] = {"tells_nobody", "joined", "retracted"};
    const struct derived *d = fill->d;
    for (size_t i = 0; i < d->reviews.count; i++) {
        const struct review *review = &d->reviews.items[i];
        struct task task = {.record = review->record,
                            .decision_no = review->decision == NULL ? 0 : review->decision->no};
        char kind[64];
        if (review->kind == REVIEW_KIND_WATCH) {
            snprintf(kind, sizeof(kind), "watch_%s", review->reason);
            task.kind = kind;
            task.classes[0] = review->class;
            task.classes_count = 1;
        } else {
            task.kind = KINDS[review->kind];
        }
        put_task(fill, &task);
    }
}

/* What the machine saw and did not act on. */
static void fill_proposals(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    for (size_t i = 0; i < d->proposals.count; i++) {
        const struct proposal *proposal = &d->proposals.items[i];
        const struct node *node = &d->nodes[proposal->node];
        struct task task = {.kind = "switchboard", .classes = {node->class}, .classes_count = 1};
        if (proposal->is_switchboard) {
            const struct sighting *first = &d->sightings[node->first_sighting];
            task.more = node->first_us;
            task.record = derived_id(d, d->mentions[first->mention].effective);
        } else {
            const struct mention *mention = &d->mentions[proposal->mention];
            task.kind = "typed";
            task.record = derived_id(d, mention->effective);
            task.more = mention->ordinal;
            task.token = proposal->token;
        }
        put_task(fill, &task);
    }
}

/* What contradicts itself or means nothing. */
static void fill_faults(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    for (size_t i = 0; i < d->alarms.count; i++) {
        const struct alarm *alarm = &d->alarms.items[i];
        put_task(fill, &(struct task){.kind = alarm->is_conflict ? "class_conflict" : "void_alias",
                                      .token = &d->tokens[alarm->tokens[0]],
                                      .classes = {d->class_of[alarm->tokens[0]]},
                                      .classes_count = 1});
    }
    for (size_t i = 0; i < d->decisions_count; i++)
        if (d->is_inert[i])
            put_task(fill,
                     &(struct task){.kind = "inert_decision", .decision_no = d->decisions[i]->no});
    for (size_t i = 0; i < d->inert.count; i++)
        put_task(fill, &(struct task){.kind = "inert_record", .record = &d->inert.items[i]->id});
}

enum rc table_fill_review(struct table_fill *fill, struct err *err)
{
    (void)err;
    fill_watch(fill);
    fill_reviews(fill);
    fill_proposals(fill);
    fill_faults(fill);
    return RC_OK;
}
