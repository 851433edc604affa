/* Which rule, over which occurrences, by which policy. */
#include <inttypes.h>
#include <stdio.h>

#include "services/cli/explain_words.h"
#include "services/common/correlate/steps.h"

static void put_limit(const struct explain *x, int64_t us, const char *ja, const char *en)
{
    explain_put_span(x, us);
    explain_put(x, ja, en);
}

static void put_window(const struct explain *x, enum rule rule, const struct fact_policy *policy)
{
    switch (rule) {
    case RULE_CONFINEMENT:
        put_limit(x, policy->confinement_talk_us, "以上の拘束", " or more of talk");
        return;
    case RULE_REPETITION:
        put_limit(x, policy->repetition_window_us, "以内に3件のカスハラ報告",
                  ": three incidents within it");
        return;
    case RULE_REPEAT_MATTER:
        put_limit(x, policy->matter_window_us,
                  "以内に同じ用件が3件(最終回答の後、カスハラ報告を含む)",
                  ": three times on one matter after the final answer, one an incident");
        return;
    case RULE_CROSS_SITE:
        put_limit(x, policy->cross_site_window_us, "以内に2件のカスハラ報告、",
                  ": two incidents, at ");
        buf_addf(x->out, "%" PRId64 "%s", policy->cross_site_sites,
                 explain_word(x, "拠点以上", " sites or more"));
        return;
    case RULE_ESCALATION:
        put_limit(x, policy->escalation_window_us,
                  "以内に重さが3件続けて上がる、または2件目の重さが",
                  ": severity rises three times, or that of the second is ");
        buf_addf(x->out, "%" PRId64 "%s", policy->escalation_severity,
                 explain_word(x, "以上", " or more"));
        return;
    case RULE_COUNT:
        break;
    }
}

static void put_policy(const struct explain *x, const struct finding *finding)
{
    const struct part *last = &x->d->parts.items[finding->parts[finding->parts_count - 1]];
    struct fact_policy policy = policy_for_part(x->d, last);
    buf_addf(x->out, "%s ", explain_word(x, "規則", "rule"));
    buf_addf(x->out, "%s: ", explain_rule(x, finding->rule));
    put_window(x, finding->rule, &policy);
    buf_add_str(x->out, "\n");
    if (derived_policy_at(x->d, last->start_us) == &facts_policy_standard) {
        explain_put(x, "検知基準 組み込み\n", "policy: built in\n");
        return;
    }
    buf_addf(x->out, "%s %" PRId64 "%s (", explain_word(x, "検知基準 第", "policy version"),
             policy.version, explain_word(x, "版", ""));
    explain_put_time(x, policy.effective_from_us);
    explain_put(x, "から。最後の事案の時点のもの)", " on; in force at the last occurrence)");
    if (policy_is_overridden(x->d, last))
        explain_put(x, "。その拠点・手段の特例による", ", as it overrides for its site or channel");
    buf_add_str(x->out, "\n");
}

void explain_finding(const struct explain *x, const struct finding *finding)
{
    buf_addf(x->out, "%s ", explain_word(x, "検知結果(要確認)", "finding"));
    explain_put_id(x, finding->id);
    buf_add_str(x->out, "\n");
    put_policy(x, finding);
    buf_addf(x->out, "%s ", explain_word(x, "相手方", "subject"));
    explain_put_subject(x, finding->subject);
    buf_add_str(x->out, "\n");
    if (finding->matter.size > 0) {
        buf_addf(x->out, "%s ", explain_word(x, "用件", "matter"));
        explain_put_text(x, finding->matter);
        buf_add_str(x->out, "\n");
    }
    explain_put(x, "事案(この順に数えた)\n", "occurrences, as counted\n");
    for (size_t i = 0; i < finding->parts_count; i++) {
        buf_addf(x->out, "  %zu. ", i + 1);
        explain_put_part(x, &x->d->parts.items[finding->parts[i]]);
    }
    explain_put(x, "検知結果は確認の求めであり、判定ではない\n",
                "a finding asks for a look; it judges nobody\n");
}
