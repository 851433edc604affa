#ifndef KASUMORI_CONFIG_CONFIG_VALUE_H
#define KASUMORI_CONFIG_CONFIG_VALUE_H

#include "services/common/config/config.h"

/* Reads one scalar as the field's type and stores it at the field's offset in base. is_plain:
   written without quotes; only strings may have them. RC_REJECT with the reason alone, no place. */
enum rc config_value_set(const struct config_field *field, const char *text, int is_plain,
                         void *base, struct err *err) MUST_CHECK;

#endif
