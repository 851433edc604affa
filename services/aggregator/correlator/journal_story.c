/* What findings rest on. Invariant: records are ascending and without doubles, as the plan wants.
 */
#include "services/aggregator/correlator/journal_story.h"

#include <stdlib.h>
#include <string.h>

#include "services/common/correlate/rule.h"
#include "services/common/correlate/steps.h"
#include "services/common/tables/tables.h"

static int take_records(struct journal_story *story, const size_t *effectives, size_t count,
                        struct plan_finding *finding)
{
    struct uuid *records = arena_alloc(story->source->arena, (count + 1) * sizeof(*records));
    for (size_t i = 0; records != NULL && i < count; i++)
        records[i] = *derived_id(story->source->derived, effectives[i]);
    finding->records = records;
    finding->records_count = count;
    return records != NULL;
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_slices(const void *a, const void *b)
{
    return derived_slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static size_t unique(void *items, size_t count, size_t size,
                     int (*compare)(const void *, const void *))
{
    size_t kept = 0;
    char *at = items;
    qsort(items, count, size, compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare(at + (kept - 1) * size, at + i * size) != 0)
            memmove(at + kept++ * size, at + i * size, size);
    return kept;
}

static int take_finding(struct journal_story *story, const struct finding *finding, size_t no)
{
    const struct derived *d = story->source->derived;
    struct arena *arena = story->source->arena;
    size_t records = 0, sites = 0, records_at = 0, sites_at = 0;
    for (size_t i = 0; i < finding->parts_count; i++) {
        records += d->parts.items[finding->parts[i]].effectives_count;
        sites += d->parts.items[finding->parts[i]].sites_count;
    }
    size_t *effectives = arena_alloc(arena, (records + 1) * sizeof(*effectives));
    struct slice *names = arena_alloc(arena, (sites + 1) * sizeof(*names));
    if (effectives == NULL || names == NULL)
        return 0;
    for (size_t i = 0; i < finding->parts_count; i++) {
        const struct part *part = &d->parts.items[finding->parts[i]];
        for (size_t k = 0; k < part->effectives_count; k++)
            effectives[records_at++] = part->effectives[k];
        for (size_t k = 0; k < part->sites_count; k++)
            names[sites_at++] = part->sites[k];
    }
    const struct part *last = &d->parts.items[finding->parts[finding->parts_count - 1]];
    struct plan_finding *to = &story->findings[no];
    *to = (struct plan_finding){.rule = rule_name(finding->rule), .matter = finding->matter};
    memcpy(to->id.bytes, finding->id, UUID_BYTES);
    story->tolds[no] = (struct journal_detail){
        .rule = finding->rule,
        .policy_version = derived_policy_at(d, last->start_us)->version,
        .first_at_us = d->parts.items[finding->parts[0]].start_us,
        .last_at_us = last->start_us,
        .sites = names,
        .sites_count = unique(names, sites, sizeof(*names), compare_slices),
    };
    records = unique(effectives, records, sizeof(*effectives), compare_sizes);
    return take_records(story, effectives, records, to);
}

static int take_notice(struct journal_story *story, const struct notice *notice, size_t no)
{
    const struct derived *d = story->source->derived;
    const struct effective *e = &d->effectives[notice->effective];
    struct slice *site = arena_alloc(story->source->arena, sizeof(*site));
    uint32_t ordinal;
    if (site == NULL)
        return 0;
    *site = e->winner->concerned_site.size > 0 ? e->winner->concerned_site : e->original->site;
    story->findings[no] = (struct plan_finding){
        .id = tables_notice_id(d, notice, &ordinal),
        .rule = rule_name(notice->rule),
        .matter = notice->rule == RULE_REPEAT_MATTER ? notice->matter : slice_of(NULL, 0),
        .is_notice = 1,
    };
    story->tolds[no] = (struct journal_detail){
        .rule = notice->rule,
        .policy_version = derived_policy_at(d, e->winner->start_us)->version,
        .first_at_us = e->winner->start_us,
        .last_at_us = e->winner->start_us,
        .sites = site,
        .sites_count = 1,
    };
    return take_records(story, &notice->effective, 1, &story->findings[no]);
}

enum rc journal_story_take(struct journal_story *story, struct err *err)
{
    const struct derived *d = story->source->derived;
    size_t count = d->findings.count + d->notices.count;
    struct arena *arena = story->source->arena;
    story->findings = arena_alloc(arena, (count + 1) * sizeof(*story->findings));
    story->tolds = arena_alloc(arena, (count + 1) * sizeof(*story->tolds));
    int is_well = story->findings != NULL && story->tolds != NULL;
    for (size_t i = 0; is_well && i < d->findings.count; i++)
        is_well = take_finding(story, &d->findings.items[i], i);
    for (size_t i = 0; is_well && i < d->notices.count; i++)
        is_well = take_notice(story, &d->notices.items[i], d->findings.count + i);
    if (!is_well)
        return err_set(err, RC_FULL, "comparing alerts needs more memory than allowed");
    story->plan.findings = story->findings;
    story->plan.findings_count = count;
    return RC_OK;
}
