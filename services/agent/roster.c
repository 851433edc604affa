/* The site's own names, from a file. */
#include "services/agent/roster.h"

#include "services/common/base/buf.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"

enum rc roster_load(const char *path, struct mask_roster **ret_roster, struct err *err)
{
    struct buf content;
    buf_init(&content, LIMIT_ROSTER_BYTES);
    enum rc rc = file_read(path, &content, err);
    if (rc == RC_OK) {
        struct err why;
        rc = mask_roster_new(buf_slice(&content), ret_roster, &why);
        if (rc != RC_OK)
            rc = err_set(err, rc, "%s: %s", path, why.text);
    }
    buf_done(&content);
    return rc;
}
