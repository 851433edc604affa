/* A row of Asterisk's call detail records becomes a leg, and a leg becomes bytes and back.
   Invariant: a unique id has the shape Asterisk gives it, so that no text from another column (a
   user field, a caller's number) can be taken for one and leave the site. */
#include <stdio.h>
#include <string.h>

#include "services/agent/asterisk.h"
#include "services/common/base/clock.h"
#include "services/common/base/timefmt.h"

enum {
    FORMAT = 1, /* of a written leg; a change of the fields is a new number */
    NUMBERS = 5,
    TEXTS = 9,
    COLUMNS_MIN = 16,
    COLUMNS_MAX = 21,
    TIME_BYTES_MAX = 31,
    UNIQUE_ID_BYTES_MAX = 150,
    SECONDS_MAX = 366 * 86400,
};

/* Where an order keeps what; clid is apart, the rest in between is the same. */
struct columns {
    size_t clid;
    size_t src;     /* dst and dcontext follow */
    size_t channel; /* dstchannel, lastapp, lastdata, start … amaflags follow */
    size_t count_min;
};

static const struct columns CSV = {.clid = 4, .src = 1, .channel = 5, .count_min = 16};
static const struct columns CUSTOM = {.clid = 0, .src = 1, .channel = 4, .count_min = 17};

enum {
    /* from channel on */
    AT_DSTCHANNEL = 1,
    AT_LASTAPP = 2,
    AT_START = 4,
    AT_ANSWER = 5,
    AT_END = 6,
    AT_DURATION = 7,
    AT_BILLSEC = 8,
    AT_DISPOSITION = 9,
    /* from the row's start */
    CSV_IDS = 16, /* where the optional columns begin */
    CUSTOM_IDS = 16,
    CUSTOM_SEQUENCE = 18,
};

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_of(text.data + 1, text.size - 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static int is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int read_time(struct slice field, int32_t offset_s, int64_t *ret_at_us, struct err *err)
{
    char text[TIME_BYTES_MAX + 1];
    field = trim(field);
    size_t size = field.size < TIME_BYTES_MAX ? field.size : TIME_BYTES_MAX;
    if (size > 0)
        memcpy(text, field.data, size);
    text[size] = '\0';
    return timefmt_parse_local(text, offset_s, ret_at_us, err) == RC_OK;
}

/* Seconds with up to six decimals (cdr_custom can write them), as microseconds. */
static int read_seconds(struct slice field, int64_t *ret_us)
{
    int64_t seconds = 0;
    int64_t fraction_us = 0;
    size_t i = 0;
    field = trim(field);
    for (; i < field.size && is_digit(field.data[i]) && seconds <= SECONDS_MAX; i++)
        seconds = seconds * 10 + (field.data[i] - '0');
    if (i == 0 || seconds > SECONDS_MAX)
        return 0;
    if (i < field.size && field.data[i] == '.') {
        int64_t unit_us = CLOCK_US_PER_S / 10;
        for (i++; i < field.size && is_digit(field.data[i]); i++, unit_us /= 10)
            fraction_us += (field.data[i] - '0') * unit_us;
    }
    *ret_us = seconds * CLOCK_US_PER_S + fraction_us;
    return i == field.size;
}

static int read_disposition(struct slice field, enum asterisk_disposition *ret)
{
    static const struct {
        const char *name;
        enum asterisk_disposition disposition;
    } NAMES[] = {
        {"ANSWERED", ASTERISK_DISPOSITION_ANSWERED}, {"NO ANSWER", ASTERISK_DISPOSITION_NO_ANSWER},
        {"BUSY", ASTERISK_DISPOSITION_BUSY},         {"FAILED", ASTERISK_DISPOSITION_FAILED},
        {"CONGESTION", ASTERISK_DISPOSITION_FAILED}, {"UNKNOWN", ASTERISK_DISPOSITION_FAILED},
    };
    field = trim(field);
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if (!slice_is_equal(field, slice_str(NAMES[i].name)))
            continue;
        *ret = NAMES[i].disposition;
        return 1;
    }
    return 0;
}

/* How many of the telling columns fit the order. */
static int fit(const struct columns *columns, const struct csv_row *row)
{
    const struct slice *at = row->fields + columns->channel;
    int64_t value;
    enum asterisk_disposition disposition;
    if (row->count < columns->count_min)
        return 0;
    return read_time(at[AT_START], 0, &value, NULL) + read_time(at[AT_END], 0, &value, NULL) +
           read_seconds(at[AT_DURATION], &value) + read_seconds(at[AT_BILLSEC], &value) +
           read_disposition(at[AT_DISPOSITION], &disposition);
}

