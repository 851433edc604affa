/* How to reach the brokers, from the command line. */
#include "services/cli/cli_kafka.h"

struct kafka_config cli_kafka_config(const struct cli *cli)
{
    return (struct kafka_config){
        .brokers = cli_value(cli, "brokers"),
        .client_id = "kasumori",
        .security_protocol = cli_value(cli, "security-protocol"),
        .sasl_mechanism = cli_value(cli, "sasl-mechanism"),
        .sasl_username = cli_value(cli, "sasl-username"),
        .sasl_password_file = cli_value(cli, "sasl-password-file"),
        .ssl_ca_file = cli_value(cli, "ssl-ca-file"),
        .ssl_certificate_file = cli_value(cli, "ssl-certificate-file"),
        .ssl_key_file = cli_value(cli, "ssl-key-file"),
    };
}
