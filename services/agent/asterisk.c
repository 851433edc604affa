/* The legs of one call become one contact.
   Invariant: nothing depends on the order in which legs arrived; the legs are sorted before they
   are looked at, so the same set gives the same record. */
#include "services/agent/asterisk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/agent/phone.h"
#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/hex.h"
#include "services/common/mac/mac.h"

enum {
    EXTENSION_DIGITS_MAX = 6,
    ROW_ID_BYTES = 16,
    DIALLED_BYTES_MAX = 32,
};

static const char SOURCE_PREFIX[] = "asterisk:";
static const char ROW_ID_PREFIX[] = "row-";

struct call {
    const struct asterisk_leg *legs; /* sorted */
    size_t count;
    const struct asterisk_leg *origin;
    Kasumori__V1__Direction direction;
    int has_second_channel; /* some answered leg has one */
};

/* What follows the technology in "PJSIP/201-0000002a" or "Local/201@queue-0000002a;2". */
static struct slice peer_of(struct slice channel)
{
    const uint8_t *slash = channel.size > 0 ? memchr(channel.data, '/', channel.size) : NULL;
    if (slash == NULL)
        return slice_of(NULL, 0);
    struct slice peer = slice_of(slash + 1, channel.size - (size_t)(slash + 1 - channel.data));
    const uint8_t *at = peer.size > 0 ? memchr(peer.data, '@', peer.size) : NULL;
    if (at == NULL && peer.size > 0)
        at = memrchr(peer.data, '-', peer.size);
    if (at != NULL)
        peer.size = (size_t)(at - peer.data);
    return peer;
}

static int is_local(struct slice channel)
{
    static const char LOCAL[] = "Local/";
    return channel.size >= sizeof(LOCAL) - 1 && memcmp(channel.data, LOCAL, sizeof(LOCAL) - 1) == 0;
}

static int is_extension(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
    return text.size >= 1 && text.size <= EXTENSION_DIGITS_MAX;
}

/* Names no number: a Local channel's peer may be one. */
static void row_id(const struct asterisk_leg *leg, char ret_id[ASTERISK_ID_BYTES])
{
    uint8_t input[8 + ASTERISK_FIELD_BYTES];
    uint8_t digest[MAC_SHA256_BYTES];
    struct slice peer = peer_of(leg->channel);
    const uint8_t *tail = peer.data == NULL ? leg->channel.data : peer.data + peer.size;
    size_t tail_size = leg->channel.size - (size_t)(tail - leg->channel.data);
    CHECK(tail_size <= ASTERISK_FIELD_BYTES);
    for (size_t i = 0; i < 8; i++)
        input[i] = (uint8_t)((uint64_t)leg->start_us >> (56 - 8 * i));
    if (tail_size > 0)
        memcpy(input + 8, tail, tail_size);
    mac_sha256(slice_of(input, 8 + tail_size), digest);
    memcpy(ret_id, ROW_ID_PREFIX, sizeof(ROW_ID_PREFIX));
    hex_format(digest, ROW_ID_BYTES, ret_id + sizeof(ROW_ID_PREFIX) - 1);
}

void asterisk_call_id(const struct asterisk_leg *leg, char ret_id[ASTERISK_ID_BYTES])
{
    struct slice id = leg->linkedid.size > 0 ? leg->linkedid : leg->uniqueid;
    if (id.size == 0 || id.size >= ASTERISK_ID_BYTES) {
        row_id(leg, ret_id);
        return;
    }
    memcpy(ret_id, id.data, id.size);
    ret_id[id.size] = '\0';
}

static int compare_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_texts(struct slice a, struct slice b)
{
    size_t least = a.size < b.size ? a.size : b.size;
    int order = least == 0 ? 0 : memcmp(a.data, b.data, least);
    return order != 0 ? order : compare_numbers((int64_t)a.size, (int64_t)b.size);
}

