/* The limit beside which draining a spool is judged (P5): the same producer, fed from memory as
   fast as it takes. One JSON line on standard output.

   kasumori-bench-produce --brokers HOST:PORT --topic NAME [--messages N] [--bytes N] [--queue N]
   [--sites N] */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/kafka/kafka.h"

enum { REPORTS = 1024, MAC_BYTES = 40, WAIT_MS = 1000, PATIENCE_S = 120 };

struct bench {
    const char *brokers, *topic;
    long messages, bytes, queue, sites; /* a site is a key, and so a partition */
    struct kafka_producer *producer;
    uint8_t value[LIMIT_VALUE_BYTES];
    uint64_t random;
    long acked, refused;
};

static uint64_t next_random(struct bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
}

/* About half of a real record is keys, digests and sealed boxes, which no codec shrinks; the other
   half is field tags, names and text, which repeat from record to record. */
static void make_value(struct bench *b)
{
    for (long i = 0; i < b->bytes; i++)
        b->value[i] = i % 64 < 32 ? (uint8_t)("kasumori store visit phone staff"[i % 32])
                                  : (uint8_t)(next_random(b) >> 32);
}

static enum rc send_one(struct bench *b, long sequence, struct err *err)
{
    char key[32], digits[24];
    uint8_t mac[MAC_BYTES];
    for (size_t i = 0; i < sizeof(mac); i++)
        mac[i] = (uint8_t)(next_random(b) >> 32);
    snprintf(key, sizeof(key), "acme/s%03ld", sequence % b->sites);
    snprintf(digits, sizeof(digits), "%ld", sequence);
    const struct kafka_header headers[] = {
        {"content-type", slice_str("application/x-protobuf")},
        {"ks-agent", slice_str("s001-a")},
        {"ks-epoch", slice_str("1")},
        {"ks-sequence", slice_str(digits)},
        {"ks-mac", slice_of(mac, sizeof(mac))},
    };
    const struct kafka_outgoing message = {
        .topic = b->topic,
        .key = slice_str(key),
        .value = slice_of(b->value, (size_t)b->bytes),
        .headers = headers,
        .headers_count = sizeof(headers) / sizeof(headers[0]),
        .tag = (uint64_t)sequence,
    };
    return b->producer->ops->produce(b->producer, &message, err);
}

static size_t collect(struct bench *b)
{
    struct kafka_report reports[REPORTS];
    size_t n = b->producer->ops->reports(b->producer, reports, REPORTS);
    for (size_t i = 0; i < n; i++) {
        if (reports[i].rc == RC_OK)
            b->acked++;
        else
            b->refused++;
    }
    return n;
}

static void wait_report(struct bench *b)
{
    struct pollfd pollfd = {.fd = b->producer->ops->fd(b->producer), .events = POLLIN};
    (void)poll(&pollfd, 1, WAIT_MS);
}

static enum rc send_all(struct bench *b, struct err *err)
{
    int64_t end_us = clock_mono_us(clock_real()) + PATIENCE_S * CLOCK_US_PER_S;
    long sent = 0;
    while (b->acked + b->refused < b->messages) {
        enum rc rc = RC_FULL;
        if (sent < b->messages) {
            make_value(b);
            rc = send_one(b, sent + 1, err);
        }
        if (rc == RC_OK) {
            sent++;
            continue;
        }
        if (rc != RC_FULL)
            return rc;
        if (collect(b) == 0)
            wait_report(b);
        if (clock_mono_us(clock_real()) > end_us)
            return err_set(err, RC_RETRY, "not all acknowledged within %d s", (int)PATIENCE_S);
    }
    return RC_OK;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static long resident_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static int parse(struct bench *b, int argc, char **argv)
{
    static const struct option options[] = {
        {"brokers", required_argument, NULL, 'b'},
        {"topic", required_argument, NULL, 't'},
        {"messages", required_argument, NULL, 'n'},
        {"bytes", required_argument, NULL, 's'},
        {"queue", required_argument, NULL, 'q'},
        {"sites", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'b':
            b->brokers = optarg;
            break;
        case 't':
            b->topic = optarg;
            break;
        case 'n':
            b->messages = strtol(optarg, NULL, 10);
            break;
        case 's':
            b->bytes = strtol(optarg, NULL, 10);
            break;
        case 'q':
            b->queue = strtol(optarg, NULL, 10);
            break;
        case 'k':
            b->sites = strtol(optarg, NULL, 10);
            break;
        default:
            return 0;
        }
    }
    return optind == argc && b->brokers != NULL && b->topic != NULL && b->messages > 0 &&
           b->bytes > 0 && b->bytes <= LIMIT_VALUE_BYTES && b->queue > 0 && b->sites > 0;
}

int main(int argc, char **argv)
{
    static struct bench b = {.messages = 300000,
                             .bytes = 400,
                             .queue = LIMIT_IN_FLIGHT,
                             .sites = 500,
                             .random = 88172645463325252};
    struct err err;
    if (!parse(&b, argc, argv)) {
        fprintf(stderr,
                "usage: %s --brokers HOST:PORT --topic NAME [--messages N] [--bytes N] "
                "[--queue N] [--sites N]\n",
                argv[0]);
        return 2;
    }
    const struct kafka_config config = {.brokers = b.brokers, .topics = {b.topic}};
    if (kafka_producer_new(&config, (size_t)b.queue, &b.producer, &err) != RC_OK)
        goto err0;
    /* One message first: connecting, the producer's id and the leaders are not what is measured. */
    long messages = b.messages;
    b.messages = 1;
    enum rc rc = send_all(&b, &err);
    b.messages = messages;
    b.acked = b.refused = 0;
    double cpu_start_s = cpu_s();
    int64_t start_us = clock_mono_us(clock_real());
    if (rc != RC_OK || send_all(&b, &err) != RC_OK)
        goto err1;
    double seconds = (double)(clock_mono_us(clock_real()) - start_us) / 1e6;
    printf("{\"id\":\"produce_bare\",\"messages\":%ld,\"refused\":%ld,\"value_bytes\":%ld,"
           "\"queue\":%ld,\"seconds\":%.3f,\"messages_per_s\":%.0f,\"cpu_s_per_million\":%.2f,"
           "\"resident_kib\":%ld}\n",
           b.acked, b.refused, b.bytes, b.queue, seconds, (double)b.messages / seconds,
           (cpu_s() - cpu_start_s) * 1e6 / (double)b.messages, resident_kib());
    kafka_producer_free(b.producer);
    return 0;

err1:
    kafka_producer_free(b.producer);
err0:
    fprintf(stderr, "%s: %s\n", argv[0], err.text);
    return 1;
}
