/* A server for test_http.py: the library under its own loop, with a handler for each way to reply.
   Prints "port N" when it listens; ends on SIGTERM, after what is under way. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/buf.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/http/http.h"
#include "services/common/loop/loop.h"

enum {
    LATE_MAX = 512,
    BODY_BYTES_MAX = 256 * 1024,
    PARTS_BYTES_MAX = 4096,
    LINE_BYTES_MAX = 64 * 1024,
};

struct count;

struct echo {
    struct loop *loop;
    struct http_server *server;
    struct http_request *late[LATE_MAX]; /* requests that /late holds until the next tick */
    size_t late_count;
    struct count *counts; /* streams that live */
    size_t closed_count;  /* streams whose peer went first */
    int is_stopping;
};

static void on_echo(void *ctx, struct http_request *request)
{
    (void)ctx;
    const char *type = http_request_header(request, "Content-Type");
    http_reply(request, 201, type == NULL ? "application/octet-stream" : type,
               http_request_body(request));
}

static void on_live(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply(request, 200, "text/plain", slice_str("alive\n"));
}

static void on_empty(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply(request, 204, NULL, slice_of(NULL, 0));
}

static void on_query(void *ctx, struct http_request *request)
{
    (void)ctx;
    const char *name = http_request_query(request, "name");
    http_reply(request, 200, "text/plain", slice_str(name == NULL ? "(none)" : name));
}

static void on_problem(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply_problem(request, 507, "Disk full", "line 1: \"quoted\" \\ \x01 \xff", 30);
}

static void on_late(void *ctx, struct http_request *request)
{
    struct echo *echo = ctx;
    if (echo->late_count == LATE_MAX)
        http_reply_problem(request, 503, "Full", NULL, 1);
    else
        echo->late[echo->late_count++] = request;
}

static void on_stats(void *ctx, struct http_request *request)
{
    struct echo *echo = ctx;
    char text[64];
    snprintf(text, sizeof(text), "%zu %zu", http_server_connections(echo->server),
             echo->late_count);
    if (http_request_query(request, "streams") != NULL)
        snprintf(text, sizeof(text), "%zu", echo->closed_count);
    http_reply(request, 200, "text/plain", slice_str(text));
}

static void on_part(void *ctx, struct http_request *request)
{
    (void)ctx;
    struct buf text;
    buf_init(&text, PARTS_BYTES_MAX);
    for (size_t i = 0; i < 3; i++) {
        struct slice part = http_request_part(request, i);
        buf_addf(&text, "[%.*s]", (int)part.size, (const char *)part.data);
    }
    http_reply(request, 200, "text/plain", buf_slice(&text));
    buf_done(&text);
}

static void on_peer(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply(request, 200, "text/plain", slice_str(http_request_peer(request)));
}

static void on_own_headers(void *ctx, struct http_request *request)
{
    (void)ctx;
    static const struct http_header HEADERS[] = {
        {"Content-Security-Policy", "default-src 'self'"},
        {"cache-control", "max-age=60"},
        {"ETag", "\"7\""},
    };
    const struct http_answer answer = {
        .status = 304, .headers = HEADERS, .headers_count = sizeof(HEADERS) / sizeof(HEADERS[0])};
    http_reply_answer(request, &answer);
}

/* -- streams: each counts up in lines, "?lines=N" of "?size=N" bytes, "?lines=0" until dropped --
 */

struct count {
    struct echo *echo;
    struct http_stream *stream;
    long lines_left; /* below 0: one more each tick, for ever */
    size_t size;
    struct count *next;
};

static void count_free(struct count *count)
{
    struct count **at = &count->echo->counts;
    while (*at != count)
        at = &(*at)->next;
    *at = count->next;
    mem_free(count);
}

static int count_write(struct count *count)
{
    char line[LINE_BYTES_MAX];
    memset(line, 'x', count->size);
    line[count->size - 1] = '\n';
    return http_stream_write(count->stream, slice_of(line, count->size));
}

static void on_count(void *ctx, struct http_stream *stream, enum http_stream_event event)
{
    struct count *count = ctx;
    (void)stream;
    if (event == HTTP_STREAM_EVENT_CLOSED) {
        count->echo->closed_count++;
        count_free(count);
    } else if (count->lines_left > 0) {
        count->lines_left--;
        count_write(count);
    } else if (count->lines_left == 0) {
        http_stream_end(count->stream);
        count_free(count);
    }
}

static long number_of(struct http_request *request, const char *name)
{
    const char *text = http_request_query(request, name);
    return text == NULL ? 0 : strtol(text, NULL, 10);
}

static void on_stream(void *ctx, struct http_request *request)
{
    struct echo *echo = ctx;
    struct count *count = mem_zalloc(sizeof(*count));
    const struct http_answer head = {
        .status = 200, .type = "text/plain", .body = slice_str("head\n")};
    *count = (struct count){
        .echo = echo, .size = (size_t)number_of(request, "size"), .next = echo->counts};
    count->lines_left = number_of(request, "lines");
    echo->counts = count;
    count->stream =
        http_stream_start(request, &head, (size_t)number_of(request, "backlog"), on_count, count);
    if (count->stream == NULL)
        count_free(count);
}

