/* The monitor's metrics as one table. */
#include "services/monitor/metric.h"

#define GAUGE(name_, help_)                                     \
    {                                                           \
        .name = name_, .help = help_, .kind = METRIC_KIND_GAUGE \
    }
#define COUNTER(name_, help_)                                     \
    {                                                             \
        .name = name_, .help = help_, .kind = METRIC_KIND_COUNTER \
    }

static const struct metric_desc DESC[METRIC_COUNT] = {
    [METRIC_DATABASE_UP] = GAUGE("kasumori_monitor_database_up", "1: the last read worked."),
    [METRIC_READ_AT_MS] = GAUGE("kasumori_monitor_read_at_ms", "When it last worked."),
    [METRIC_SITES] = GAUGE("kasumori_sites", "Sites open now."),
    [METRIC_AGENTS] = GAUGE("kasumori_agents", "Agents registered and valid now."),
    [METRIC_AGENTS_SILENT] =
        GAUGE("kasumori_agents_silent", "Of these, without a recent heartbeat."),
    [METRIC_AGENTS_REFUSING] =
        GAUGE("kasumori_agents_refusing", "Of these, unable to store records."),
    [METRIC_SEQUENCE_GAPS] =
        GAUGE("kasumori_sequence_gaps", "Epochs of agents with a hole in their sequences."),
    [METRIC_BAD_OPEN] = GAUGE("kasumori_bad_records_open", "Bad records nobody cured yet."),
    [METRIC_CALLS] = COUNTER("kasumori_monitor_calls_total", "Requests under /v1."),
    [METRIC_CALLS_REFUSED] = COUNTER("kasumori_monitor_calls_refused_total",
                                     "Of these, refused because too many waited."),
    [METRIC_CALLS_FAILED] =
        COUNTER("kasumori_monitor_calls_failed_total", "Of these, answered 500; the log says why."),
    [METRIC_CALLS_UNDER_WAY] =
        GAUGE("kasumori_monitor_calls_under_way", "Requests that wait for a thread or have one."),
    [METRIC_SIGN_INS] = COUNTER("kasumori_monitor_sign_ins_total", "Sessions begun."),
    [METRIC_SIGN_INS_FAILED] =
        COUNTER("kasumori_monitor_sign_ins_failed_total", "Sign-ins refused, for whatever reason."),
    [METRIC_AUDIT_SEALED] =
        COUNTER("kasumori_monitor_audit_sealed_total", "Audit rows that this process has sealed."),
    [METRIC_AUDIT_SEALED_AT_MS] =
        GAUGE("kasumori_monitor_audit_sealed_at_ms", "When all audit rows were last sealed."),
};

struct metrics *metric_table_new(void)
{
    return metrics_new(DESC, METRIC_COUNT);
}
