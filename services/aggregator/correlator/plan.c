/* From findings to alerts. Invariant: afterwards every finding has exactly one open alert, every
   open alert a finding, and no alert's id was ever another's. */
#include "services/aggregator/correlator/plan.h"

#include <stdlib.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/mac/mac.h"

struct entry { /* a finding rests on a record */
    struct uuid record;
    size_t finding;
};

struct named { /* an alert or a finding by its id */
    struct uuid id;
    size_t index;
};

struct planning {
    struct plan *plan;
    struct entry *entries; /* by record, finding */
    size_t entries_count;
    struct named *ids; /* of stored alerts, ascending */
    size_t ids_count;
    struct named *finding_ids; /* ascending */
    size_t *holders;           /* per finding: its alert, PLAN_NONE */
    size_t *shared;            /* per finding: records in common with the alert looked at */
    size_t *touched;           /* findings with any */
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = uuid_compare(&x->record, &y->record);
    if (order != 0)
        return order;
    return x->finding < y->finding ? -1 : x->finding > y->finding;
}

static int compare_named(const void *a, const void *b)
{
    return uuid_compare(&((const struct named *)a)->id, &((const struct named *)b)->id);
}

static int is_older(const struct plan_alert *a, const struct plan_alert *b)
{
    if (a->opened_at_us != b->opened_at_us)
        return a->opened_at_us < b->opened_at_us;
    return uuid_compare(&a->id, &b->id) < 0;
}

static int is_alike(const struct plan_alert *alert, const struct plan_finding *finding)
{
    return alert->is_notice == finding->is_notice &&
           slice_is_equal(alert->rule, slice_str(finding->rule)) &&
           slice_is_equal(alert->matter, finding->matter);
}

static size_t find_named(const struct named *named, size_t count, const struct uuid *id)
{
    const struct named key = {.id = *id};
    const struct named *found = bsearch(&key, named, count, sizeof(*named), compare_named);
    return found == NULL ? PLAN_NONE : found->index;
}

static size_t find_alert(const struct planning *p, const struct uuid *id)
{
    return find_named(p->ids, p->ids_count, id);
}

