#ifndef KASUMORI_BASE_HEX_H
#define KASUMORI_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"

/* Lower case; text holds 2 * size + 1 bytes. */
void hex_format(const uint8_t *data, size_t size, char *text);

/* Exactly size bytes from 2 * size digits of either case, else RC_REJECT and data undefined. */
enum rc hex_parse(const char *text, uint8_t *data, size_t size) MUST_CHECK;

#endif
