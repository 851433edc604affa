#ifndef KASUMORI_MONITOR_SQL_H
#define KASUMORI_MONITOR_SQL_H

/* The statements of sql/, one a file; sql/README.md says what they take and answer. Made by
   embed_sql.cmake. */
extern const char sql_agents[];
extern const char sql_alerts[];
extern const char sql_audit[];
extern const char sql_bad_records[];
extern const char sql_categories[];
extern const char sql_decisions[];
extern const char sql_events[];
extern const char sql_export[];
extern const char sql_incident[];
extern const char sql_incidents[];
extern const char sql_lookup[];
extern const char sql_now[];
extern const char sql_occurrence[];
extern const char sql_policies[];
extern const char sql_receipts[];
extern const char sql_review[];
extern const char sql_sites[];
extern const char sql_stats_hours[];
extern const char sql_stats_repeat[];
extern const char sql_stats_sites[];
extern const char sql_stats_staff_minutes[];
extern const char sql_stats_trades[];
extern const char sql_stats_trend[];
extern const char sql_stats_types[];
extern const char sql_stats_verdict_time[];
extern const char sql_stats_weekdays[];
extern const char sql_subject[];
extern const char sql_timeline[];

#endif
