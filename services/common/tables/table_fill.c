/* What the makers of rows share. */
#include "services/common/tables/table_fill.h"

#include <inttypes.h>

#include "services/common/base/clock.h"
#include "services/common/correlate/steps.h"
#include "services/common/mac/mac.h"

void table_put_be(struct buf *text, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        buf_add_char(text, (char)(value >> (8 * i)));
}

void table_put_token(struct buf *text, const struct fact_token *token)
{
    table_put_be(text, token->kind, 4);
    table_put_be(text, token->key_id, 4);
    buf_add(text, token->mac, FACT_MAC_BYTES);
}

void table_put_texts(struct table_fill *fill, struct db_params *params, size_t column,
                     const struct slice *texts, size_t count)
{
    buf_reset(&fill->text);
    table_add_texts(&fill->text, texts, count);
    db_put_text(params, column, buf_slice(&fill->text));
}

void table_add_texts(struct buf *text, const struct slice *texts, size_t count)
{
    buf_add_char(text, '{');
    for (size_t i = 0; i < count; i++) {
        buf_add_str(text, i > 0 ? ",\"" : "\"");
        for (size_t k = 0; k < texts[i].size; k++) {
            char c = (char)texts[i].data[k];
            if (c == '"' || c == '\\')
                buf_add_char(text, '\\');
            buf_add_char(text, c);
        }
        buf_add_char(text, '"');
    }
    buf_add_char(text, '}');
}

void table_put_records(struct table_fill *fill, struct db_params *params, size_t column,
                       const size_t *effectives, size_t count)
{
    char id[UUID_TEXT_BYTES];
    buf_reset(&fill->text);
    buf_add_char(&fill->text, '{');
    for (size_t i = 0; i < count; i++) {
        uuid_format(derived_id(fill->d, effectives[i]), id);
        buf_addf(&fill->text, "%s%s", i > 0 ? "," : "", id);
    }
    buf_add_char(&fill->text, '}');
    db_put_text(params, column, buf_slice(&fill->text));
}

void table_put_numbers(struct table_fill *fill, struct db_params *params, size_t column,
                       const int64_t *numbers, size_t count)
{
    buf_reset(&fill->text);
    buf_add_char(&fill->text, '{');
    for (size_t i = 0; i < count; i++)
        buf_addf(&fill->text, "%s%" PRId64, i > 0 ? "," : "", numbers[i]);
    buf_add_char(&fill->text, '}');
    db_put_text(params, column, buf_slice(&fill->text));
}

void table_put_optional(struct db_params *params, size_t column, struct slice text)
{
    if (text.size == 0)
        db_put_null(params, column);
    else
        db_put_text(params, column, text);
}

struct uuid tables_hash(struct slice text)
{
    uint8_t digest[MAC_SHA256_BYTES];
    struct uuid id;
    mac_sha256(text, digest);
    memcpy(id.bytes, digest, UUID_BYTES);
    return id;
}

/* ---- days, sites, categories ---- */

#define JAPAN_US (9 * CLOCK_US_PER_HOUR)

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

int64_t table_day_of(int64_t at_us)
{
    return floor_divide(at_us + JAPAN_US, CLOCK_US_PER_DAY);
}

/* In the proleptic Gregorian calendar: years are counted from March, so that the leap day is a
   year's last. */
int64_t table_month_of(int64_t day)
{
    int64_t shifted = day + 719468; /* days since 0000-03-01 */
    int64_t era = floor_divide(shifted, 146097);
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    return day - (of_year - (153 * month + 2) / 5);
}

int table_hour_of(int64_t at_us)
{
    int64_t of_day_us = at_us + JAPAN_US - table_day_of(at_us) * CLOCK_US_PER_DAY;
    return (int)(of_day_us / CLOCK_US_PER_HOUR);
}

int table_weekday_of(int64_t day)
{
    return (int)(day + 3 - floor_divide(day + 3, 7) * 7) + 1; /* 1970-01-01: Thursday */
}

struct slice table_site_of(const struct effective *e)
{
    struct slice site = e->winner->concerned_site;
    return site.size > 0 ? site : e->original->site;
}

int table_is_category(const struct effective *e, size_t at)
{
    if (e->categories[at].size == 0)
        return 0;
    for (size_t i = 0; i < at; i++)
        if (derived_slice_compare(e->categories[i], e->categories[at]) == 0)
            return 0;
    return 1;
}

struct slice table_span_name(enum span span)
{
    return slice_str(span == SPAN_DAY ? "day" : "month");
}
