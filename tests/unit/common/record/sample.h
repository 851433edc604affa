#ifndef KASUMORI_TESTS_RECORD_SAMPLE_H
#define KASUMORI_TESTS_RECORD_SAMPLE_H

#include "services/common/record/heartbeat.h"
#include "services/common/record/record.h"

/* Valid records, one of each kind, with every field of the wire set in one or another. Each call
   makes them new, so a test may change what it gets. */
enum sample_kind {
    SAMPLE_CONTACT,
    SAMPLE_INCIDENT,
    SAMPLE_SUPPLEMENT,
    SAMPLE_CORRECTION,
    SAMPLE_CORRECTED_SUPPLEMENT,
    SAMPLE_RETRACTION,
    SAMPLE_KINDS,
};

/* The instant in the samples' ids. */
#define SAMPLE_AT_US INT64_C(1793000000123000)

Kasumori__V1__Record *sample_record(enum sample_kind kind);
const char *sample_name(enum sample_kind kind);
Kasumori__V1__Heartbeat *sample_heartbeat(void);

#endif
