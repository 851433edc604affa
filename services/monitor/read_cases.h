#ifndef KASUMORI_MONITOR_READ_CASES_H
#define KASUMORI_MONITOR_READ_CASES_H

#include "services/monitor/read.h"

/* Filters of the list of incidents, which exports take too. */
extern const struct read_param read_incident_params[];
extern const size_t read_incident_params_count;

/* A subject's name in a URL: record "." ordinal "." kind "." key id "." mac as 32 hexadecimal
   digits. Adds record, ordinal, kind, key_id, mac and name to args. 0: it is no name. */
int read_put_subject(struct read_args *args, struct slice name);

/* Number of a kind that may link, by its name; 0: none. */
int read_kind_number(struct slice name);

#endif
