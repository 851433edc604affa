#ifndef KASUMORI_CORRELATE_NEIGHBOURHOOD_HUB_H
#define KASUMORI_CORRELATE_NEIGHBOURHOOD_HUB_H

#include "services/common/correlate/neighbourhood.h"

/* Private to this folder: classes that are told, between the files that plan and that judge. */
struct hub_calls {
    struct hub_calls *next;
    struct neighbourhood_calls wanted;
    const struct neighbourhood_call *items;
    size_t count;
    int is_given, is_all;
};

struct neighbourhood_hub {
    struct fact_hub told; /* is_switchboard: with what is new */
    int was_switchboard;
    int64_t class;
    struct hub_calls *calls;
};

struct neighbourhood_hub *neighbourhood_hub_list(struct neighbourhood *n, size_t *ret_count);
/* All records of its tokens are wanted from now on; the last hub takes its place. */
void neighbourhood_follow(struct neighbourhood *n, size_t hub);
/* Whether that was not wanted before. */
int neighbourhood_want_side(struct neighbourhood *n, const struct neighbourhood_hub *hub,
                            int64_t start_us, const struct uuid *record);
int neighbourhood_want_calls(struct neighbourhood *n, struct neighbourhood_hub *hub,
                             struct slice site, size_t most);
const struct fact_linking *neighbourhood_linking(const struct neighbourhood *n);

/* How a told class that links stands with what is new. */
enum hub_standing { HUB_STANDING_HOLDS, HUB_STANDING_MORE, HUB_STANDING_FOLLOW };
enum rc neighbourhood_judge_shared(struct neighbourhood *n, struct neighbourhood_hub *hub,
                                   const struct derived *before, const struct derived *after,
                                   enum hub_standing *ret_standing, struct err *err) MUST_CHECK;

#endif
