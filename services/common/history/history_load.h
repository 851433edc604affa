#ifndef KASUMORI_HISTORY_HISTORY_LOAD_H
#define KASUMORI_HISTORY_HISTORY_LOAD_H

#include <stddef.h>

#include "services/common/history/history.h"

/* Shared by the files of this folder only: one load under way. */
struct history_load {
    struct db *db;
    const char *tenant;
    struct arena *arena;
    struct facts facts;
    struct err *err;
};

/* Zeroed memory of the arena; NULL with *load->err filled (RC_FULL). count may be 0. */
void *history_take(struct history_load *load, size_t count, size_t size);
/* A copy of text in the arena. 0 when the arena is full. */
int history_keep(struct history_load *load, struct slice text, struct slice *ret_text);

enum rc history_load_records(struct history_load *load) MUST_CHECK;
enum rc history_load_decisions(struct history_load *load) MUST_CHECK;
enum rc history_load_policies(struct history_load *load) MUST_CHECK;

#endif
