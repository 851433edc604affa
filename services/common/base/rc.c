/* Results as words. */
#include "services/common/base/rc.h"

const char *rc_name(enum rc rc)
{
    switch (rc) {
    case RC_OK:
        return "ok";
    case RC_RETRY:
        return "retry";
    case RC_FULL:
        return "full";
    case RC_REJECT:
        return "reject";
    case RC_CORRUPT:
        return "corrupt";
    case RC_FATAL:
        return "fatal";
    }
    return "unknown";
}
