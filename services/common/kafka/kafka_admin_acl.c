/* Makes sure that what the operator's file allows is allowed. Invariant: only ALLOW entries are
   written and nothing is ever taken away. */
#include <string.h>
#include <strings.h>

#include "services/common/kafka/kafka_admin.h"
#include "services/common/kafka/kafka_admin_int.h"
#include "services/common/kafka/kafka_error.h"

struct word {
    const char *text;
    int value;
};

static const struct word resources[] = {
    {"topic", RD_KAFKA_RESOURCE_TOPIC},
    {"group", RD_KAFKA_RESOURCE_GROUP},
    /* Kafka's CLUSTER has in ACLs the number that the library calls BROKER. */
    {"cluster", RD_KAFKA_RESOURCE_BROKER},
    {NULL, 0},
};

static const struct word operations[] = {
    {"all", RD_KAFKA_ACL_OPERATION_ALL},
    {"read", RD_KAFKA_ACL_OPERATION_READ},
    {"write", RD_KAFKA_ACL_OPERATION_WRITE},
    {"create", RD_KAFKA_ACL_OPERATION_CREATE},
    {"delete", RD_KAFKA_ACL_OPERATION_DELETE},
    {"alter", RD_KAFKA_ACL_OPERATION_ALTER},
    {"describe", RD_KAFKA_ACL_OPERATION_DESCRIBE},
    {"cluster_action", RD_KAFKA_ACL_OPERATION_CLUSTER_ACTION},
    {"describe_configs", RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS},
    {"alter_configs", RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS},
    {"idempotent_write", RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE},
    {NULL, 0},
};

static enum rc find_word(const struct word *words, const char *text, const char *what,
                         int *ret_value, struct err *err)
{
    for (; words->text != NULL; words++) {
        if (text != NULL && strcasecmp(words->text, text) == 0) {
            *ret_value = words->value;
            return RC_OK;
        }
    }
    return err_set(err, RC_REJECT, "acl: %s: cannot understand \"%s\"", what,
                   text != NULL ? text : "");
}

struct parsed {
    rd_kafka_ResourceType_t resource;
    rd_kafka_ResourcePatternType_t pattern;
    rd_kafka_AclOperation_t operation;
    const char *host;
};

static enum rc parse(const struct kafka_admin_acl *acl, struct parsed *ret_parsed, struct err *err)
{
    int resource, operation;
    if (acl->name == NULL || acl->principal == NULL || strchr(acl->principal, ':') == NULL)
        return err_set(err, RC_REJECT, "acl: expected a name and a principal such as User:NAME");
    enum rc rc = find_word(resources, acl->resource, "resource", &resource, err);
    if (rc == RC_OK)
        rc = find_word(operations, acl->operation, "operation", &operation, err);
    if (rc != RC_OK)
        return rc;
    *ret_parsed = (struct parsed){
        .resource = (rd_kafka_ResourceType_t)resource,
        .pattern =
            acl->is_prefix ? RD_KAFKA_RESOURCE_PATTERN_PREFIXED : RD_KAFKA_RESOURCE_PATTERN_LITERAL,
        .operation = (rd_kafka_AclOperation_t)operation,
        .host = acl->host != NULL ? acl->host : "*",
    };
    return RC_OK;
}

static enum rc is_allowed(struct kafka_admin *admin, const struct kafka_admin_acl *acl,
                          const struct parsed *parsed, int *ret_is_allowed, struct err *err)
{
    char text[192];
    rd_kafka_event_t *event;
    rd_kafka_AclBindingFilter_t *filter = rd_kafka_AclBindingFilter_new(
        parsed->resource, acl->name, parsed->pattern, acl->principal, parsed->host,
        parsed->operation, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, text, sizeof(text));
    if (filter == NULL)
        return err_set(err, RC_REJECT, "acl: %s: %s", acl->principal, text);
    rd_kafka_AdminOptions_t *options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBEACLS);
    rd_kafka_DescribeAcls(admin->rk, filter, options, admin->queue);
    if (options != NULL)
        rd_kafka_AdminOptions_destroy(options);
    rd_kafka_AclBinding_destroy(filter);
    enum rc rc =
        kafka_admin_answer(admin, RD_KAFKA_EVENT_DESCRIBEACLS_RESULT, acl->principal, &event, err);
    if (rc != RC_OK)
        return rc;
    size_t count;
    (void)rd_kafka_DescribeAcls_result_acls(rd_kafka_event_DescribeAcls_result(event), &count);
    *ret_is_allowed = count > 0;
    rd_kafka_event_destroy(event);
    return RC_OK;
}

static enum rc allow(struct kafka_admin *admin, const struct kafka_admin_acl *acl,
                     const struct parsed *parsed, struct err *err)
{
    char text[192];
    rd_kafka_event_t *event;
    rd_kafka_AclBinding_t *binding = rd_kafka_AclBinding_new(
        parsed->resource, acl->name, parsed->pattern, acl->principal, parsed->host,
        parsed->operation, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, text, sizeof(text));
    if (binding == NULL)
        return err_set(err, RC_REJECT, "acl: %s: %s", acl->principal, text);
    rd_kafka_AdminOptions_t *options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_CREATEACLS);
    rd_kafka_CreateAcls(admin->rk, &binding, 1, options, admin->queue);
    if (options != NULL)
        rd_kafka_AdminOptions_destroy(options);
    rd_kafka_AclBinding_destroy(binding);
    enum rc rc =
        kafka_admin_answer(admin, RD_KAFKA_EVENT_CREATEACLS_RESULT, acl->principal, &event, err);
    if (rc != RC_OK)
        return rc;
    size_t count;
    const rd_kafka_acl_result_t **results =
        rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event), &count);
    const rd_kafka_error_t *error = count == 1 ? rd_kafka_acl_result_error(results[0]) : NULL;
    if (error != NULL)
        rc = err_set(err, kafka_error_rc(rd_kafka_error_code(error), KAFKA_ERROR_PLACE_ADMIN),
                     "acl: %s: %s", acl->principal, rd_kafka_error_string(error));
    rd_kafka_event_destroy(event);
    return rc;
}

enum rc kafka_admin_apply_acl(struct kafka_admin *admin, const struct kafka_admin_acl *acl,
                              enum kafka_admin_outcome *ret_outcome, struct err *err)
{
    struct parsed parsed;
    int is_there, tries = 0;
    enum rc rc = parse(acl, &parsed, err);
    if (rc == RC_OK)
        rc = is_allowed(admin, acl, &parsed, &is_there, err);
    if (rc != RC_OK)
        return rc;
    if (is_there) {
        *ret_outcome = KAFKA_ADMIN_OUTCOME_UNCHANGED;
        return RC_OK;
    }
    rc = allow(admin, acl, &parsed, err);
    while (rc == RC_OK && !is_there && kafka_admin_look_again(admin, &tries))
        rc = is_allowed(admin, acl, &parsed, &is_there, err);
    if (rc == RC_OK)
        *ret_outcome = KAFKA_ADMIN_OUTCOME_CREATED;
    return rc;
}
