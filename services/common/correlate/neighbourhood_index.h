#ifndef KASUMORI_CORRELATE_NEIGHBOURHOOD_INDEX_H
#define KASUMORI_CORRELATE_NEIGHBOURHOOD_INDEX_H

#include "services/common/correlate/neighbourhood.h"

/* Private to this folder: decisions by what they name. */
enum name_kind { NAME_KIND_RECORD, NAME_KIND_TOKEN, NAME_KIND_DECISION, NAME_KIND_REVOKES };

struct name {
    enum name_kind kind;
    union {
        struct uuid record;
        struct fact_token token;
        int64_t no; /* its own, or the one it revokes */
    };
    size_t decision;
};

struct neighbourhood_index {
    const struct fact_decision *const *decisions;
    size_t decisions_count;
    struct name *names; /* in the order of neighbourhood_compare_names, then decision */
    size_t names_count;
};

int neighbourhood_compare_names(const struct name *a, const struct name *b);
/* First entry of that name, or where it would be. */
size_t neighbourhood_find_name(const struct neighbourhood_index *index, const struct name *name);
/* The handle that an attachment gives. */
struct fact_token neighbourhood_handle(const struct fact_decision *decision);

#endif