static const struct columns *choose(enum asterisk_layout layout, const struct csv_row *row)
{
    switch (layout) {
    case ASTERISK_LAYOUT_CSV:
        return row->count >= CSV.count_min ? &CSV : NULL;
    case ASTERISK_LAYOUT_CUSTOM:
        return row->count >= CUSTOM.count_min ? &CUSTOM : NULL;
    case ASTERISK_LAYOUT_DETECT:
        break;
    }
    int csv = fit(&CSV, row);
    int custom = fit(&CUSTOM, row);
    if (csv == custom || (csv < 3 && custom < 3))
        return NULL;
    return csv > custom ? &CSV : &CUSTOM;
}

/* [system name -] seconds . count */
static int is_unique_id(struct slice text)
{
    size_t i = text.size;
    size_t digits = 0;
    if (text.size > UNIQUE_ID_BYTES_MAX)
        return 0;
    for (; i > 0 && is_digit(text.data[i - 1]); i--)
        digits++;
    if (digits == 0 || i == 0 || text.data[i - 1] != '.')
        return 0;
    digits = 0;
    for (i--; i > 0 && is_digit(text.data[i - 1]); i--)
        digits++;
    if (digits < 9 || digits > 11 || (i > 0 && text.data[i - 1] != '-'))
        return 0;
    for (; i > 0; i--)
        if (text.data[i - 1] <= ' ' || text.data[i - 1] >= 0x7f)
            return 0;
    return 1;
}

static int64_t read_sequence(struct slice field)
{
    int64_t value = 0;
    for (size_t i = 0; i < field.size; i++) {
        if (!is_digit(field.data[i]) || i == 18)
            return -1;
        value = value * 10 + (field.data[i] - '0');
    }
    return field.size == 0 ? -1 : value;
}

static enum rc bad_id(const struct csv_row *row, size_t column, struct err *err)
{
    return err_set(err, RC_REJECT, "line %d: column %zu: cannot be a unique id", row->line,
                   column + 1);
}

/* cdr_csv: the three new columns come together, at the end; before them uniqueid and userfield, or
   one of the two. */
static enum rc read_csv_ids(const struct csv_row *row, struct asterisk_leg *leg, struct err *err)
{
    size_t rest = row->count - CSV_IDS;
    int has_new = rest >= 3;
    size_t old = has_new ? rest - 3 : rest;
    if (old > 0 && is_unique_id(trim(row->fields[CSV_IDS])))
        leg->uniqueid = trim(row->fields[CSV_IDS]);
    else if (old == 2)
        return bad_id(row, CSV_IDS, err);
    if (!has_new)
        return RC_OK;
    leg->linkedid = trim(row->fields[row->count - 2]);
    leg->sequence = read_sequence(trim(row->fields[row->count - 1]));
    return is_unique_id(leg->linkedid) ? RC_OK : bad_id(row, row->count - 2, err);
}

static enum rc read_custom_ids(const struct csv_row *row, struct asterisk_leg *leg, struct err *err)
{
    leg->uniqueid = trim(row->fields[CUSTOM_IDS]);
    if (!is_unique_id(leg->uniqueid))
        return bad_id(row, CUSTOM_IDS, err);
    for (size_t i = CUSTOM_IDS + 1; i < row->count; i++)
        if (is_unique_id(trim(row->fields[i])))
            leg->linkedid = trim(row->fields[i]);
    if (row->count > CUSTOM_SEQUENCE)
        leg->sequence = read_sequence(trim(row->fields[CUSTOM_SEQUENCE]));
    return RC_OK;
}

static enum rc read_times(const struct asterisk_source *source, const struct columns *columns,
                          const struct csv_row *row, struct asterisk_leg *leg, struct err *err)
{
    const struct slice *at = row->fields + columns->channel;
    struct err why;
    int64_t duration_us;
    const int32_t offset_s = source->utc_offset_s;
    if (!read_time(at[AT_START], offset_s, &leg->start_us, &why))
        return err_set(err, RC_REJECT, "line %d: start: %s", row->line, why.text);
    if (at[AT_ANSWER].size > 0 && !read_time(at[AT_ANSWER], offset_s, &leg->answer_us, &why))
        return err_set(err, RC_REJECT, "line %d: answer: %s", row->line, why.text);
    if (at[AT_END].size > 0 && !read_time(at[AT_END], offset_s, &leg->end_us, &why))
        return err_set(err, RC_REJECT, "line %d: end: %s", row->line, why.text);
    if (!read_seconds(at[AT_DURATION], &duration_us))
        return err_set(err, RC_REJECT, "line %d: duration: cannot be a number of seconds",
                       row->line);
    if (!read_seconds(at[AT_BILLSEC], &leg->billsec_us))
        return err_set(err, RC_REJECT, "line %d: billsec: cannot be a number of seconds",
                       row->line);
    if (leg->end_us < leg->start_us)
        leg->end_us = leg->start_us + duration_us;
    return RC_OK;
}

