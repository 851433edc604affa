/* How far each partition is stored, and going on after a topic was made anew.
   Invariant: a row that ingest may still own is fenced in the transaction that adds its successor.
 */
#include "services/cli/offset.h"

#include <stdio.h>

static const char TOPIC[] = "kasumori.records.v1";

static const char *topic_of(const struct cli *cli)
{
    return cli_has(cli, "topic") ? cli_value(cli, "topic") : TOPIC;
}

static int run_show(struct cli *cli)
{
    static const char SQL[] =
        "select place.stream_no::text, cluster_id, topic, partition::text, incarnation::text, "
        "next_offset::text, epoch::text, coalesce(owner::text, ''), "
        "to_char(updated_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from kasumori.kafka_offset as place "
        "where ($1::text is null or topic = $1) and ($2::boolean or not exists ("
        "select from kasumori.kafka_offset as later where later.cluster_id = place.cluster_id "
        "and later.topic = place.topic and later.partition = place.partition "
        "and later.incarnation > place.incarnation)) "
        "order by cluster_id, topic, partition, incarnation";
    return cli_print_table(
        cli, &(struct cli_table){.name = "show_offsets",
                                 .sql = SQL,
                                 .heading = "stream\tcluster\ttopic\tpartition\tincarnation\t"
                                            "next_offset\tepoch\towner\tupdated_at",
                                 .text = cli_value(cli, "topic"),
                                 .flag = cli_has(cli, "all")});
}

/* $1 topic, $2 partition or null for all, $3 first offset, $4 cluster or null when there is one. */
static const char ACCEPT[] =
    "with newest as ("
    "select distinct on (cluster_id, topic, partition) * from kasumori.kafka_offset "
    "where topic = $1 and ($2::text is null or partition = $2::integer) "
    "and ($4::text is null or cluster_id = $4) "
    "order by cluster_id, topic, partition, incarnation desc), "
    "fenced as ("
    "update kasumori.kafka_offset as place set epoch = place.epoch + 1, owner = null, "
    "updated_at = now() from newest where place.stream_no = newest.stream_no) "
    "insert into kasumori.kafka_offset (cluster_id, topic, partition, incarnation, next_offset) "
    "select cluster_id, topic, partition, incarnation + 1, $3::bigint from newest";

static enum rc check_cluster(struct db *db, const struct cli *cli, struct err *err)
{
    struct db_result *result;
    if (cli_has(cli, "cluster"))
        return RC_OK;
    enum rc rc =
        CLI_RUN(db, "count_clusters",
                "select count(distinct cluster_id) from kasumori.kafka_offset where topic = $1",
                &result, err, topic_of(cli));
    if (rc != RC_OK)
        return rc;
    if (db_result_int(result, 0, 0) > 1)
        rc = err_set(err, RC_REJECT,
                     "the topic was read from more than one cluster: say which "
                     "with --cluster");
    db_result_free(result);
    return rc;
}

static enum rc accept_in(struct db *db, const struct cli *cli, const char *from, size_t *ret_count,
                         struct err *err)
{
    struct db_result *result;
    enum rc rc =
        db_exec(db, "begin; lock table kasumori.kafka_offset in share row exclusive mode", err);
    if (rc == RC_OK)
        rc = check_cluster(db, cli, err);
    if (rc == RC_OK)
        rc = CLI_RUN(db, "accept_topic", ACCEPT, &result, err, topic_of(cli),
                     cli_value(cli, "partition"), from, cli_value(cli, "cluster"));
    if (rc != RC_OK)
        return rc;
    *ret_count = db_result_affected(result);
    db_result_free(result);
    if (*ret_count == 0)
        return err_set(err, RC_REJECT, "no such partition was ever read");
    return db_exec(db, "commit", err);
}

static enum rc check_options(const struct cli *cli, const char *from, struct err *err)
{
    int64_t number;
    const char *partition = cli_value(cli, "partition");
    if ((partition == NULL) != cli_has(cli, "all"))
        return err_set(err, RC_REJECT, "which partitions? give --partition or --all");
    enum rc rc = cli_number("--from", from, 0, INT64_MAX, &number, err);
    if (rc == RC_OK && partition != NULL)
        rc = cli_number("--partition", partition, 0, INT32_MAX, &number, err);
    return rc;
}

static int run_accept(struct cli *cli)
{
    struct db *db;
    struct err err;
    size_t count;
    const char *from = cli_has(cli, "from") ? cli_value(cli, "from") : "0";
    enum rc rc = check_options(cli, from, &err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &db, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    rc = accept_in(db, cli, from, &count, &err);
    db_close(db);
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("%zu partitions begin anew at offset %s\n", count, from);
    return CLI_OK;
}

static const struct cli_option SHOW_OPTIONS[] = {
    {"topic", "NAME", 0, "only this topic"},
    {"all", NULL, 0, "earlier incarnations too"},
    {0},
};

static const struct cli_option ACCEPT_OPTIONS[] = {
    {"topic", "NAME", 0, "which topic; kasumori.records.v1 when not given"},
    {"partition", "N", 0, "this partition"},
    {"all", NULL, 0, "every partition read before"},
    {"from", "OFFSET", 0, "where to begin; 0 when not given"},
    {"cluster", "ID", 0, "Kafka's cluster id, when there was more than one"},
    {0},
};

const struct cli_verb offset_verbs[] = {
    {.group = "offset",
     .verb = "show",
     .is_on_database = 1,
     .summary = "print how far each partition is stored",
     .options = SHOW_OPTIONS,
     .run = run_show},
    {.group = "offset",
     .verb = "accept-new-topic",
     .is_on_database = 1,
     .summary = "go on after a topic was made anew or has lost what was not stored",
     .details = "The aggregator stops when the stored offset is not in the log. Whoever runs this "
                "says that\n"
                "he knows why. Records stored before stay; the partition begins anew under a new "
                "stream number.",
     .options = ACCEPT_OPTIONS,
     .run = run_accept},
    {0},
};
