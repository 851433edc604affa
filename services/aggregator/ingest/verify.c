/* First step: who sent it. Nothing of the value is looked at before its MAC holds.
   Invariant: proven is set only for a MAC that holds under the registered key of an agent that was
   valid when the broker appended the message. */
#include "services/aggregator/ingest/verify.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/utf8.h"

static const char CONTENT_TYPE[] = "application/x-protobuf";

/* Sequences are kept in half-open ranges of bigint, so the last one has no successor. */
#define NUMBER_MAX (INT64_MAX - 1)

struct slice verify_header(const struct message *message, const char *name)
{
    for (size_t i = 0; i < message->headers_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return slice_of(NULL, 0);
}

int verify_number(struct slice text, int64_t *ret_number)
{
    int64_t number = 0;
    if (text.size == 0 || (text.size > 1 && text.data[0] == '0'))
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        int digit = text.data[i] - '0';
        if (number > (NUMBER_MAX - digit) / 10)
            return 0;
        number = 10 * number + digit;
    }
    *ret_number = number;
    return 1;
}

static enum bad_class read_headers(const struct message *message, int64_t sequence_least,
                                   struct sender *sender, struct err *why)
{
    struct slice agent = verify_header(message, "ks-agent");
    struct slice type = verify_header(message, "content-type");
    if (agent.size >= 1 && agent.size <= LIMIT_NAME_BYTES && utf8_is_valid(agent))
        sender->agent = agent;
    sender->is_numbered = verify_number(verify_header(message, "ks-epoch"), &sender->epoch) &&
                          verify_number(verify_header(message, "ks-sequence"), &sender->sequence);
    const char *wrong = NULL;
    if (sender->agent.size == 0)
        wrong = "header ks-agent is missing or not a name";
    else if (!sender->is_numbered)
        wrong = "header ks-epoch or ks-sequence is missing or not a number";
    else if (sender->sequence < sequence_least)
        wrong = "header ks-sequence is 0";
    else if (verify_header(message, "ks-mac").size != MAC_HEADER_BYTES)
        wrong = "header ks-mac is missing or not 36 bytes";
    else if (!slice_is_equal(type, slice_str(CONTENT_TYPE)))
        wrong = "header content-type is missing or not application/x-protobuf";
    if (wrong == NULL)
        return BAD_CLASS_NONE;
    err_set(why, RC_REJECT, "%s", wrong);
    return BAD_CLASS_MALFORMED;
}

static const char *find_forgery(struct registry *registry, const struct message *message,
                                const struct sender *sender, struct registry_agent *agent)
{
    const uint8_t *mac = verify_header(message, "ks-mac").data;
    if (agent == NULL)
        return "the agent is not registered";
    if (mac_key_id(mac) != agent->mac_key_id)
        return "header ks-mac names another key than the agent's";
    const struct mac_message claim = {message->value, agent->agent, (uint64_t)sender->epoch,
                                      (uint64_t)sender->sequence};
    if (!mac_is_valid(registry_key(registry, agent), &claim, mac))
        return "header ks-mac does not match the message";
    if (message->appended_at_us < agent->valid_from_us)
        return "the agent was not valid yet";
    if (message->appended_at_us >= agent->valid_to_us)
        return "the agent was not valid any more";
    return NULL;
}

enum bad_class verify_sender(struct registry *registry, const struct message *message,
                             int64_t sequence_least, struct sender *ret_sender, struct err *why)
{
    *ret_sender = (struct sender){0};
    enum bad_class class = read_headers(message, sequence_least, ret_sender, why);
    if (class != BAD_CLASS_NONE)
        return class;
    struct registry_agent *agent = registry_find(registry, ret_sender->agent);
    const char *forgery = find_forgery(registry, message, ret_sender, agent);
    if (forgery != NULL) {
        err_set(why, RC_REJECT, "%s", forgery);
        return BAD_CLASS_FORGED;
    }
    ret_sender->proven = agent;
    return BAD_CLASS_NONE;
}
