/* Why the correlator says what it says.
   Invariant: the audit row that says what was looked at is committed before anything is printed. */
#include "services/cli/explain.h"

#include <stdio.h>
#include <string.h>

#include "services/cli/cli_facts.h"
#include "services/cli/naming.h"
#include "services/common/base/limits.h"
#include "services/common/base/uuid.h"
#include "services/common/correlate/steps.h"

/* What was asked for. */
struct name {
    struct uuid id;
    uint32_t ordinal;
    int has_token;
    struct naming_token token;
};

/* One sort of thing that can be explained. */
typedef enum rc explain_one(const struct explain *x, const struct name *name, struct err *err);

/* ---- subject ---- */

static enum rc find_node(const struct derived *d, const struct mention *mention,
                         const struct naming_token *name, size_t *ret_node, struct err *err)
{
    struct fact_token token;
    enum rc rc = naming_find_token(d, name, &token, err);
    if (rc != RC_OK)
        return rc;
    size_t class = derived_find_class(d, &token);
    for (size_t i = 0; mention->is_live && i < mention->classes_count; i++)
        if (mention->classes[i] == class) {
            *ret_node = mention->nodes[i];
            return RC_OK;
        }
    return err_set(err, RC_REJECT, "the record does not link by that token");
}

static enum rc find_mention(const struct derived *d, const struct uuid *record, uint32_t ordinal,
                            size_t *ret_mention, struct err *err)
{
    const struct fact_record *named = derived_find_named(d, record);
    size_t effective = named == NULL ? NONE : derived_find_effective(d, &named->id);
    if (named == NULL)
        return err_set(err, RC_REJECT, "the record is not known");
    if (effective == NONE)
        return err_set(err, RC_REJECT, "the record is retracted or training");
    for (size_t m = 0; m < d->mentions_count; m++)
        if (d->mentions[m].effective == effective && d->mentions[m].ordinal == ordinal) {
            *ret_mention = m;
            return RC_OK;
        }
    return err_set(err, RC_REJECT, "the record has no such person, or one who is not its subject");
}

static enum rc say_subject(const struct explain *x, const struct name *name, struct err *err)
{
    struct explain_target target = {.node = NONE};
    enum rc rc = find_mention(x->d, &name->id, name->ordinal, &target.mention, err);
    if (rc == RC_OK && name->has_token)
        rc = find_node(x->d, &x->d->mentions[target.mention], &name->token, &target.node, err);
    if (rc == RC_OK)
        explain_subject(x, &target);
    return rc;
}

/* ---- occurrence, finding ---- */

static enum rc say_occurrence(const struct explain *x, const struct name *name, struct err *err)
{
    const struct fact_record *named = derived_find_named(x->d, &name->id);
    size_t effective = named == NULL ? NONE : derived_find_effective(x->d, &named->id);
    if (effective == NONE)
        return err_set(err, RC_REJECT, "no record of that id is known and in use");
    explain_occurrence(x, x->d->effectives[effective].occurrence);
    return RC_OK;
}

static enum rc say_finding(const struct explain *x, const struct name *name, struct err *err)
{
    for (size_t i = 0; i < x->d->findings.count; i++)
        if (memcmp(x->d->findings.items[i].id, name->id.bytes, sizeof(name->id.bytes)) == 0) {
            explain_finding(x, &x->d->findings.items[i]);
            return RC_OK;
        }
    return err_set(err, RC_REJECT, "there is no finding of that id");
}

/* ---- names ---- */

/* /ORDINAL[/KIND:KEY:MAC] */
static enum rc read_person(const char *text, struct name *name, struct err *err)
{
    char number[16];
    int64_t ordinal;
    size_t digits = text[0] == '/' ? strcspn(text + 1, "/") : 0;
    if (digits == 0 || digits >= sizeof(number))
        return err_set(err, RC_REJECT, "NAME: want RECORD/ORDINAL or RECORD/ORDINAL/KIND:KEY:MAC");
    snprintf(number, sizeof(number), "%.*s", (int)digits, text + 1);
    enum rc rc = cli_number("NAME", number, 0, INT16_MAX, &ordinal, err);
    if (rc != RC_OK)
        return rc;
    name->ordinal = (uint32_t)ordinal;
    name->has_token = text[1 + digits] == '/';
    return name->has_token
               ? naming_parse_token("NAME", slice_str(text + 2 + digits), &name->token, err)
               : RC_OK;
}

