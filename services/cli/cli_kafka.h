#ifndef KASUMORI_CLI_CLI_KAFKA_H
#define KASUMORI_CLI_CLI_KAFKA_H

#include "services/cli/cli.h"
#include "services/common/kafka/kafka.h"

/* Rows of an option table that say how to reach the brokers; where: whose files are meant. */
#define CLI_KAFKA_OPTIONS(where)                                                        \
    {"brokers", "LIST", 1, "host:port[,host:port…], as seen from there"},               \
        {"security-protocol", "NAME", 0, "plaintext, ssl, sasl_ssl or sasl_plaintext"}, \
        {"sasl-mechanism", "NAME", 0, "SCRAM-SHA-512, …"},                              \
        {"sasl-username", "NAME", 0, "for the brokers"},                                \
        {"sasl-password-file", "FILE", 0, "with the password, " where},                 \
        {"ssl-ca-file", "FILE", 0, "with the authorities' certificates, " where},       \
        {"ssl-certificate-file", "FILE", 0, "with the client's certificate, " where},   \
    {                                                                                   \
        "ssl-key-file", "FILE", 0, "with the client's key, " where                      \
    }

/* What those options say; borrowed from cli. */
struct kafka_config cli_kafka_config(const struct cli *cli);

#endif
