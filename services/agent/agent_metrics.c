/* The agent's metrics as one table. */
#include "services/agent/agent_metrics.h"

#define COUNTER(name_, help_)                                     \
    {                                                             \
        .name = name_, .help = help_, .kind = METRIC_KIND_COUNTER \
    }
#define GAUGE(name_, help_)                                     \
    {                                                           \
        .name = name_, .help = help_, .kind = METRIC_KIND_GAUGE \
    }

#define LOOKUPS(state)                                                           \
    {                                                                            \
        .name = "kasumori_agent_lookups_total", .labels = "state=\"" state "\"", \
        .help = "Numbers looked up, by answer.", .kind = METRIC_KIND_COUNTER     \
    }

static const struct metric_desc DESC[AGENT_METRIC_COUNT] = {
    [AGENT_METRIC_ACCEPTED] = COUNTER("kasumori_agent_accepted_total", "Records stored durably."),
    [AGENT_METRIC_REJECTED] = COUNTER("kasumori_agent_rejected_total", "Records refused as bad."),
    [AGENT_METRIC_REFUSED_STORAGE] =
        COUNTER("kasumori_agent_refused_storage_total", "Records refused: disk or spool limit."),
    [AGENT_METRIC_REFUSED_QUEUE] =
        COUNTER("kasumori_agent_refused_queue_total", "Requests refused: queue full."),
    [AGENT_METRIC_MASKED] =
        COUNTER("kasumori_agent_masked_total", "Stretches of free text masked."),
    [AGENT_METRIC_DELIVERED] =
        COUNTER("kasumori_agent_delivered_total", "Records acknowledged by Kafka."),
    [AGENT_METRIC_REDELIVERED] = COUNTER("kasumori_agent_redelivered_total",
                                         "Records sent again after a producer was rebuilt."),
    [AGENT_METRIC_PRODUCER_REBUILDS] = COUNTER("kasumori_agent_producer_rebuilds_total",
                                               "Kafka producers given up and made anew."),
    [AGENT_METRIC_PUBLISH_REJECTED] = COUNTER("kasumori_agent_publish_rejected_total",
                                              "Deliveries the broker refuses; the record waits."),
    [AGENT_METRIC_COMMITS] = COUNTER("kasumori_agent_commits_total", "Spool transactions."),
    [AGENT_METRIC_SPOOL_UNDELIVERED] =
        GAUGE("kasumori_agent_spool_undelivered", "Records waiting for Kafka."),
    [AGENT_METRIC_SPOOL_BYTES] = GAUGE("kasumori_agent_spool_bytes", "Size of the spool on disk."),
    [AGENT_METRIC_SPOOL_OLDEST_AT_MS] =
        GAUGE("kasumori_agent_spool_oldest_at_ms",
              "When the oldest waiting record was accepted, 0: none."),
    [AGENT_METRIC_SPOOL_SEGMENTS] = GAUGE("kasumori_agent_spool_segments", "Spool segments."),
    [AGENT_METRIC_SPOOL_SEGMENTS_FAILED] =
        GAUGE("kasumori_agent_spool_segments_failed", "Segments closed after a failed write."),
    [AGENT_METRIC_SPOOL_CORRUPT] =
        GAUGE("kasumori_agent_spool_corrupt", "Stored records whose checksum did not match."),
    [AGENT_METRIC_SPOOL_IS_REFUSING] =
        GAUGE("kasumori_agent_spool_is_refusing", "1: the last write was refused."),
    [AGENT_METRIC_CLOCK_IS_SUSPECT] = GAUGE("kasumori_agent_clock_is_suspect",
                                            "1: the clock stands below the spool's last time."),
    [AGENT_METRIC_SPOOL_EPOCH] = GAUGE("kasumori_agent_spool_epoch", "Names the spool."),
    [AGENT_METRIC_SPOOL_SEQUENCE_DELIVERED] =
        GAUGE("kasumori_agent_spool_sequence_delivered", "All records up to it are in Kafka."),
    [AGENT_METRIC_FORMS] =
        COUNTER("kasumori_agent_forms_total", "Reports, supplements and corrections by the form."),
    [AGENT_METRIC_SIGN_IN_REFUSED] =
        COUNTER("kasumori_agent_sign_in_refused_total", "Sign-ins with a wrong code or PIN."),
    [AGENT_METRIC_LOOKUPS_KNOWN] = LOOKUPS("known"),
    [AGENT_METRIC_LOOKUPS_UNKNOWN] = LOOKUPS("unknown"),
    [AGENT_METRIC_LOOKUPS_UNAVAILABLE] = LOOKUPS("unavailable"),
    [AGENT_METRIC_LOOKUPS_NOT_ASKED] = LOOKUPS("not_asked"),
    [AGENT_METRIC_CALL_ROWS] = COUNTER("kasumori_agent_call_rows_total", "Call-record rows read."),
    [AGENT_METRIC_CALL_ROWS_BAD] =
        COUNTER("kasumori_agent_call_rows_bad_total", "Call-record rows refused."),
};

struct metrics *agent_metrics_new(void)
{
    return metrics_new(DESC, AGENT_METRIC_COUNT);
}
