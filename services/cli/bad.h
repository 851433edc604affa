#ifndef KASUMORI_CLI_BAD_H
#define KASUMORI_CLI_BAD_H

#include "services/cli/cli.h"

extern const struct cli_verb bad_verbs[];

/* What --place and --class say; parameters $1 to $3 of the statements about bad records. */
struct bad_filter {
    char stream_no[16]; /* "": any */
    char kafka_offset[24];
    const char *class; /* NULL: any */
};

/* RC_REJECT when neither is given, or one is not as it should be. */
enum rc bad_filter_read(const struct cli *cli, struct bad_filter *ret_filter,
                        struct err *err) MUST_CHECK;

/* Condition on table "bad" that goes with it. */
#define BAD_FILTER_SQL                                                     \
    "(nullif($1, '')::integer is null or bad.stream_no = $1::integer and " \
    "bad.kafka_offset = $2::bigint) and ($3::text is null or bad.class = $3)"

#endif
