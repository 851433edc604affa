/* Start in order, stop backwards. */
#include "services/common/base/stages.h"

void stages_stop(const struct stage *stages, size_t count, void *service)
{
    for (size_t i = count; i-- > 0;)
        if (stages[i].stop != NULL)
            stages[i].stop(service);
}

enum rc stages_start(const struct stage *stages, size_t count, void *service, struct err *err)
{
    struct err local;
    struct err *why = err == NULL ? &local : err;
    for (size_t i = 0; i < count; i++) {
        enum rc rc = stages[i].start(service, why);
        if (rc != RC_OK) {
            stages_stop(stages, i, service);
            err_prefix(why, "%s", stages[i].name);
            return rc;
        }
    }
    return RC_OK;
}
