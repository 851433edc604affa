/* The end of a process that found a bug in itself. */
#include "services/common/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken assumption: %s\n", file, line, cond);
    abort();
}
