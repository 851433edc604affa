/* Rows of what happened and what counts: occurrence, occurrence_record, part, finding. */
#include "services/common/correlate/rule.h"
#include "services/common/correlate/steps.h"
#include "services/common/tables/table_fill.h"

static const char *standing(const struct occurrence *o, const struct fact_decision *verdict)
{
    switch (o->state) {
    case OCCURRENCE_STATE_OPEN:
        return verdict == NULL ? "open" : "judged";
    case OCCURRENCE_STATE_INNOCENT:
        return "innocent";
    case OCCURRENCE_STATE_DISPUTED:
        break;
    }
    return "disputed";
}

static void fill_occurrences(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_OCCURRENCE];
    for (size_t i = 0; i < d->occurrences_count; i++) {
        const struct occurrence *o = &d->occurrences[i];
        int64_t first_us = INT64_MAX, last_us = INT64_MIN;
        const struct fact_decision *newest = NULL;
        for (size_t k = 0; k < o->effectives_count; k++) {
            const struct fact_record *winner = d->effectives[o->effectives[k]].winner;
            const struct fact_decision *verdict = d->verdicts[o->effectives[k]];
            first_us = winner->start_us < first_us ? winner->start_us : first_us;
            last_us = winner->end_us > last_us ? winner->end_us : last_us;
            if (verdict != NULL && (newest == NULL || verdict->no > newest->no))
                newest = verdict;
        }
        db_put_uuid(params, OCCURRENCE_OCCURRENCE, derived_id(d, o->effectives[0]));
        db_put_time(params, OCCURRENCE_FIRST_AT, first_us);
        db_put_time(params, OCCURRENCE_LAST_AT, last_us);
        db_put_text(params, OCCURRENCE_STANDING, slice_str(standing(o, newest)));
        if (newest == NULL)
            db_put_null(params, OCCURRENCE_JUDGED_BY);
        else
            db_put_int(params, OCCURRENCE_JUDGED_BY, newest->no);
    }
}

static size_t owner_of(const struct table_fill *fill, size_t effective)
{
    for (size_t m = fill->mentions_of[effective]; m < fill->mentions_of[effective + 1]; m++)
        if (fill->d->mentions[m].owner != NONE)
            return fill->d->mentions[m].owner;
    return NONE;
}

static int64_t gap_us(const struct derived *d, const struct effective *e)
{
    int is_attempt = e->body == FACT_BODY_CONTACT && (e->winner->outcome == FACT_OUTCOME_BUSY ||
                                                      e->winner->outcome == FACT_OUTCOME_ABANDONED);
    return is_attempt ? d->facts->linking.gap_attempt_us : d->facts->linking.gap_us;
}

static void fill_members(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_OCCURRENCE_RECORD];
    for (size_t i = 0; i < d->effectives_count; i++) {
        const struct effective *e = &d->effectives[i];
        size_t owner = owner_of(fill, i);
        size_t name = d->occurrences[e->occurrence].effectives[0];
        db_put_uuid(params, MEMBER_RECORD_ID, derived_id(d, i));
        db_put_uuid(params, MEMBER_OCCURRENCE, derived_id(d, name));
        db_put_uuid(params, MEMBER_EFFECTIVE_ID, &e->winner->id);
        db_put_text(params, MEMBER_SITE, e->original->site);
        db_put_int(params, MEMBER_CHANNEL, e->winner->channel);
        db_put_time(params, MEMBER_START_AT, e->winner->start_us);
        db_put_time(params, MEMBER_END_AT, e->winner->end_us);
        db_put_bool(params, MEMBER_IS_ANCHOR, derived_is_anchor(e));
        table_put_optional(params, MEMBER_HAPPENING_REF, e->winner->ref);
        if (owner == NONE)
            db_put_null(params, MEMBER_OWNER_CLASS);
        else
            db_put_int(params, MEMBER_OWNER_CLASS, fill->class_numbers[d->nodes[owner].class]);
        db_put_int(params, MEMBER_GAP_US, gap_us(d, e));
    }
}

