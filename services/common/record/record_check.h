#ifndef KASUMORI_RECORD_RECORD_CHECK_H
#define KASUMORI_RECORD_RECORD_CHECK_H

#include <protobuf-c/protobuf-c.h>

#include "services/common/base/rc.h"

/* Private to this folder: the rules that hold for every message, led by the descriptors. Lengths of
   strings and bytes, counts of repeated fields, UTF-8 (protobuf-c does not look), instants from 0
   (absent) to the year 9999, durations from 0 to LIMIT_RECORD_SPAN_US, size and number of unknown
   fields, and of each Identifier: 16-byte tokens, one per key id. RC_REJECT with the place. */
enum rc record_check_message(const ProtobufCMessage *message, struct err *err) MUST_CHECK;

#endif
