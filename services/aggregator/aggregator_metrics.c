/* What the aggregator counts, as one table. */
#include "services/aggregator/aggregator_metrics.h"

#include <assert.h>

#define BAD(class)                                                                            \
    {                                                                                         \
        "kasumori_aggregator_bad_total", "class=\"" class "\"", "Messages put aside as bad.", \
            METRIC_KIND_COUNTER                                                               \
    }
#define COUNTER(name, help)                                                   \
    {                                                                         \
        "kasumori_aggregator_" name "_total", NULL, help, METRIC_KIND_COUNTER \
    }
#define GAUGE(name, help)                                          \
    {                                                              \
        "kasumori_aggregator_" name, NULL, help, METRIC_KIND_GAUGE \
    }

static const struct metric_desc TABLE[METRIC_COUNT] = {
    [METRIC_RECORDS] = COUNTER("records", "Records stored under their own id."),
    [METRIC_REVISIONS] = COUNTER("revisions", "Redelivered records stored as corrections."),
    [METRIC_DUPLICATES] = COUNTER("duplicates", "Messages whose content was stored already."),
    [METRIC_BAD_MALFORMED] = BAD("malformed"),
    [METRIC_BAD_OVERSIZED] = BAD("oversized"),
    [METRIC_BAD_NEWER] = BAD("newer"),
    [METRIC_BAD_FORGED] = BAD("forged"),
    [METRIC_BAD_CLOCK] = BAD("clock"),
    [METRIC_BAD_ARCHIVED] = BAD("archived"),
    [METRIC_BAD_CONFLICT] = BAD("conflict"),
    [METRIC_TRANSACTIONS] = COUNTER("transactions", "Transactions committed by lanes."),
    [METRIC_REFUSED] = COUNTER("refused", "Transactions the database refused for a row in them."),
    [METRIC_RETRIES] = COUNTER("retries", "Steps of lanes that had to be tried again."),
    [METRIC_FENCED] = COUNTER("fenced", "Batches dropped because another owner has the offsets."),
    [METRIC_REWOUND] = COUNTER("rewound", "Batches dropped because the database had lost commits."),
    [METRIC_RECONNECTS] = COUNTER("reconnects", "Connections to the database opened by lanes."),
    [METRIC_GAPS] = COUNTER("gaps", "Times a partition's offsets did not go on by one."),
    [METRIC_HEARTBEATS] = COUNTER("heartbeats", "Heartbeats taken as an agent's last."),
    [METRIC_HEARTBEATS_BAD] = COUNTER("heartbeats_bad", "Heartbeats dropped as forged or bad."),
    [METRIC_CORRELATED] = COUNTER("correlated", "Times a tenant was brought up to its facts."),
    [METRIC_CORRELATED_ROWS] =
        COUNTER("correlated_rows", "Derived rows written or deleted, because they differed."),
    [METRIC_ALERT_CHANGES] = COUNTER("alert_changes", "Changes of alerts told outside."),
    [METRIC_CORRELATE_FENCED] =
        COUNTER("correlate_fenced", "Recomputes dropped because the shard has another owner."),
    [METRIC_CORRELATE_LEFT_ALONE] =
        COUNTER("correlate_left_alone", "Times a tenant was not correlated; the log says why."),
    [METRIC_CORRELATE_NEAR] =
        COUNTER("correlate_near", "Records read around new facts, the new ones among them."),
    [METRIC_CORRELATE_WHOLE] = COUNTER("correlate_whole", "Times a tenant was computed anew."),
    [METRIC_OUTBOX_SENT] = COUNTER("outbox_sent", "Alerts and watch entries acknowledged."),
    [METRIC_OUTBOX_REFUSED] =
        COUNTER("outbox_refused", "Alerts and watch entries that no broker will take."),
    [METRIC_CORRELATE_MS] =
        GAUGE("correlate_milliseconds", "How long the last recompute of a tenant took."),
    [METRIC_CORRELATE_WAITING] =
        GAUGE("correlate_waiting", "Tenants with facts their derived rows do not stand for."),
    [METRIC_CORRELATE_BEHIND] =
        GAUGE("correlate_behind", "Entries of the log that are stored and not derived from yet."),
    [METRIC_LANES_HELD] = GAUGE("lanes_held", "Lanes that wait because correlating is behind."),
    [METRIC_PARTITIONS] = GAUGE("partitions", "Partitions being read."),
    [METRIC_PARTITIONS_STOPPED] =
        GAUGE("partitions_stopped", "Partitions that wait for an operator; the log says why."),
    [METRIC_LAG] = GAUGE("lag", "Messages in the log that are not stored yet, when last asked."),
    [METRIC_LANES_READY] = GAUGE("lanes_ready", "Lanes with a database and a place in the group."),
};

static_assert(METRIC_BAD_CONFLICT - METRIC_BAD_MALFORMED ==
                  BAD_CLASS_CONFLICT - BAD_CLASS_MALFORMED,
              "one metric a class, in the same order");

struct metrics *aggregator_metrics_new(void)
{
    return metrics_new(TABLE, METRIC_COUNT);
}

void aggregator_metrics_add(struct metrics *metrics, const struct batch_counts *counts)
{
    metrics_add(metrics, METRIC_RECORDS, counts->records);
    metrics_add(metrics, METRIC_REVISIONS, counts->revisions);
    metrics_add(metrics, METRIC_DUPLICATES, counts->duplicates);
    for (int class = BAD_CLASS_MALFORMED; class < BAD_CLASS_COUNT; class ++)
        metrics_add(metrics, (size_t)(METRIC_BAD_MALFORMED + class - BAD_CLASS_MALFORMED),
                    counts->bad[class]);
    metrics_add(metrics, METRIC_TRANSACTIONS, counts->transactions);
    metrics_add(metrics, METRIC_REFUSED, counts->refused);
}