/* Earliest first, then by everything else, so that equal means identical. */
static int compare_legs(const void *a, const void *b)
{
    const struct asterisk_leg *x = a, *y = b;
    const int64_t numbers[][2] = {
        {x->start_us, y->start_us},     {x->sequence, y->sequence},
        {x->answer_us, y->answer_us},   {x->end_us, y->end_us},
        {x->billsec_us, y->billsec_us}, {(int64_t)x->disposition, (int64_t)y->disposition},
    };
    const struct slice texts[][2] = {
        {x->uniqueid, y->uniqueid},     {x->linkedid, y->linkedid}, {x->channel, y->channel},
        {x->dstchannel, y->dstchannel}, {x->src, y->src},           {x->dst, y->dst},
        {x->dcontext, y->dcontext},     {x->clid, y->clid},         {x->lastapp, y->lastapp},
    };
    int order = 0;
    for (size_t i = 0; order == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
        order = compare_numbers(numbers[i][0], numbers[i][1]);
    for (size_t i = 0; order == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
        order = compare_texts(texts[i][0], texts[i][1]);
    return order;
}

enum rc asterisk_merge(struct asterisk_leg *legs, size_t *legs_count,
                       const struct asterisk_leg *leg, int *ret_is_new, struct err *err)
{
    for (size_t i = 0; i < *legs_count; i++) {
        if (compare_legs(&legs[i], leg) != 0)
            continue;
        *ret_is_new = 0;
        return RC_OK;
    }
    if (*legs_count == LIMIT_CALL_LEGS)
        return err_set(err, RC_REJECT, "a call cannot have more than %d rows", LIMIT_CALL_LEGS);
    legs[(*legs_count)++] = *leg;
    *ret_is_new = 1;
    return RC_OK;
}

static const struct asterisk_leg *find_origin(const struct call *call)
{
    const struct asterisk_leg *best = NULL;
    int best_rank = -1;
    for (size_t i = 0; i < call->count; i++) {
        const struct asterisk_leg *leg = &call->legs[i];
        int is_first_channel =
            leg->linkedid.size == 0 || slice_is_equal(leg->linkedid, leg->uniqueid);
        int rank = 2 * !is_local(leg->channel) + is_first_channel;
        if (rank > best_rank) {
            best = leg;
            best_rank = rank;
        }
    }
    return best;
}

static int has_any(struct slice text, const char *const words[])
{
    char lower[ASTERISK_FIELD_BYTES + 1];
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    for (size_t i = 0; words[i] != NULL; i++)
        if (text.size > 0 && memmem(lower, text.size, words[i], strlen(words[i])) != NULL)
            return 1;
    return 0;
}

/* 110, 118 and 119 are also ordinary extensions: what rings tells. */
static int is_outside_dst(const struct asterisk_leg *leg)
{
    static const char *const EMERGENCY[] = {"110", "118", "119"};
    if (!is_extension(leg->dst))
        return 1;
    if (leg->dstchannel.size == 0 || is_extension(peer_of(leg->dstchannel)))
        return 0;
    for (size_t i = 0; i < sizeof(EMERGENCY) / sizeof(EMERGENCY[0]); i++)
        if (slice_is_equal(leg->dst, slice_str(EMERGENCY[i])))
            return 1;
    return 0;
}

static int has_number(struct slice text)
{
    struct phone phone;
    phone_normalise(text, &phone);
    return phone.kind == PHONE_KIND_PERSONAL || phone.kind == PHONE_KIND_IMPERSONAL;
}

static Kasumori__V1__Direction find_direction(const struct asterisk_leg *origin)
{
    static const char *const INSIDE[] = {"internal", "outbound", "outgoing", "dialout", NULL};
    static const char *const OUTSIDE[] = {"trunk",    "pstn",     "did",    "inbound",
                                          "incoming", "external", "public", NULL};
    int is_inside = has_any(origin->dcontext, INSIDE);
    if (!is_inside && has_any(origin->dcontext, OUTSIDE))
        return KASUMORI__V1__DIRECTION__DIRECTION_INBOUND;
    if (!is_inside && !is_extension(peer_of(origin->channel)) && !is_extension(origin->src))
        return KASUMORI__V1__DIRECTION__DIRECTION_INBOUND;
    return is_outside_dst(origin) && has_number(origin->dst)
               ? KASUMORI__V1__DIRECTION__DIRECTION_OUTBOUND
               : KASUMORI__V1__DIRECTION__DIRECTION_INTERNAL;
}

static int is_app(const struct asterisk_leg *leg, const char *const apps[])
{
    for (size_t i = 0; apps[i] != NULL; i++)
        if (leg->lastapp.size == strlen(apps[i]) &&
            strncasecmp((const char *)leg->lastapp.data, apps[i], leg->lastapp.size) == 0)
            return 1;
    return 0;
}

static int is_queue(const struct asterisk_leg *leg)
{
    static const char *const QUEUE[] = {"Queue", NULL};
    return is_app(leg, QUEUE);
}

static int is_machine(const struct asterisk_leg *leg)
{
    static const char *const MACHINES[] = {
        "Playback",  "BackGround", "ControlPlayback", "MusicOnHold", "Playtones",
        "Ringing",   "Wait",       "WaitExten",       "Read",        "SayDigits",
        "VoiceMail", "Busy",       "Congestion",      "Hangup",      "Queue",
        NULL};
    return is_app(leg, MACHINES);
}

static int is_answered(const struct asterisk_leg *leg)
{
    return leg->disposition == ASTERISK_DISPOSITION_ANSWERED;
}

static int is_talk(const struct call *call, const struct asterisk_leg *leg)
{
    if (!is_answered(leg))
        return 0;
    return call->has_second_channel ? leg->dstchannel.size > 0 : !is_machine(leg);
}

/* When the leg was answered; a row may leave the time out. */
static int64_t answered_at(const struct asterisk_leg *leg)
{
    return leg->answer_us != 0 ? leg->answer_us : leg->end_us - leg->billsec_us;
}

/* The length of the union of the talk legs' spans. Walks from one span that is reached to the next.
 */
static int64_t talk_us(const struct call *call)
{
    int64_t total = 0;
    int64_t reached = INT64_MIN;
    for (;;) {
        int64_t from = INT64_MAX;
        int64_t to = 0;
        for (size_t i = 0; i < call->count; i++) {
            const struct asterisk_leg *leg = &call->legs[i];
            int64_t begin = answered_at(leg);
            int64_t end = begin + leg->billsec_us;
            if (!is_talk(call, leg) || end <= reached)
                continue;
            begin = begin < reached ? reached : begin;
            if (begin < from || (begin == from && end > to)) {
                from = begin;
                to = end;
            }
        }
        if (from == INT64_MAX)
            return total;
        total += to - from;
        reached = to;
    }
}

static void set_outcome(const struct call *call, Kasumori__V1__Contact *contact)
{
    enum asterisk_disposition best = ASTERISK_DISPOSITION_FAILED;
    int is_connected = 0;
    int is_queued = 0;
    for (size_t i = 0; i < call->count; i++) {
        const struct asterisk_leg *leg = &call->legs[i];
        best = leg->disposition > best ? leg->disposition : best;
        is_connected |= is_talk(call, leg);
        is_queued |= is_answered(leg) && is_queue(leg);
    }
    if (is_connected)
        contact->outcome = KASUMORI__V1__OUTCOME__OUTCOME_CONNECTED;
    else if (is_queued)
        contact->outcome = KASUMORI__V1__OUTCOME__OUTCOME_ABANDONED;
    else if (best == ASTERISK_DISPOSITION_BUSY)
        contact->outcome = KASUMORI__V1__OUTCOME__OUTCOME_BUSY;
    else if (best == ASTERISK_DISPOSITION_FAILED)
        contact->outcome = KASUMORI__V1__OUTCOME__OUTCOME_FAILED;
    else
        contact->outcome = KASUMORI__V1__OUTCOME__OUTCOME_NO_ANSWER;
    for (size_t i = 0; i < call->count && !is_connected; i++)
        if (is_answered(&call->legs[i]) && is_queue(&call->legs[i]) &&
            call->legs[i].billsec_us > contact->queue_us)
            contact->queue_us = call->legs[i].billsec_us;
}

static void set_times(const struct call *call, Kasumori__V1__Record *record)
{
    int64_t start = call->legs[0].start_us;
    int64_t end = start;
    int64_t answer = INT64_MAX;
    for (size_t i = 0; i < call->count; i++) {
        const struct asterisk_leg *leg = &call->legs[i];
        end = leg->end_us > end ? leg->end_us : end;
        if (is_answered(leg) && answered_at(leg) < answer)
            answer = answered_at(leg);
    }
    record->occurred_start_us = start;
    record->occurred_end_us =
        end - start > LIMIT_RECORD_SPAN_US ? start + LIMIT_RECORD_SPAN_US : end;
    answer = answer > record->occurred_end_us ? record->occurred_end_us : answer;
    record->contact->ring_us = answer > start ? answer - start : 0;
}

static enum phone_withheld withheld_reason(struct slice text)
{
    struct phone phone;
    phone_normalise(text, &phone);
    return phone.reason;
}

/* "Name" <number> in its two parts, the name without quotes; bare text is the number. */
static void split_clid(struct slice clid, struct slice *ret_name, struct slice *ret_number)
{
    static const struct slice NONE;
    const uint8_t *open = clid.size > 0 ? memrchr(clid.data, '<', clid.size) : NULL;
    struct slice name = open == NULL ? NONE : slice_of(clid.data, (size_t)(open - clid.data));
    *ret_number = slice_of(clid.data + name.size, clid.size - name.size);
    while (name.size > 0 && strchr("\" ", name.data[0]) != NULL)
        name = slice_of(name.data + 1, name.size - 1);
    while (name.size > 0 && strchr("\" ", name.data[name.size - 1]) != NULL)
        name.size--;
    *ret_name = name;
}

/* A name that says the caller hides counts even beside a number (the network may hand over one that
   it forbids to show); "unknown" and "unavailable" only say that there is no name, and the
   one-letter codes may be initials. */
static struct slice caller_of(const struct asterisk_leg *origin, enum phone_withheld *ret_reason)
{
    static const struct slice NONE;
    struct slice name, number;
    split_clid(origin->clid, &name, &number);
    enum phone_withheld by_name = withheld_reason(name);
    *ret_reason = by_name;
    if (name.size > 1 &&
        (by_name == PHONE_WITHHELD_BY_CALLER || by_name == PHONE_WITHHELD_PUBLIC_PHONE))
        return NONE;
    *ret_reason = PHONE_WITHHELD_NOT;
    if (has_number(origin->src))
        return origin->src;
    if (has_number(number))
        return number;
    *ret_reason = withheld_reason(origin->src);
    if (*ret_reason == PHONE_WITHHELD_NOT)
        *ret_reason = by_name;
    if (*ret_reason == PHONE_WITHHELD_NOT)
        *ret_reason = PHONE_WITHHELD_UNKNOWN;
    return NONE;
}

static enum rc no_room(struct err *err)
{
    return err_set(err, RC_FULL, "the call does not fit into the memory for one record");
}

static enum rc add_person(struct slice number, struct arena *arena, struct draft *draft,
                          struct err *err)
{
    Kasumori__V1__Person *person = arena_alloc(arena, sizeof(*person));
    Kasumori__V1__Identifier *identifier = arena_alloc(arena, sizeof(*identifier));
    Kasumori__V1__Person **persons = arena_alloc(arena, sizeof(*persons));
    Kasumori__V1__Identifier **identifiers = arena_alloc(arena, sizeof(*identifiers));
    char *value = arena_copy(arena, number.data, number.size);
    if (person == NULL || identifier == NULL || persons == NULL || identifiers == NULL ||
        value == NULL)
        return no_room(err);
    kasumori__v1__person__init(person);
    kasumori__v1__identifier__init(identifier);
    identifier->kind = KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE;
    identifier->assurance = KASUMORI__V1__ASSURANCE__ASSURANCE_CARRIED;
    *identifiers = identifier;
    person->role = KASUMORI__V1__ROLE__ROLE_SUBJECT;
    person->ordinal = 1;
    person->identifiers = identifiers;
    person->n_identifiers = 1;
    *persons = person;
    draft->record->persons = persons;
    draft->record->n_persons = 1;
    draft->raws[draft->raws_count++] =
        (struct draft_raw){.identifier = identifier, .value = slice_of(value, number.size)};
    return RC_OK;
}

/* Whom the company spoke with. */
static enum rc set_customer(const struct call *call, struct arena *arena, struct draft *draft,
                            struct err *err)
{
    enum phone_withheld reason = PHONE_WITHHELD_NOT;
    struct slice number = {0};
    if (call->direction == KASUMORI__V1__DIRECTION__DIRECTION_INBOUND)
        number = caller_of(call->origin, &reason);
    else if (call->direction == KASUMORI__V1__DIRECTION__DIRECTION_OUTBOUND)
        number = call->origin->dst;
    if (number.size > 0)
        return add_person(number, arena, draft, err);
    draft->record->contact->withheld = (Kasumori__V1__Withheld)reason;
    return RC_OK;
}

static int is_dialled(struct slice dst)
{
    int digits = 0;
    for (size_t i = 0; i < dst.size; i++) {
        int is_digit = dst.data[i] >= '0' && dst.data[i] <= '9';
        digits += is_digit;
        if (!is_digit && memchr("+*#-", dst.data[i], 4) == NULL)
            return 0;
    }
    return digits > 0 && dst.size <= DIALLED_BYTES_MAX;
}

static enum rc set_names(const struct asterisk_source *source, const struct call *call,
                         struct arena *arena, Kasumori__V1__Record *record, struct err *err)
{
    char id[ASTERISK_ID_BYTES];
    asterisk_call_id(call->origin, id);
    size_t name_size = sizeof(SOURCE_PREFIX) + strlen(source->name);
    char *name = arena_alloc(arena, name_size);
    record->external_id = arena_copy(arena, id, strlen(id));
    record->happening_ref = record->external_id;
    if (name == NULL || record->external_id == NULL)
        return no_room(err);
    snprintf(name, name_size, "%s%s", SOURCE_PREFIX, source->name);
    record->source = name;
    if (call->direction == KASUMORI__V1__DIRECTION__DIRECTION_OUTBOUND ||
        !is_dialled(call->origin->dst))
        return RC_OK;
    record->contact->dialled = arena_copy(arena, call->origin->dst.data, call->origin->dst.size);
    return record->contact->dialled == NULL ? no_room(err) : RC_OK;
}

static enum rc sort_call(const struct asterisk_leg *legs, size_t count, struct arena *arena,
                         struct call *ret_call, struct err *err)
{
    struct asterisk_leg *sorted = arena_alloc(arena, count * sizeof(*sorted));
    if (sorted == NULL)
        return no_room(err);
    memcpy(sorted, legs, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_legs);
    *ret_call = (struct call){.legs = sorted, .count = count};
    for (size_t i = 0; i < count; i++)
        ret_call->has_second_channel |= is_answered(&sorted[i]) && sorted[i].dstchannel.size > 0;
    ret_call->origin = find_origin(ret_call);
    ret_call->direction = find_direction(ret_call->origin);
    return RC_OK;
}

enum rc asterisk_build_draft(const struct asterisk_source *source, const struct asterisk_leg *legs,
                             size_t legs_count, struct arena *arena, struct draft *ret_draft,
                             struct err *err)
{
    struct call call;
    CHECK(legs_count > 0 && legs_count <= LIMIT_CALL_LEGS);
    enum rc rc = sort_call(legs, legs_count, arena, &call, err);
    if (rc != RC_OK)
        return rc;
    Kasumori__V1__Record *record = arena_alloc(arena, sizeof(*record));
    Kasumori__V1__Contact *contact = arena_alloc(arena, sizeof(*contact));
    if (record == NULL || contact == NULL)
        return no_room(err);
    kasumori__v1__record__init(record);
    kasumori__v1__contact__init(contact);
    record->body_case = KASUMORI__V1__RECORD__BODY_CONTACT;
    record->contact = contact;
    record->revision = (uint32_t)legs_count;
    record->channel = KASUMORI__V1__CHANNEL__CHANNEL_PHONE;
    record->direction = call.direction;
    set_times(&call, record);
    set_outcome(&call, contact);
    contact->talk_us = talk_us(&call);
    rc = set_names(source, &call, arena, record, err);
    if (rc != RC_OK)
        return rc;
    struct draft draft = {.record = record};
    rc = set_customer(&call, arena, &draft, err);
    if (rc == RC_OK)
        *ret_draft = draft;
    return rc;
}
