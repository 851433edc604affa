#ifndef KASUMORI_BASE_BASE64_H
#define KASUMORI_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* RFC 4648, standard alphabet with padding. */
void base64_write(struct buf *out, struct slice data);

/* Standard or URL alphabet, padding optional (as proto JSON demands of readers). data holds
   text.size / 4 * 3 + 3 bytes. RC_REJECT for anything else. */
enum rc base64_read(struct slice text, uint8_t *data, size_t *ret_size) MUST_CHECK;

#endif