/* First entry of the record; entries_count: none. */
static size_t find_record(const struct planning *p, const struct uuid *record)
{
    size_t low = 0, high = p->entries_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(&p->entries[middle].record, record) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Fills shared and touched; returns how many findings alike have records of the alert. */
static size_t share(const struct planning *p, const struct plan_alert *alert)
{
    size_t count = 0;
    for (size_t i = 0; i < alert->records_count; i++)
        for (size_t k = find_record(p, &alert->records[i]);
             k < p->entries_count && uuid_compare(&p->entries[k].record, &alert->records[i]) == 0;
             k++) {
            size_t finding = p->entries[k].finding;
            if (!is_alike(alert, &p->plan->findings[finding]))
                continue;
            if (p->shared[finding]++ == 0)
                p->touched[count++] = finding;
        }
    return count;
}

/* The finding alike that shares most, ties to the least id; only ones that nobody has, if asked. */
static size_t best_finding(const struct planning *p, const struct plan_alert *alert, int is_free)
{
    size_t best = PLAN_NONE;
    size_t count = share(p, alert);
    for (size_t i = 0; i < count; i++) {
        size_t finding = p->touched[i];
        const struct plan_finding *findings = p->plan->findings;
        if (is_free && p->holders[finding] != PLAN_NONE)
            continue;
        if (best == PLAN_NONE || p->shared[finding] > p->shared[best] ||
            (p->shared[finding] == p->shared[best] &&
             uuid_compare(&findings[finding].id, &findings[best].id) < 0))
            best = finding;
    }
    for (size_t i = 0; i < count; i++)
        p->shared[p->touched[i]] = 0;
    return best;
}

static int has_records_of(const struct plan_alert *alert, const struct plan_finding *finding)
{
    if (alert->records_count != finding->records_count)
        return 0;
    for (size_t i = 0; i < alert->records_count; i++)
        if (uuid_compare(&alert->records[i], &finding->records[i]) != 0)
            return 0;
    return 1;
}

static void hold(const struct planning *p, size_t alert_no, size_t finding_no)
{
    struct plan_alert *alert = &p->plan->alerts[alert_no];
    const struct plan_finding *finding = &p->plan->findings[finding_no];
    alert->finding_no = finding_no;
    alert->merged_into = PLAN_NONE;
    alert->is_moved = uuid_compare(&alert->finding, &finding->id) != 0;
    if (alert->state == PLAN_STATE_OPEN)
        alert->change = has_records_of(alert, finding) ? PLAN_CHANGE_NONE : PLAN_CHANGE_EXTENDED;
    else
        alert->change = PLAN_CHANGE_REOPENED;
    p->holders[finding_no] = alert_no;
}

static void merge(const struct planning *p, size_t alert_no, size_t into)
{
    struct plan_alert *alert = &p->plan->alerts[alert_no];
    alert->change = PLAN_CHANGE_MERGED;
    alert->finding_no = PLAN_NONE;
    alert->merged_into = into;
}

/* Two alerts for one finding: the older goes on. Who was merged into the loser follows it. */
static void contest(const struct planning *p, size_t alert_no, size_t finding_no)
{
    struct plan_alert *alerts = p->plan->alerts;
    size_t holder = p->holders[finding_no];
    if (holder == PLAN_NONE) {
        hold(p, alert_no, finding_no);
        return;
    }
    if (!is_older(&alerts[alert_no], &alerts[holder])) {
        merge(p, alert_no, holder);
        return;
    }
    hold(p, alert_no, finding_no);
    merge(p, holder, alert_no);
    for (size_t i = 0; i < p->plan->alerts_count; i++)
        if (alerts[i].change == PLAN_CHANGE_MERGED && alerts[i].merged_into == holder)
            alerts[i].merged_into = alert_no;
}

static void settle_open(const struct planning *p, const size_t *kept)
{
    struct plan *plan = p->plan;
    for (size_t i = 0; i < plan->alerts_count; i++)
        if (plan->alerts[i].state == PLAN_STATE_OPEN && kept[i] != PLAN_NONE)
            hold(p, i, kept[i]);
    for (size_t i = 0; i < plan->alerts_count; i++) {
        struct plan_alert *alert = &plan->alerts[i];
        if (alert->state != PLAN_STATE_OPEN || kept[i] != PLAN_NONE)
            continue;
        size_t finding = best_finding(p, alert, 0);
        if (finding != PLAN_NONE)
            contest(p, i, finding);
        else
            alert->change = PLAN_CHANGE_WITHDRAWN;
    }
}

static int is_closed(const struct plan_alert *alert)
{
    return alert->state == PLAN_STATE_WITHDRAWN || alert->state == PLAN_STATE_MERGED;
}

static void reopen(const struct planning *p)
{
    struct plan *plan = p->plan;
    for (size_t i = 0; i < plan->findings_count; i++) {
        size_t own = p->holders[i] != PLAN_NONE ? PLAN_NONE : find_alert(p, &plan->findings[i].id);
        if (own != PLAN_NONE && is_closed(&plan->alerts[own]) &&
            is_alike(&plan->alerts[own], &plan->findings[i]))
            hold(p, own, i);
    }
    for (size_t i = 0; i < plan->alerts_count; i++) { /* oldest first */
        struct plan_alert *alert = &plan->alerts[i];
        if (!is_closed(alert) || alert->finding_no != PLAN_NONE)
            continue;
        size_t finding = best_finding(p, alert, 1);
        if (finding != PLAN_NONE)
            hold(p, i, finding);
    }
}

struct uuid plan_alert_id(const struct uuid *finding, uint8_t n)
{
    struct uuid id = *finding;
    uint8_t text[UUID_BYTES + 1];
    uint8_t digest[MAC_SHA256_BYTES];
    if (n == 0)
        return id;
    memcpy(text, finding->bytes, UUID_BYTES);
    text[UUID_BYTES] = n;
    mac_sha256(slice_of(text, sizeof(text)), digest);
    memcpy(id.bytes, digest, UUID_BYTES);
    return id;
}

static struct uuid make_id(const struct planning *p, const struct uuid *finding)
{
    struct uuid id = *finding;
    for (int n = 1; find_alert(p, &id) != PLAN_NONE; n++) {
        CHECK(n <= UINT8_MAX); /* that many alerts of one id */
        id = plan_alert_id(finding, (uint8_t)n);
    }
    return id;
}

static void open_new(const struct planning *p)
{
    struct plan *plan = p->plan;
    for (size_t i = 0; i < plan->findings_count; i++) {
        const struct plan_finding *finding = &plan->findings[i];
        if (p->holders[i] != PLAN_NONE)
            continue;
        CHECK(plan->alerts_count < plan->alerts_max);
        p->holders[i] = plan->alerts_count;
        plan->alerts[plan->alerts_count++] = (struct plan_alert){
            .id = make_id(p, &finding->id),
            .rule = slice_str(finding->rule),
            .matter = finding->matter,
            .is_notice = finding->is_notice,
            .change = PLAN_CHANGE_OPENED,
            .finding_no = i,
            .merged_into = PLAN_NONE,
            .is_moved = 1,
        };
    }
}

static int compare_age(const void *a, const void *b)
{
    return is_older(a, b) ? -1 : is_older(b, a);
}

static enum rc index_all(struct planning *p, struct arena *arena, struct err *err)
{
    struct plan *plan = p->plan;
    size_t count = 0;
    for (size_t i = 0; i < plan->findings_count; i++)
        count += plan->findings[i].records_count;
    p->entries = arena_alloc(arena, (count + 1) * sizeof(*p->entries));
    p->ids = arena_alloc(arena, (plan->alerts_count + 1) * sizeof(*p->ids));
    p->finding_ids = arena_alloc(arena, (plan->findings_count + 1) * sizeof(*p->finding_ids));
    p->holders = arena_alloc(arena, (plan->findings_count + 1) * sizeof(size_t));
    p->shared = arena_zalloc(arena, (plan->findings_count + 1) * sizeof(size_t));
    p->touched = arena_alloc(arena, (plan->findings_count + 1) * sizeof(size_t));
    if (p->entries == NULL || p->ids == NULL || p->finding_ids == NULL || p->holders == NULL ||
        p->shared == NULL || p->touched == NULL)
        return err_set(err, RC_FULL, "comparing alerts needs more memory than allowed");
    qsort(plan->alerts, plan->alerts_count, sizeof(*plan->alerts), compare_age);
    for (size_t i = 0; i < plan->findings_count; i++) {
        const struct plan_finding *finding = &plan->findings[i];
        p->holders[i] = PLAN_NONE;
        p->finding_ids[i] = (struct named){finding->id, i};
        for (size_t k = 0; k < finding->records_count; k++)
            p->entries[p->entries_count++] = (struct entry){finding->records[k], i};
    }
    for (size_t i = 0; i < plan->alerts_count; i++) {
        struct plan_alert *alert = &plan->alerts[i];
        alert->change = PLAN_CHANGE_NONE;
        alert->finding_no = alert->merged_into = PLAN_NONE;
        alert->is_moved = 0;
        p->ids[p->ids_count++] = (struct named){alert->id, i};
    }
    qsort(p->entries, p->entries_count, sizeof(*p->entries), compare_entries);
    qsort(p->finding_ids, plan->findings_count, sizeof(*p->finding_ids), compare_named);
    qsort(p->ids, p->ids_count, sizeof(*p->ids), compare_named);
    return RC_OK;
}

enum rc plan_make(struct plan *plan, struct arena *arena, struct err *err)
{
    struct planning p = {.plan = plan};
    size_t *kept = arena_alloc(arena, (plan->alerts_count + 1) * sizeof(*kept));
    enum rc rc = index_all(&p, arena, err);
    if (rc != RC_OK)
        return rc;
    if (kept == NULL)
        return err_set(err, RC_FULL, "comparing alerts needs more memory than allowed");
    for (size_t i = 0; i < plan->alerts_count; i++)
        kept[i] = plan->alerts[i].state != PLAN_STATE_OPEN
                      ? PLAN_NONE
                      : find_named(p.finding_ids, plan->findings_count, &plan->alerts[i].finding);
    settle_open(&p, kept);
    reopen(&p);
    open_new(&p);
    return RC_OK;
}
