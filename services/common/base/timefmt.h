#ifndef KASUMORI_BASE_TIMEFMT_H
#define KASUMORI_BASE_TIMEFMT_H

#include <stdint.h>

#include "services/common/base/rc.h"

enum { TIMEFMT_TEXT_BYTES = 32 };

/* Days since 1970-01-01 of a proleptic Gregorian date; month 1..12, day 1..31, unchecked. */
int64_t timefmt_days(int year, int month, int day);

/* RFC 3339 with seconds and an offset ("Z" or ±hh:mm), up to 6 fraction digits kept (more are cut),
   years 1970..9999. RC_REJECT otherwise, with the reason. */
enum rc timefmt_parse_rfc3339(const char *text, int64_t *ret_at_us, struct err *err) MUST_CHECK;

/* "YYYY-MM-DD hh:mm:ss" without zone, taken as offset_s seconds east of UTC (Asterisk's files). */
enum rc timefmt_parse_local(const char *text, int32_t offset_s, int64_t *ret_at_us,
                            struct err *err) MUST_CHECK;

/* "2026-11-24T13:33:10.000000Z"; at_us in years 1970..9999. */
void timefmt_format_utc(int64_t at_us, char text[TIMEFMT_TEXT_BYTES]);

#endif