static struct slice cut(struct slice field)
{
    field = trim(field);
    if (field.size > ASTERISK_FIELD_BYTES)
        field.size = ASTERISK_FIELD_BYTES;
    return field;
}

enum rc asterisk_leg_parse(const struct asterisk_source *source, const struct csv_row *row,
                           struct asterisk_leg *ret_leg, struct err *err)
{
    if (row->count < COLUMNS_MIN || row->count > COLUMNS_MAX)
        return err_set(err, RC_REJECT, "line %d: a call record has %d to %d columns, not %zu",
                       row->line, COLUMNS_MIN, COLUMNS_MAX, row->count);
    const struct columns *columns = choose(source->layout, row);
    if (columns == NULL)
        return err_set(err, RC_REJECT,
                       "line %d: cannot be a call record: times, seconds and disposition are "
                       "neither where cdr_csv nor where cdr_custom puts them",
                       row->line);
    struct asterisk_leg leg = {.sequence = -1};
    enum rc rc = read_times(source, columns, row, &leg, err);
    if (rc == RC_OK)
        rc = columns == &CSV ? read_csv_ids(row, &leg, err) : read_custom_ids(row, &leg, err);
    if (rc != RC_OK)
        return rc;
    const struct slice *at = row->fields + columns->channel;
    if (!read_disposition(at[AT_DISPOSITION], &leg.disposition))
        leg.disposition = ASTERISK_DISPOSITION_FAILED;
    leg.channel = cut(at[0]);
    leg.dstchannel = cut(at[AT_DSTCHANNEL]);
    leg.lastapp = cut(at[AT_LASTAPP]);
    leg.src = cut(row->fields[columns->src]);
    leg.dst = cut(row->fields[columns->src + 1]);
    leg.dcontext = cut(row->fields[columns->src + 2]);
    leg.clid = cut(row->fields[columns->clid]);
    *ret_leg = leg;
    return RC_OK;
}

/* What a written leg consists of, in order: one table for both ways. */
struct parts {
    int64_t *numbers[NUMBERS];
    struct slice *texts[TEXTS];
};

static struct parts parts_of(struct asterisk_leg *leg)
{
    return (struct parts){
        {&leg->start_us, &leg->answer_us, &leg->end_us, &leg->billsec_us, &leg->sequence},
        {&leg->linkedid, &leg->uniqueid, &leg->channel, &leg->dstchannel, &leg->src, &leg->dst,
         &leg->dcontext, &leg->clid, &leg->lastapp},
    };
}

void asterisk_leg_write(const struct asterisk_leg *leg, struct buf *out)
{
    struct asterisk_leg copy = *leg;
    struct parts parts = parts_of(&copy);
    uint8_t head[2 + 8 * NUMBERS] = {FORMAT, (uint8_t)leg->disposition};
    for (size_t i = 0; i < NUMBERS; i++)
        for (size_t k = 0; k < 8; k++)
            head[2 + 8 * i + k] = (uint8_t)((uint64_t)*parts.numbers[i] >> (56 - 8 * k));
    buf_add(out, head, sizeof(head));
    for (size_t i = 0; i < TEXTS; i++) {
        uint8_t size = (uint8_t)parts.texts[i]->size;
        buf_add(out, &size, 1);
        buf_add(out, parts.texts[i]->data, size);
    }
}

static int read_text(struct slice data, size_t *at, struct slice *ret)
{
    if (*at >= data.size || data.data[*at] > data.size - *at - 1)
        return 0;
    *ret = slice_of(data.data + *at + 1, data.data[*at]);
    *at += 1 + ret->size;
    return 1;
}

enum rc asterisk_leg_read(struct slice data, size_t *at, struct asterisk_leg *ret_leg,
                          struct err *err)
{
    struct asterisk_leg leg = {.sequence = -1};
    struct parts parts = parts_of(&leg);
    size_t next = *at + 2 + 8 * NUMBERS;
    if (next > data.size || data.data[*at] != FORMAT ||
        data.data[*at + 1] > ASTERISK_DISPOSITION_ANSWERED)
        return err_set(err, RC_CORRUPT, "cannot read a kept call: not a leg at byte %zu", *at);
    leg.disposition = (enum asterisk_disposition)data.data[*at + 1];
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t value = 0;
        for (size_t k = 0; k < 8; k++)
            value = value << 8 | data.data[*at + 2 + 8 * i + k];
        *parts.numbers[i] = (int64_t)value;
    }
    for (size_t i = 0; i < TEXTS; i++)
        if (!read_text(data, &next, parts.texts[i]))
            return err_set(err, RC_CORRUPT, "cannot read a kept call: cut short at byte %zu", next);
    *at = next;
    *ret_leg = leg;
    return RC_OK;
}
