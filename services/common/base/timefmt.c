/* Instants as text, without the C library's zone state. Calendar arithmetic after H. Hinnant,
   "chrono-compatible low-level date algorithms". */
#include "services/common/base/timefmt.h"

#include <stdio.h>

#include "services/common/base/clock.h"

int64_t timefmt_days(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* Reads exactly n digits; -1 if there are not as many. */
static int read_digits(const char **at, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    *at += n;
    return value;
}

static int skip(const char **at, char want)
{
    if (**at != want)
        return 0;
    *at += 1;
    return 1;
}

static int month_days(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : DAYS[month - 1];
}

static enum rc read_date(const char **at, int64_t *ret_days, struct err *err)
{
    int year = read_digits(at, 4);
    int month = skip(at, '-') ? read_digits(at, 2) : -1;
    int day = skip(at, '-') ? read_digits(at, 2) : -1;
    if (year < 0 || month < 0 || day < 0)
        return err_set(err, RC_REJECT, "cannot read a date: want YYYY-MM-DD");
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return err_set(err, RC_REJECT, "no such day: %04d-%02d-%02d", year, month, day);
    *ret_days = timefmt_days(year, month, day);
    return RC_OK;
}

static enum rc read_time(const char **at, int64_t *ret_s, struct err *err)
{
    int hour = read_digits(at, 2);
    int minute = skip(at, ':') ? read_digits(at, 2) : -1;
    int second = skip(at, ':') ? read_digits(at, 2) : -1;
    if (hour < 0 || minute < 0 || second < 0)
        return err_set(err, RC_REJECT, "cannot read a time of day: want hh:mm:ss");
    if (hour > 23 || minute > 59 || second > 60)
        return err_set(err, RC_REJECT, "no such time: %02d:%02d:%02d", hour, minute, second);
    *ret_s = hour * 3600 + minute * 60 + second;
    return RC_OK;
}

static int64_t read_fraction_us(const char **at)
{
    int64_t us = 0;
    int64_t unit = 100000;
    if (!skip(at, '.'))
        return 0;
    if (**at < '0' || **at > '9')
        return -1;
    for (; **at >= '0' && **at <= '9'; *at += 1) {
        us += (**at - '0') * unit;
        unit /= 10;
    }
    return us;
}

static enum rc read_offset(const char **at, int64_t *ret_s, struct err *err)
{
    if (skip(at, 'Z') || skip(at, 'z')) {
        *ret_s = 0;
        return RC_OK;
    }
    int sign = **at == '+' ? 1 : **at == '-' ? -1 : 0;
    if (sign == 0)
        return err_set(err, RC_REJECT, "a time needs an offset: Z or +09:00");
    *at += 1;
    int hour = read_digits(at, 2);
    int minute = skip(at, ':') ? read_digits(at, 2) : -1;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return err_set(err, RC_REJECT, "cannot read the offset: want Z or +09:00");
    *ret_s = sign * (hour * 3600 + minute * 60);
    return RC_OK;
}

enum rc timefmt_parse_rfc3339(const char *text, int64_t *ret_at_us, struct err *err)
{
    const char *at = text;
    int64_t days, seconds;
    int64_t offset = 0;
    enum rc rc = read_date(&at, &days, err);
    if (rc != RC_OK)
        return rc;
    if (!skip(&at, 'T') && !skip(&at, 't') && !skip(&at, ' '))
        return err_set(err, RC_REJECT, "want a T between date and time");
    rc = read_time(&at, &seconds, err);
    if (rc != RC_OK)
        return rc;
    int64_t fraction_us = read_fraction_us(&at);
    if (fraction_us < 0)
        return err_set(err, RC_REJECT, "want digits after the decimal point");
    rc = read_offset(&at, &offset, err);
    if (rc != RC_OK)
        return rc;
    if (*at != '\0')
        return err_set(err, RC_REJECT, "something follows the time");
    *ret_at_us = (days * 86400 + seconds - offset) * CLOCK_US_PER_S + fraction_us;
    return RC_OK;
}

enum rc timefmt_parse_local(const char *text, int32_t offset_s, int64_t *ret_at_us, struct err *err)
{
    const char *at = text;
    int64_t days, seconds;
    enum rc rc = read_date(&at, &days, err);
    if (rc != RC_OK)
        return rc;
    if (!skip(&at, ' '))
        return err_set(err, RC_REJECT, "want a space between date and time");
    rc = read_time(&at, &seconds, err);
    if (rc != RC_OK)
        return rc;
    int64_t fraction_us = read_fraction_us(&at);
    if (fraction_us < 0 || *at != '\0')
        return err_set(err, RC_REJECT, "something follows the time");
    *ret_at_us = (days * 86400 + seconds - offset_s) * CLOCK_US_PER_S + fraction_us;
    return RC_OK;
}

void timefmt_format_utc(int64_t at_us, char text[TIMEFMT_TEXT_BYTES])
{
    int64_t days = at_us / CLOCK_US_PER_DAY;
    int64_t rest_us = at_us % CLOCK_US_PER_DAY;
    if (rest_us < 0) {
        rest_us += CLOCK_US_PER_DAY;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int day = (int)(doy - (153 * mp + 2) / 5 + 1);
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int year = (int)(yoe + era * 400 + (month <= 2));
    int64_t s = rest_us / CLOCK_US_PER_S;
    snprintf(text, TIMEFMT_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", year % 10000, month,
             day, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
             (int)(rest_us % CLOCK_US_PER_S));
}
