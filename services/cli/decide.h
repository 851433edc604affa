#ifndef KASUMORI_CLI_DECIDE_H
#define KASUMORI_CLI_DECIDE_H

#include "services/cli/cli.h"
#include "services/cli/naming.h"
#include "services/common/correlate/derived.h"
#include "services/common/decision/decision.h"

extern const struct cli_verb decide_verbs[];

/* A decision as it was typed. */
struct decide {
    struct fact_decision fact; /* its lists are those below */
    struct uuid records[DECISION_NAMES_MAX];
    struct naming_class names[DECISION_NAMES_MAX];
    struct fact_class classes[DECISION_NAMES_MAX]; /* names, once facts are known */
    size_t classes_count;
    struct slice scope[DECISION_NAMES_MAX];
};

/* Reads the options of the verb. now_us: an end must lie after it. RC_REJECT with the option. */
enum rc decide_read(const struct cli *cli, int64_t now_us, struct decide *ret_decide,
                    struct err *err) MUST_CHECK;

/* Before the decision is a fact: every record and class it names is known and in use, and a
   revoked decision in force. Fills classes from names. RC_REJECT with what is wrong. */
enum rc decide_resolve(const struct derived *d, struct decide *decide, struct err *err) MUST_CHECK;

/* With the decision as the newest fact of d: whether it means anything (docs/correlation.md
   §1.1). RC_REJECT with why not. */
enum rc decide_judge(const struct derived *d, const struct fact_decision *decision,
                     struct err *err) MUST_CHECK;

#endif