static void on_tick(void *ctx)
{
    struct echo *echo = ctx;
    for (size_t i = 0; i < echo->late_count; i++)
        http_reply(echo->late[i], 200, "text/plain", http_request_body(echo->late[i]));
    echo->late_count = 0;
    for (struct count *count = echo->counts; count != NULL; count = count->next)
        if (count->lines_left < 0)
            count_write(count);
    if (echo->is_stopping && http_server_connections(echo->server) == 0)
        loop_stop(echo->loop);
}

static void on_term(void *ctx)
{
    struct echo *echo = ctx;
    http_server_stop(echo->server);
    echo->is_stopping = 1;
}

/* Ends at once with requests still held: they outlive the server. */
static void on_usr1(void *ctx)
{
    struct echo *echo = ctx;
    loop_stop(echo->loop);
}

static const struct http_route ROUTES[] = {
    {HTTP_METHOD_POST, "/echo", on_echo, BODY_BYTES_MAX, 0},
    {HTTP_METHOD_GET, "/echo", on_live, 0, 0},
    {HTTP_METHOD_GET, "/livez", on_live, 0, 1},
    {HTTP_METHOD_GET, "/empty", on_empty, 0, 0},
    {HTTP_METHOD_GET, "/query", on_query, 0, 0},
    {HTTP_METHOD_GET, "/problem", on_problem, 0, 0},
    {HTTP_METHOD_POST, "/late", on_late, BODY_BYTES_MAX, 0},
    {HTTP_METHOD_GET, "/stats", on_stats, 0, 1},
    {HTTP_METHOD_GET, "/parts/first", on_live, 0, 0},
    {HTTP_METHOD_GET, "/parts/*", on_part, 0, 0},
    {HTTP_METHOD_GET, "/parts/*/of/*", on_part, 0, 0},
    {HTTP_METHOD_POST, "/parts/*/of/*", on_part, 0, 0},
    {HTTP_METHOD_GET, "/peer", on_peer, 0, 0},
    {HTTP_METHOD_GET, "/own", on_own_headers, 0, 0},
    {HTTP_METHOD_GET, "/stream", on_stream, 0, 0},
};

static int usage(void)
{
    fputs("usage: echo_server [-a ADDRESS] [-p PORT] [-u PATH] [-c CERT -k KEY] [-K KEYFILE]\n"
          "                   [-d DEADLINE_MS] [-i IDLE_MS] [-n CONNECTIONS] [-N PER_PEER]\n"
          "                   [-t TICK_MS]\n",
          stderr);
    return 2;
}

static int parse(int argc, char **argv, struct http_config *config, int64_t *ret_tick_us)
{
    for (int c; (c = getopt(argc, argv, "a:p:u:c:k:K:d:i:n:N:t:")) != -1;) {
        long number = optarg == NULL ? 0 : strtol(optarg, NULL, 10);
        if (c == 'a')
            config->address = optarg;
        else if (c == 'p')
            config->port = (int)number;
        else if (c == 'u')
            config->unix_path = optarg;
        else if (c == 'c')
            config->tls_certificate_file = optarg;
        else if (c == 'k')
            config->tls_key_file = optarg;
        else if (c == 'K')
            config->key_file = optarg;
        else if (c == 'd')
            config->request_deadline_us = number * CLOCK_US_PER_MS;
        else if (c == 'i')
            config->idle_us = number * CLOCK_US_PER_MS;
        else if (c == 'n')
            config->connections_max = (size_t)number;
        else if (c == 'N')
            config->connections_per_peer_max = (size_t)number;
        else if (c == 't')
            *ret_tick_us = number * CLOCK_US_PER_MS;
        else
            return 0;
    }
    return 1;
}

static int run(struct echo *echo, const struct http_config *config, int64_t tick_us)
{
    struct err err;
    if (http_server_new(echo->loop, config, ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0]), echo,
                        &echo->server, &err) != RC_OK) {
        fprintf(stderr, "%s: %s\n", rc_name(err.rc), err.text);
        return 1;
    }
    struct loop_watch *tick = loop_every(echo->loop, tick_us, on_tick, echo);
    struct loop_watch *term = loop_signal(echo->loop, SIGTERM, on_term, echo);
    struct loop_watch *usr1 = loop_signal(echo->loop, SIGUSR1, on_usr1, echo);
    printf("port %d\n", http_server_port(echo->server));
    fflush(stdout);
    enum rc rc = loop_run(echo->loop, &err);
    loop_watch_free(usr1);
    loop_watch_free(term);
    loop_watch_free(tick);
    http_server_free(echo->server);
    for (size_t i = 0; i < echo->late_count; i++)
        http_reply(echo->late[i], 200, "text/plain", slice_str("too late"));
    return rc == RC_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct echo echo = {.late_count = 0};
    struct http_config config = {.port = 0};
    int64_t tick_us = 50 * CLOCK_US_PER_MS;
    struct err err;
    if (!parse(argc, argv, &config, &tick_us))
        return usage();
    if (loop_new(&echo.loop, &err) != RC_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int status = run(&echo, &config, tick_us);
    loop_free(echo.loop);
    return status;
}
