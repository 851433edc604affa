#ifndef KASUMORI_CONFIG_CONFIG_H
#define KASUMORI_CONFIG_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* A service's configuration: one YAML file into one struct by one table. Unknown keys, keys given
   twice (also in a MAP), wrong types and values out of range are RC_REJECT with "file:line:column:
   key: why". No anchors, aliases, tags or merge keys; numbers are decimal. */
enum config_type {
    CONFIG_TYPE_STRING,   /* char * (heap, NULL when absent and no default) */
    CONFIG_TYPE_INT,      /* int64_t, min..max */
    CONFIG_TYPE_BOOL,     /* int; true or false */
    CONFIG_TYPE_DURATION, /* int64_t microseconds; written 250ms, 10s, 5m, 72h, 30d; min..max */
    CONFIG_TYPE_SIZE,     /* int64_t bytes; written 512, 64KiB, 16MiB, 2GiB; min..max */
    CONFIG_TYPE_SECTION,  /* a nested mapping: fields, at offset */
    CONFIG_TYPE_LIST, /* a sequence of mappings: fields for one item; struct config_list at offset
                       */
    CONFIG_TYPE_STRINGS, /* a sequence of strings: struct config_list of char * at offset */
    CONFIG_TYPE_MAP,     /* a mapping whose keys the writer chooses; struct config_list at offset.
                            fields:     first the key (STRING), then the value (a scalar) of one item */
};

struct config_list {
    void *items; /* count items of item_size bytes, heap */
    size_t count;
};

struct config_field {
    const char *key;
    enum config_type type;
    size_t offset;
    int is_required;
    const char *standard;              /* default as it would be written; NULL: zero or absent */
    int64_t min, max;                  /* INT, DURATION, SIZE; both 0: any */
    const struct config_field *fields; /* SECTION, LIST, MAP; ends with a NULL key */
    size_t item_size;                  /* LIST, MAP */
    size_t items_min;                  /* LIST, STRINGS, MAP, when given */
    size_t items_max;                  /* LIST, STRINGS, MAP; 0: 1024 */
    /* STRING, STRINGS, a MAP's key: RC_REJECT with why the text is wrong; NULL: any text */
    enum rc (*check)(const char *text, struct err *err);
    /* LIST, after each item: RC_REJECT with why the last one is wrong beside those before it; NULL:
       any item */
    enum rc (*check_last)(const struct config_list *list, struct err *err);
    const char *help; /* one line, for the generated reference */
};

/* Fills *config (zeroed by the callee) from text; name stands in messages. On failure *config holds
   nothing to release. */
enum rc config_parse(const char *name, struct slice text, const struct config_field *fields,
                     void *config, size_t config_size, struct err *err) MUST_CHECK;
/* Reads and parses. is_secret: refuse a file others can read. */
enum rc config_load(const char *path, int is_secret, const struct config_field *fields,
                    void *config, size_t config_size, struct err *err) MUST_CHECK;
/* Releases what parsing allocated and zeroes the struct. */
void config_done(const struct config_field *fields, void *config, size_t config_size);

#endif
