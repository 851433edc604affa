#ifndef KASUMORI_CLI_ACCOUNT_CHANGE_H
#define KASUMORI_CLI_ACCOUNT_CHANGE_H

#include "services/cli/cli.h"

/* One change of one account of the monitor, of a command's --tenant and --account. */
struct account_change {
    const char *name, *sql; /* $1 tenant, $2 account, then texts; no row: refused */
    const char *action;     /* of its audit row */
    const char *refusal;    /* what no row means; NULL: no such account, or it is so already */
    const char *texts[CLI_TEXTS_MAX - 2];
};

/* RC_REJECT: --tenant or --account is no name. */
enum rc account_change_check(const struct cli *cli, struct err *err) MUST_CHECK;

/* With its audit row, in one transaction; the names are checked before. */
enum rc account_change(const struct cli *cli, const struct account_change *change,
                       struct err *err) MUST_CHECK;

#endif