/* A part of outward records alone has no start that counts: its row has its least one. */
static int64_t start_us(const struct derived *d, const struct part *part)
{
    int64_t least_us = INT64_MAX;
    if (part->is_counting)
        return part->start_us;
    for (size_t i = 0; i < part->effectives_count; i++) {
        int64_t at_us = d->effectives[part->effectives[i]].winner->start_us;
        least_us = at_us < least_us ? at_us : least_us;
    }
    return least_us;
}

static void fill_parts(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_PART];
    for (size_t i = 0; i < d->parts.count; i++) {
        const struct part *part = &d->parts.items[i];
        const struct occurrence *o = &d->occurrences[part->occurrence];
        db_put_int(params, PART_SUBJECT, fill->subject_numbers[part->subject]);
        db_put_time(params, PART_START_AT, start_us(d, part));
        db_put_uuid(params, PART_OCCURRENCE, derived_id(d, o->effectives[0]));
        db_put_bool(params, PART_COUNTS, part->is_counting && o->state == OCCURRENCE_STATE_OPEN);
        db_put_bool(params, PART_HAS_INCIDENT, part->has_incident);
        db_put_int(params, PART_TALK_US, part->talk_us);
        if (part->severity == 0)
            db_put_null(params, PART_SEVERITY);
        else
            db_put_int(params, PART_SEVERITY, part->severity);
        table_put_texts(fill, params, PART_MATTERS, part->matters, part->matters_count);
        table_put_texts(fill, params, PART_SITES, part->sites, part->sites_count);
        table_put_records(fill, params, PART_RECORDS, part->effectives, part->effectives_count);
    }
}

/* ---- findings ---- */

static size_t first_mention(const struct derived *d, size_t effective)
{
    size_t low = 0, high = d->mentions_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->mentions[middle].effective < effective)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The least ordinal by which the record mentions the subject; -1: it does not. */
static int64_t ordinal_of(const struct derived *d, size_t effective, size_t subject)
{
    int64_t least = -1;
    for (size_t m = first_mention(d, effective);
         m < d->mentions_count && d->mentions[m].effective == effective; m++)
        if (subject != NONE && d->mentions[m].subject == subject &&
            (least == -1 || d->mentions[m].ordinal < least))
            least = d->mentions[m].ordinal;
    return least;
}

struct uuid tables_notice_id(const struct derived *derived, const struct notice *notice,
                             uint32_t *ret_ordinal)
{
    int64_t ordinal = ordinal_of(derived, notice->effective, notice->subject);
    struct uuid id = {{0}};
    struct buf text;
    *ret_ordinal = ordinal < 0 ? 0 : (uint32_t)ordinal;
    buf_init(&text, 1024);
    buf_add(&text, "notice", sizeof("notice"));
    buf_add_str(&text, rule_name(notice->rule));
    buf_add_char(&text, 0);
    buf_add(&text, notice->matter.data, notice->matter.size);
    buf_add_char(&text, 0);
    buf_add(&text, derived_id(derived, notice->effective)->bytes, UUID_BYTES);
    table_put_be(&text, *ret_ordinal, 4);
    if (!text.is_failed)
        id = tables_hash(buf_slice(&text));
    buf_done(&text);
    return id;
}

/* The least record and ordinal that the finding's id is made of. */
static void anchor_of(const struct derived *d, const struct finding *finding, size_t *ret_record,
                      uint32_t *ret_ordinal)
{
    const struct part *part = &d->parts.items[finding->parts[0]];
    *ret_record = part->effectives[0];
    *ret_ordinal = 0;
    for (size_t i = 0; i < part->effectives_count; i++) {
        int64_t ordinal = ordinal_of(d, part->effectives[i], finding->subject);
        if (ordinal < 0)
            continue;
        *ret_record = part->effectives[i];
        *ret_ordinal = (uint32_t)ordinal;
        return;
    }
}

