#ifndef KASUMORI_AGENT_ASTERISK_H
#define KASUMORI_AGENT_ASTERISK_H

#include <stddef.h>
#include <stdint.h>

#include "services/agent/draft.h"
#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/limits.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/csv/csv.h"

/* Asterisk's call detail records. One call writes several rows (ring groups, forked dials, halves
   of Local channels, transfers), which share linkedid and may arrive apart: rows become legs, and
   the legs of one call become one contact. Pure: the caller reads files, and keeps the legs seen so
   far under the call's id.

   Two column orders, told apart by where times, seconds and disposition stand:
   - cdr_csv: accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata, start,
     answer, end, duration, billsec, disposition, amaflags; then, as cdr.conf says, uniqueid
     (loguniqueid), userfield (loguserfield), peeraccount, linkedid and sequence (newcdrcolumns):
     16 to 21 columns. Both loguniqueid and newcdrcolumns should be on.
   - cdr_custom: clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata, start, answer,
     end, duration, billsec, disposition, amaflags, accountcode, uniqueid, userfield, sequence, as
     in its sample mapping; the last two may be missing, and linkedid may be anywhere behind
     uniqueid (better: the sample has none): 17 to 21 columns. */
enum asterisk_layout {
    ASTERISK_LAYOUT_DETECT, /* row by row */
    ASTERISK_LAYOUT_CSV,
    ASTERISK_LAYOUT_CUSTOM,
};

struct asterisk_source {
    const char *name;     /* the record's source is asterisk:<name> */
    int32_t utc_offset_s; /* of the file's times, east of UTC */
    enum asterisk_layout layout;
};

enum asterisk_disposition {
    ASTERISK_DISPOSITION_FAILED, /* and CONGESTION, and what is not known */
    ASTERISK_DISPOSITION_BUSY,
    ASTERISK_DISPOSITION_NO_ANSWER,
    ASTERISK_DISPOSITION_ANSWERED,
};

enum {
    ASTERISK_ID_BYTES = 160,    /* of a call's id, with its NUL */
    ASTERISK_FIELD_BYTES = 255, /* longer fields are cut */
};

/* One row. The slices are borrowed: from the row, or from what asterisk_leg_read was given. */
struct asterisk_leg {
    int64_t start_us;  /* UTC */
    int64_t answer_us; /* 0: not answered */
    int64_t end_us;
    int64_t billsec_us;
    int64_t sequence; /* -1: not in the row */
    enum asterisk_disposition disposition;
    struct slice linkedid; /* empty where the row has none, as uniqueid */
    struct slice uniqueid;
    struct slice channel;
    struct slice dstchannel;
    struct slice src;
    struct slice dst;
    struct slice dcontext;
    struct slice clid;
    struct slice lastapp;
};

/* RC_REJECT, "line 7: …", for another column count, an order that cannot be told, a bad time,
   number of seconds or unique id. A missing end, or one before start, is start + duration. */
enum rc asterisk_leg_parse(const struct asterisk_source *source, const struct csv_row *row,
                           struct asterisk_leg *ret_leg, struct err *err) MUST_CHECK;

/* The key under which the caller keeps a call's legs, and its external id: linkedid, else uniqueid,
   else "row-" and a hash of start and the channel's serial, which hides no number. Without ids in
   the file only the rows of one channel's one start are known to be one call. */
void asterisk_call_id(const struct asterisk_leg *leg, char ret_id[ASTERISK_ID_BYTES]);

/* Appends a compact form to out (whose is_failed tells). It holds callers' numbers in clear. */
void asterisk_leg_write(const struct asterisk_leg *leg, struct buf *out);
/* Reads what write appended, at *at (below data.size), and moves *at past it. RC_CORRUPT else. */
enum rc asterisk_leg_read(struct slice data, size_t *at, struct asterisk_leg *ret_leg,
                          struct err *err) MUST_CHECK;

/* Adds leg to the LIMIT_CALL_LEGS big array unless an identical one is there; *ret_is_new says so.
   RC_REJECT when a call has more rows than that. */
enum rc asterisk_merge(struct asterisk_leg *legs, size_t *legs_count,
                       const struct asterisk_leg *leg, int *ret_is_new, struct err *err) MUST_CHECK;

/* One contact from all legs of one call (1 to LIMIT_CALL_LEGS), in whatever order they are given.
   - external_id, happening_ref: the call's id. revision: the number of legs. channel: phone.
   - The origin is the earliest leg of the channel that gave linkedid its value, a Local one last.
   - direction: the context's name comes first (internal, outbound, outgoing, dialout: from inside;
     trunk, pstn, did, inbound, incoming, external, public: from outside). Else a call is from
     inside when its channel is an extension's (PJSIP/201-…) or its src is one (1 to 6 digits). From
     inside to an extension is internal, to another number outbound; 110, 118 and 119 are outside
     unless an extension rings.
   - occurred: least start to greatest end, at most 24 h.
   - A leg is talk when it is ANSWERED with a second channel, or, where no leg of the call is so,
     ANSWERED by what may be a person (not Queue, Playback, BackGround, VoiceMail, Wait, …).
     talk_us: how long at least one such leg was up, billsec long from its answer: forked and Local
     legs count once, the parts of a transferred call follow each other.
   - outcome: CONNECTED when there is talk; else ABANDONED when a Queue answered (queue_us: how long
     it held the caller); else the best of NO_ANSWER (also for an announcement), BUSY, FAILED.
   - ring_us: to the first answer by anyone or anything, else to the end.
   - dialled: the origin's dst if it is a number, but of an outbound call: there it is the
     customer's and becomes the identifier.
   - One person, role subject, unless internal: one identifier of kind phone, assurance CARRIED, raw
     in the draft: src, else the number in clid; dst when outbound. An inbound call without one, or
     whose caller's name says anonymous or payphone, has contact.withheld instead.
   RC_FULL when the arena is too small. */
enum rc asterisk_build_draft(const struct asterisk_source *source, const struct asterisk_leg *legs,
                             size_t legs_count, struct arena *arena, struct draft *ret_draft,
                             struct err *err) MUST_CHECK;

#endif
