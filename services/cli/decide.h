#ifndef KASUMORI_CLI_DECIDE_H
#define KASUMORI_CLI_DECIDE_H

#include "services/cli/cli.h"
#include "services/cli/naming.h"
#include "services/common/base/buf.h"
#include "services/common/correlate/derived.h"

extern const struct cli_verb decide_verbs[];

enum {
    DECIDE_NAMES_MAX = 64, /* records, classes or sites of one decision */
    DECIDE_REASON_BYTES = 2048,
};

/* A decision as it was typed. */
struct decide {
    struct fact_decision fact; /* its lists are those below */
    struct uuid records[DECIDE_NAMES_MAX];
    struct naming_class names[DECIDE_NAMES_MAX];
    struct fact_class classes[DECIDE_NAMES_MAX]; /* names, once facts are known */
    size_t classes_count;
    struct slice scope[DECIDE_NAMES_MAX];
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

/* kasumori.decision.body */
void decide_write_body(const struct decide *decide, struct buf *out);

#endif