static enum rc read_name(const char *text, explain_one *say, struct name *name, struct err *err)
{
    size_t size = say == say_subject ? strcspn(text, "/") : strlen(text);
    enum rc rc = naming_parse_uuid("NAME", slice_of(text, size), &name->id, err);
    return rc == RC_OK && say == say_subject ? read_person(text + size, name, err) : rc;
}

/* ---- verbs ---- */

static enum rc read_language(const struct cli *cli, int *ret_is_english, struct err *err)
{
    const char *lang = cli_has(cli, "lang") ? cli_value(cli, "lang") : "ja";
    *ret_is_english = strcmp(lang, "en") == 0;
    if (!*ret_is_english && strcmp(lang, "ja") != 0)
        return err_set(err, RC_REJECT, "--lang: want ja or en");
    return cli_check_name("--tenant", cli_value(cli, "tenant"), err);
}

static enum rc write_audit(struct db *db, const struct cli *cli, const struct name *name,
                           struct err *err)
{
    char action[32], object[UUID_TEXT_BYTES];
    snprintf(action, sizeof(action), "explain.%s", cli->verb->verb);
    uuid_format(&name->id, object);
    return cli_audit_write(db,
                           &(struct cli_audit){.tenant = cli_value(cli, "tenant"),
                                               .action = action,
                                               .purpose = cli_value(cli, "purpose"),
                                               .object = object},
                           err);
}

static enum rc load(const struct cli *cli, const struct name *name, struct cli_facts *facts,
                    struct err *err)
{
    struct db *db;
    enum rc rc = cli_open_database(cli, &db, err);
    if (rc != RC_OK)
        return rc;
    rc = write_audit(db, cli, name, err);
    if (rc == RC_OK)
        rc = cli_facts_load(db, cli_value(cli, "tenant"), facts, err);
    db_close(db);
    return rc;
}

static enum rc print(struct explain *x, explain_one *say, const struct name *name, struct err *err)
{
    struct buf out;
    buf_init(&out, LIMIT_DUMP_BYTES);
    x->out = &out;
    enum rc rc = say(x, name, err);
    if (rc == RC_OK && out.is_failed)
        rc = err_set(err, RC_RETRY, "out of memory");
    if (rc == RC_OK && out.size > 0 && fwrite(out.data, 1, out.size, stdout) != out.size)
        rc = err_set(err, RC_RETRY, "could not write to standard output: %m");
    buf_done(&out);
    return rc;
}

static enum rc explain(const struct cli *cli, explain_one *say, struct err *err)
{
    struct cli_facts facts = {0};
    struct name name = {.ordinal = 0};
    struct explain x = {0};
    enum rc rc = read_language(cli, &x.is_english, err);
    if (rc == RC_OK)
        rc = read_name(cli->arguments[0], say, &name, err);
    if (rc == RC_OK)
        rc = load(cli, &name, &facts, err);
    x.d = facts.derived;
    if (rc == RC_OK)
        rc = print(&x, say, &name, err);
    cli_facts_done(&facts);
    return rc;
}

static int run_with(struct cli *cli, explain_one *say)
{
    struct err err;
    return explain(cli, say, &err) == RC_OK ? CLI_OK : cli_fail(&err);
}

static int run_subject(struct cli *cli)
{
    return run_with(cli, say_subject);
}

static int run_occurrence(struct cli *cli)
{
    return run_with(cli, say_occurrence);
}

static int run_finding(struct cli *cli)
{
    return run_with(cli, say_finding);
}

static const struct cli_option OPTIONS[] = {
    {"tenant", "NAME", 1, "whose facts"},
    {"lang", "ja|en", 0, "in which language; ja when not given"},
    {"purpose", "TEXT", 0, "why, for the audit row"},
    {0},
};

#define VERB(verb_, summary_, details_, run_)                                                  \
    {                                                                                          \
        .group = "explain", .verb = (verb_), .arguments = "NAME", .arguments_count = 1,        \
        .is_on_database = 1, .summary = (summary_), .details = (details_), .options = OPTIONS, \
        .run = (run_)                                                                          \
    }

const struct cli_verb explain_verbs[] = {
    VERB(
        "subject", "say why identifiers are one person, or why not",
        "NAME is RECORD/ORDINAL, for a person of a record, or RECORD/ORDINAL/KIND:KEY:MAC, for one "
        "of that\nperson's identifiers. Tokens are printed as their beginnings, which decide and "
        "explain take.",
        run_subject),
    VERB("occurrence", "say which records are one occurrence and what was decided",
         "NAME is the id of any of its records.", run_occurrence),
    VERB("finding", "say which rule found what, and by which policy", NULL, run_finding),
    {0},
};
