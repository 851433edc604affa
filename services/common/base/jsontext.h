#ifndef KASUMORI_BASE_JSONTEXT_H
#define KASUMORI_BASE_JSONTEXT_H

#include "services/common/base/buf.h"

/* Appends text as a JSON string (RFC 8259) with its quotes; invalid UTF-8 becomes U+FFFD. */
void jsontext_add(struct buf *out, struct slice text);

#endif
