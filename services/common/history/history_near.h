#ifndef KASUMORI_HISTORY_HISTORY_NEAR_H
#define KASUMORI_HISTORY_HISTORY_NEAR_H

#include "services/common/history/history_load.h"

/* Shared by history_near.c and history_hub.c only: the closing of one set. */
enum { NEAR_COLUMN_BYTES_MAX = 16 * 1024 * 1024 };

struct near {
    struct history_load load;
    const struct history_near *from;
    struct neighbourhood *neighbourhood;
    struct db_params *names; /* of the statement that finds ids */
    struct db_params *ids;   /* tenant, ids that are wanted in this round */
};

/* A wanted id; one that is in already is left out. */
void history_near_put_id(struct near *near, const struct uuid *id);
void history_near_put_token(struct db_params *params, size_t first, const struct fact_token *token);
struct fact_token history_near_token(const struct db_result *rows, size_t row, size_t first);

/* The classes of tokens that do not link. */
enum rc history_near_tell_classes(struct near *near,
                                  const struct neighbourhood_wanted *wanted) MUST_CHECK;
/* A token that many carry: if it is a hub's, its class is told and some sightings are put. */
enum rc history_near_tell_hub(struct near *near, const struct fact_token *token,
                              int *ret_is_hub) MUST_CHECK;
/* What is wanted of hubs that were told. */
enum rc history_near_find_of_hubs(struct near *near,
                                  const struct neighbourhood_wanted *wanted) MUST_CHECK;

#endif
