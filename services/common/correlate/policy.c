/* §3: which policy judges what happened at a place.
   Invariant: where the records of a part are at places with different overrides, each value is the
   one that accuses fewer, so that no order among the records matters. */
#include "services/common/correlate/steps.h"

static int has_site(const struct fact_override *override, struct slice site)
{
    size_t low = 0, high = override->sites_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = derived_slice_compare(override->sites[middle], site);
        if (order == 0)
            return 1;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return override->sites_count == 0;
}

static int has_channel(const struct fact_override *override, uint32_t channel)
{
    return override->channels == UINT32_MAX ||
           (channel < 32 && (override->channels >> channel & 1));
}

const struct fact_policy *policy_for_record(const struct fact_policy *policy,
                                            const struct effective *e)
{
    for (size_t i = 0; i < policy->overrides_count; i++)
        if (has_site(&policy->overrides[i], e->original->site) &&
            has_channel(&policy->overrides[i], e->winner->channel))
            return &policy->overrides[i].policy;
    return policy;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void spare(struct fact_policy *policy, const struct fact_policy *other)
{
    policy->confinement_talk_us = greatest(policy->confinement_talk_us, other->confinement_talk_us);
    policy->repetition_window_us = least(policy->repetition_window_us, other->repetition_window_us);
    policy->matter_window_us = least(policy->matter_window_us, other->matter_window_us);
    policy->cross_site_window_us = least(policy->cross_site_window_us, other->cross_site_window_us);
    policy->cross_site_sites = greatest(policy->cross_site_sites, other->cross_site_sites);
    policy->escalation_window_us = least(policy->escalation_window_us, other->escalation_window_us);
    policy->escalation_severity = greatest(policy->escalation_severity, other->escalation_severity);
}

static const struct fact_policy *in_force(const struct derived *d, const struct part *part)
{
    return derived_policy_at(d, part->start_us);
}

/* The next record of the part that is not outward, from *at on; NULL: no more. */
static const struct effective *next_inward(const struct derived *d, const struct part *part,
                                           size_t *at)
{
    while (*at < part->effectives_count) {
        const struct effective *e = &d->effectives[part->effectives[(*at)++]];
        if (!derived_is_outward(e))
            return e;
    }
    return NULL;
}

struct fact_policy policy_for_part(const struct derived *d, const struct part *part)
{
    const struct fact_policy *around = in_force(d, part);
    struct fact_policy policy = *around;
    size_t at = 0;
    const struct effective *e = around->overrides_count > 0 ? next_inward(d, part, &at) : NULL;
    if (e != NULL)
        policy = *policy_for_record(around, e);
    while (e != NULL && (e = next_inward(d, part, &at)) != NULL)
        spare(&policy, policy_for_record(around, e));
    policy.version = around->version;
    policy.effective_from_us = around->effective_from_us;
    policy.severities = NULL;
    policy.severities_count = 0;
    policy.overrides = NULL;
    policy.overrides_count = 0;
    return policy;
}

int policy_is_overridden(const struct derived *d, const struct part *part)
{
    const struct fact_policy *around = in_force(d, part);
    const struct effective *e;
    for (size_t at = 0; (e = next_inward(d, part, &at)) != NULL;)
        if (policy_for_record(around, e) != around)
            return 1;
    return 0;
}

static int severity_in(const struct fact_policy *policy, struct slice category)
{
    for (size_t i = 0; i < policy->severities_count; i++)
        if (derived_slice_compare(policy->severities[i].category, category) == 0)
            return policy->severities[i].severity;
    return 0;
}

int policy_severity(const struct derived *d, const struct part *part, struct slice category)
{
    const struct fact_policy *around = in_force(d, part);
    if (around->overrides_count == 0)
        return severity_in(around, category);
    const struct effective *e;
    int severity = -1;
    for (size_t at = 0; (e = next_inward(d, part, &at)) != NULL;) {
        int here = severity_in(policy_for_record(around, e), category);
        severity = severity < 0 || here < severity ? here : severity;
    }
    return severity < 0 ? 0 : severity;
}
