/* Opening a connection, and telling a server that is away from one that refuses us.
   Invariant: every wait here ends by the deadline, whatever the network does. libpq gives no
   SQLSTATE for a failed connection, so it is asked to write it into the message, and read back from
   there. */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/buf.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/db/db_internal.h"
#include "services/common/db/db_sqlstate.h"

enum { KEYWORDS_MAX = 64, OPTIONS_BYTES_MAX = 4096, CONNECT_MS = 10000 };

static const char SERVER_OPTIONS[] =
    "-c statement_timeout=10s -c idle_in_transaction_session_timeout=10s -c timezone=UTC "
    "-c client_min_messages=warning";

struct keywords {
    const char *names[KEYWORDS_MAX + 1];
    const char *values[KEYWORDS_MAX + 1];
    size_t count;
};

static int has_value(const PQconninfoOption *option)
{
    return option->val != NULL && option->val[0] != '\0';
}

static const char *given(const PQconninfoOption *options, const char *name)
{
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (strcmp(o->keyword, name) == 0)
            return has_value(o) ? o->val : NULL;
    return NULL;
}

static void add(struct keywords *keywords, const char *name, const char *value)
{
    if (keywords->count == KEYWORDS_MAX)
        return;
    keywords->names[keywords->count] = name;
    keywords->values[keywords->count] = value;
    keywords->count++;
}

static void add_unless_given(struct keywords *keywords, const PQconninfoOption *options,
                             const char *name, const char *value)
{
    if (given(options, name) == NULL)
        add(keywords, name, value);
}

/* Our defaults first, so that a later -c of the caller's wins. */
static enum rc write_options(struct buf *out, const char *callers, struct err *err)
{
    if (callers == NULL)
        callers = getenv("PGOPTIONS");
    if (callers != NULL && sizeof(SERVER_OPTIONS) + 1 + strlen(callers) > OPTIONS_BYTES_MAX)
        return err_set(err, RC_REJECT, "the connection string's options are too long");
    buf_add_str(out, SERVER_OPTIONS);
    if (callers != NULL && callers[0] != '\0')
        buf_addf(out, " %s", callers);
    return out->is_failed ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

static void fill(struct keywords *keywords, const PQconninfoOption *options,
                 const char *application_name, const struct buf *server_options)
{
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (has_value(o) && strcmp(o->keyword, "options") != 0)
            add(keywords, o->keyword, o->val);
    add(keywords, "options", (const char *)server_options->data);
    add_unless_given(keywords, options, "application_name", application_name);
    add_unless_given(keywords, options, "tcp_user_timeout", "10000");
    add_unless_given(keywords, options, "keepalives_idle", "10");
    add_unless_given(keywords, options, "keepalives_interval", "5");
    add_unless_given(keywords, options, "keepalives_count", "3");
    add_unless_given(keywords, options, "client_encoding", "UTF8");
}

/* Common code never writes to standard error, which libpq does by itself with notices. */
static void ignore_notice(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result;
}

static int is_code(const char *at)
{
    for (int i = 0; i < 5; i++)
        if (!isdigit((unsigned char)at[i]) && !isupper((unsigned char)at[i]))
            return 0;
    return at[5] == ':';
}

/* "…FATAL:  28P01: password authentication failed…" has its code after the severity. Cuts the code
   out of line and returns it in code; "" when the server did not speak. */
static void cut_code(char *line, char code[6])
{
    code[0] = '\0';
    for (char *at = strstr(line, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        if (!is_code(at + 3))
            continue;
        memcpy(code, at + 3, 5);
        code[5] = '\0';
        memmove(at + 1, at + 9, strlen(at + 9) + 1);
        return;
    }
}

static enum rc report_failure(PGconn *conn, struct err *err)
{
    char line[sizeof(err->text)];
    char code[6];
    snprintf(line, sizeof(line), "%s", PQerrorMessage(conn));
    line[strcspn(line, "\n")] = '\0';
    cut_code(line, code);
    return err_set(err, db_sqlstate_find(code)->rc, "could not open the database: %s",
                   line[0] == '\0' ? "no reason given" : line);
}

/* Waits until the socket is ready for what libpq wants; 0 when the deadline has passed. */
static int wait_for(PGconn *conn, PostgresPollingStatusType wants, int64_t until_us)
{
    struct pollfd pollfd = {.fd = PQsocket(conn),
                            .events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    int64_t left_us = until_us - clock_mono_us(clock_real());
    if (left_us <= 0)
        return 0;
    return poll(&pollfd, 1, (int)(left_us / CLOCK_US_PER_MS) + 1) != 0; /* EINTR: ask libpq again */
}

static enum rc finish_connecting(PGconn *conn, struct err *err)
{
    int64_t until_us = clock_mono_us(clock_real()) + CONNECT_MS * CLOCK_US_PER_MS;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED || PQstatus(conn) == CONNECTION_BAD)
            return report_failure(conn, err);
        if (!wait_for(conn, status, until_us))
            return err_set(err, RC_RETRY, "could not open the database within %d ms", CONNECT_MS);
        status = PQconnectPoll(conn);
    }
    return RC_OK;
}

static enum rc connect_with(const struct keywords *keywords, PGconn **ret_conn, struct err *err)
{
    PGconn *conn = PQconnectStartParams(keywords->names, keywords->values, 0);
    if (conn == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    enum rc rc = finish_connecting(conn, err);
    if (rc != RC_OK) {
        PQfinish(conn);
        return rc;
    }
    PQsetErrorVerbosity(conn, PQERRORS_TERSE);
    *ret_conn = conn;
    return RC_OK;
}

/* libpq says why in words only, and says nothing at all when it has no memory for them. */
static enum rc parse(const char *conninfo, PQconninfoOption **ret_options, struct err *err)
{
    char *why = NULL; /* not shown: it quotes the string, and with it perhaps a password */
    PQconninfoOption *options = PQconninfoParse(conninfo, &why);
    int is_memory = why == NULL || strstr(why, "out of memory") != NULL;
    PQfreemem(why);
    if (options == NULL && is_memory)
        return err_set(err, RC_RETRY, "out of memory");
    if (options == NULL)
        return err_set(err, RC_REJECT, "cannot read the database's connection string");
    *ret_options = options;
    return RC_OK;
}

enum rc db_connect(const char *conninfo, const char *application_name, PGconn **ret_conn,
                   struct err *err)
{
    struct keywords keywords = {0};
    struct buf server_options;
    PQconninfoOption *options;
    enum rc rc = parse(conninfo, &options, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&server_options, OPTIONS_BYTES_MAX);
    rc = write_options(&server_options, given(options, "options"), err);
    fill(&keywords, options, application_name, &server_options);
    if (given(options, "password") != NULL)
        rc = err_set(
            err, RC_REJECT,
            "the database's connection string holds a password: put it into a file and name "
            "it with passfile");
    else if (rc == RC_OK)
        rc = connect_with(&keywords, ret_conn, err);
    buf_done(&server_options);
    PQconninfoFree(options);
    return rc;
}
