#ifndef KASUMORI_MONITOR_EXPORT_H
#define KASUMORI_MONITOR_EXPORT_H

#include "services/monitor/call.h"

/* Incidents as a file, page by page from the pool's threads, so that memory stays flat and no
   transaction waits for a slow reader. The first line says who asked for what and when, the last
   one how many rows there are and the SHA-256 of every byte before it; a file without it was cut
   off. */
call_run export_csv, export_ndjson;

#endif
