/* Any bytes as a policy and as a linking policy: refused with the place, or within its bounds. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/history/history_policy.h"

enum { ARENA_BYTES = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rules(const struct fact_policy *policy)
{
    CHECK(policy->confinement_talk_us > 0 && policy->repetition_window_us > 0);
    CHECK(policy->matter_window_us > 0 && policy->cross_site_window_us > 0);
    CHECK(policy->escalation_window_us > 0 && policy->cross_site_sites > 0);
    CHECK(policy->escalation_severity >= 1 && policy->escalation_severity <= 5);
    CHECK(policy->severities_count > 0);
    for (size_t i = 0; i < policy->severities_count; i++) {
        struct slice category = policy->severities[i].category;
        CHECK(policy->severities[i].severity >= 1 && policy->severities[i].severity <= 5);
        CHECK(memchr(category.data, ':', category.size) != NULL);
    }
}

static void check_overrides(const struct fact_policy *policy)
{
    for (size_t i = 0; i < policy->overrides_count; i++) {
        const struct fact_override *o = &policy->overrides[i];
        CHECK(o->channels != 0 && (o->channels == UINT32_MAX || (o->channels & ~0xfeU) == 0));
        CHECK(o->sites_count > 0 || o->channels != UINT32_MAX);
        for (size_t k = 1; k < o->sites_count; k++) {
            struct slice a = o->sites[k - 1], b = o->sites[k];
            int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
            CHECK(order < 0 || (order == 0 && a.size <= b.size));
        }
        CHECK(o->policy.overrides_count == 0);
        check_rules(&o->policy);
    }
}

static void check_linking(const struct fact_linking *linking)
{
    int links = 0;
    for (size_t kind = 0; kind < FACT_KINDS; kind++) {
        CHECK(linking->expiry_us[kind] > 0);
        links |= linking->is_linking[kind];
    }
    CHECK(links && linking->subject_nodes_max >= 2 && linking->pairs >= 1 && linking->cap >= 0);
    for (size_t i = 0; i < linking->caps_count; i++)
        CHECK(linking->caps[i].kind > 0 && linking->caps[i].neighbour_kind > 0);
    for (size_t i = 0; i < linking->shared_count; i++)
        CHECK(linking->shared[i].kind >= FACT_KIND_HANDLE &&
              linking->shared[i].kind <= FACT_KIND_NAME);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fact_policy policy;
    struct fact_linking linking;
    struct err err = {.rc = RC_OK};
    struct arena *arena = arena_new(ARENA_BYTES);
    if (arena == NULL)
        return 0;
    if (history_policy_parse("p", slice_of(data, size), arena, &policy, &err) == RC_OK) {
        check_rules(&policy);
        check_overrides(&policy);
    } else {
        CHECK(err.rc != RC_REJECT || strncmp(err.text, "p:", 2) == 0);
    }
    if (history_linking_parse("l", slice_of(data, size), arena, &linking, &err) == RC_OK)
        check_linking(&linking);
    else
        CHECK(err.rc != RC_REJECT || strncmp(err.text, "l:", 2) == 0);
    arena_free(arena);
    return 0;
}
