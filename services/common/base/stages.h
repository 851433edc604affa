#ifndef KASUMORI_BASE_STAGES_H
#define KASUMORI_BASE_STAGES_H

#include <stddef.h>

#include "services/common/base/rc.h"

/* A service's start-up order as one visible array; stopping runs it backwards. */
struct stage {
    const char *name;
    enum rc (*start)(void *service, struct err *err);
    void (*stop)(void *service); /* may be NULL; only called for stages whose start succeeded */
};

/* Starts all in order. When one fails, stops those before it, last first, and returns its rc with
   the stage's name before its text. */
enum rc stages_start(const struct stage *stages, size_t count, void *service,
                     struct err *err) MUST_CHECK;
void stages_stop(const struct stage *stages, size_t count, void *service);

#endif