static void put_rule(struct db_params *params, enum rule rule, struct slice matter)
{
    db_put_text(params, FINDING_RULE, slice_str(rule_name(rule)));
    if (rule == RULE_REPEAT_MATTER)
        db_put_text(params, FINDING_MATTER, matter);
    else
        db_put_null(params, FINDING_MATTER);
}

static enum rc fill_finding(struct table_fill *fill, const struct finding *finding, struct err *err)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_FINDING];
    size_t *names = arena_alloc(fill->arena, finding->parts_count * sizeof(*names));
    const struct part *last = &d->parts.items[finding->parts[finding->parts_count - 1]];
    size_t anchor;
    uint32_t ordinal;
    struct uuid id;
    if (names == NULL)
        return err_set(err, RC_FULL, "the rows need more memory than allowed");
    for (size_t i = 0; i < finding->parts_count; i++)
        names[i] = d->occurrences[d->parts.items[finding->parts[i]].occurrence].effectives[0];
    memcpy(id.bytes, finding->id, UUID_BYTES);
    anchor_of(d, finding, &anchor, &ordinal);
    db_put_uuid(params, FINDING_FINDING, &id);
    put_rule(params, finding->rule, finding->matter);
    db_put_int(params, FINDING_SUBJECT, fill->subject_numbers[finding->subject]);
    db_put_bool(params, FINDING_IS_NOTICE, 0);
    db_put_uuid(params, FINDING_ANCHOR_RECORD_ID, derived_id(d, anchor));
    db_put_int(params, FINDING_ANCHOR_PERSON, ordinal);
    db_put_time(params, FINDING_FIRST_AT, d->parts.items[finding->parts[0]].start_us);
    db_put_time(params, FINDING_LAST_AT, last->start_us);
    table_put_records(fill, params, FINDING_OCCURRENCES, names, finding->parts_count);
    db_put_int(params, FINDING_POLICY_VERSION, derived_policy_at(d, last->start_us)->version);
    return RC_OK;
}

static void fill_notice(struct table_fill *fill, const struct notice *notice)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_FINDING];
    const struct effective *e = &d->effectives[notice->effective];
    uint32_t ordinal;
    struct uuid id = tables_notice_id(d, notice, &ordinal);
    db_put_uuid(params, FINDING_FINDING, &id);
    put_rule(params, notice->rule, notice->matter);
    if (notice->subject == NONE)
        db_put_null(params, FINDING_SUBJECT);
    else
        db_put_int(params, FINDING_SUBJECT, fill->subject_numbers[notice->subject]);
    db_put_bool(params, FINDING_IS_NOTICE, 1);
    db_put_uuid(params, FINDING_ANCHOR_RECORD_ID, derived_id(d, notice->effective));
    db_put_int(params, FINDING_ANCHOR_PERSON, ordinal);
    db_put_time(params, FINDING_FIRST_AT, e->winner->start_us);
    db_put_time(params, FINDING_LAST_AT, e->winner->start_us);
    table_put_records(fill, params, FINDING_OCCURRENCES,
                      &d->occurrences[e->occurrence].effectives[0], 1);
    db_put_int(params, FINDING_POLICY_VERSION, derived_policy_at(d, e->winner->start_us)->version);
}

enum rc table_fill_happening(struct table_fill *fill, struct err *err)
{
    const struct derived *d = fill->d;
    fill_occurrences(fill);
    fill_members(fill);
    fill_parts(fill);
    for (size_t i = 0; i < d->findings.count; i++) {
        enum rc rc = fill_finding(fill, &d->findings.items[i], err);
        if (rc != RC_OK)
            return rc;
    }
    for (size_t i = 0; i < d->notices.count; i++)
        fill_notice(fill, &d->notices.items[i]);
    return RC_OK;
}
