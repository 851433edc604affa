/* Load for an HTTP server: keep-alive connections, one request under way on each, a fixed count in
   all. One thread and one epoll, so that it can be held against a server of one loop. Prints one
   JSON line: requests per second, percentiles of the time from sending to the whole reply, replies
   not 2xx. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "services/common/base/buf.h"
#include "services/common/base/clock.h"
#include "services/common/base/file.h"
#include "services/common/base/mem.h"

enum { CONNECTIONS_MAX = 1024, REPLY_BYTES_MAX = 256 * 1024, BODY_BYTES_MAX = 64 * 1024 * 1024 };

struct options {
    int port;
    const char *unix_path;
    size_t connections;
    size_t count;
    const char *body_file;
    const char *path;
    const char *type;
    const char *key;
    int is_lines; /* the body file holds one body a line, sent in turn */
};

struct conn {
    int fd;
    struct slice request; /* under way */
    size_t sent;
    size_t received;
    int64_t began_us;
    char *reply; /* REPLY_BYTES_MAX + 1 */
};

struct load {
    struct options options;
    struct buf bytes;       /* all requests */
    struct slice *requests; /* within bytes, in turn */
    size_t requests_count;
    struct conn conns[CONNECTIONS_MAX];
    int epoll;
    int64_t *took_us;
    size_t begun;
    size_t done;
    size_t not_2xx;
};

static int fail(const char *what)
{
    fprintf(stderr, "http_load: %s: %m\n", what);
    return 0;
}

static int64_t now_us(void)
{
    return clock_mono_us(clock_real());
}

/* Its data is placed when bytes stand still. */
static void request_add(struct load *load, struct slice body)
{
    const struct options *options = &load->options;
    struct buf *out = &load->bytes;
    size_t from = out->size;
    buf_addf(out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n",
             options->body_file == NULL ? "GET" : "POST", options->path);
    if (options->key != NULL)
        buf_addf(out, "Authorization: Bearer %s\r\n", options->key);
    if (options->body_file != NULL)
        buf_addf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", options->type, body.size);
    buf_add_str(out, "\r\n");
    buf_add(out, body.data, body.size);
    load->requests[load->requests_count++] = slice_of(NULL, out->size - from);
}

/* The next body of rest, which is shortened by it. */
static struct slice body_take(const struct options *options, struct slice *rest)
{
    const uint8_t *end =
        options->is_lines && rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    struct slice body = slice_of(rest->data, size);
    size += end != NULL;
    *rest = slice_of(rest->data + size, rest->size - size);
    return body;
}

static int requests_make(struct load *load)
{
    const struct options *options = &load->options;
    struct buf file;
    struct err err;
    buf_init(&file, BODY_BYTES_MAX);
    buf_init(&load->bytes, 2 * BODY_BYTES_MAX);
    if (options->body_file != NULL && file_read(options->body_file, &file, &err) != RC_OK) {
        fprintf(stderr, "http_load: %s\n", err.text);
        return 0;
    }
    struct slice rest = buf_slice(&file);
    size_t lines = 1;
    for (size_t i = 0; i < rest.size; i++)
        lines += rest.data[i] == '\n';
    load->requests = mem_zalloc_array(lines, sizeof(*load->requests));
    if (load->requests == NULL)
        return fail("start");
    do
        request_add(load, body_take(options, &rest));
    while (rest.size > 0);
    const uint8_t *at = load->bytes.data;
    for (size_t i = 0; i < load->requests_count; i++) {
        load->requests[i].data = at;
        at += load->requests[i].size;
    }
    buf_done(&file);
    return !load->bytes.is_failed;
}

static int socket_open(const struct options *options)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    int is_local = options->unix_path != NULL;
    if (is_local && strlen(options->unix_path) >= sizeof(local.sun_path))
        return -1;
    if (is_local)
        memcpy(local.sun_path, options->unix_path, strlen(options->unix_path) + 1);
    tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(is_local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const struct sockaddr *to = is_local ? (struct sockaddr *)&local : (struct sockaddr *)&tcp;
    if (connect(fd, to, is_local ? sizeof(local) : sizeof(tcp)) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        close(fd);
        return -1;
    }
    int on = 1;
    if (!is_local)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static int conn_watch(struct load *load, struct conn *conn, int op, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};
    return epoll_ctl(load->epoll, op, conn->fd, &event) == 0;
}

/* Sends what can be sent of the request. */
static int conn_send(struct load *load, struct conn *conn)
{
    int was_waiting = conn->sent > 0;
    while (conn->sent < conn->request.size) {
        ssize_t n = send(conn->fd, conn->request.data + conn->sent, conn->request.size - conn->sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return conn_watch(load, conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        if (n < 0)
            return fail("send");
        conn->sent += (size_t)n;
    }
    return !was_waiting || conn_watch(load, conn, EPOLL_CTL_MOD, EPOLLIN);
}

static int conn_begin(struct load *load, struct conn *conn)
{
    conn->sent = 0;
    conn->received = 0;
    if (load->begun == load->options.count)
        return 1;
    conn->request = load->requests[load->begun++ % load->requests_count];
    conn->began_us = now_us();
    return conn_send(load, conn);
}

/* 1: the whole reply is there, 0: more is due, -1: it cannot be read. */
static int reply_state(const struct conn *conn)
{
    conn->reply[conn->received] = '\0';
    const char *end = strstr(conn->reply, "\r\n\r\n");
    if (end == NULL)
        return 0;
    const char *length = strcasestr(conn->reply, "\r\nContent-Length:");
    if (length == NULL || length > end)
        return -1;
    size_t body = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    size_t head = (size_t)(end - conn->reply) + 4;
    return conn->received >= head + body ? 1 : 0;
}

static int conn_receive(struct load *load, struct conn *conn)
{
    ssize_t n = recv(conn->fd, conn->reply + conn->received, REPLY_BYTES_MAX - conn->received, 0);
    if (n < 0 && errno == EAGAIN)
        return 1;
    if (n <= 0)
        return fail(n == 0 ? "the server closed a connection" : "recv");
    conn->received += (size_t)n;
    int state = reply_state(conn);
    if (state < 0 || (state == 0 && conn->received == REPLY_BYTES_MAX)) {
        errno = EPROTO;
        return fail("reply");
    }
    if (state == 0)
        return 1;
    load->took_us[load->done++] = now_us() - conn->began_us;
    load->not_2xx += conn->reply[strlen("HTTP/1.1 ")] != '2';
    return conn_begin(load, conn);
}

static int load_open(struct load *load)
{
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->took_us = mem_zalloc_array(load->options.count, sizeof(*load->took_us));
    if (load->epoll < 0 || load->took_us == NULL)
        return fail("start");
    for (size_t i = 0; i < load->options.connections; i++) {
        struct conn *conn = &load->conns[i];
        conn->fd = socket_open(&load->options);
        conn->reply = mem_alloc(REPLY_BYTES_MAX + 1);
        if (conn->fd < 0 || conn->reply == NULL || !conn_watch(load, conn, EPOLL_CTL_ADD, EPOLLIN))
            return fail("connect");
    }
    return 1;
}

static int load_run(struct load *load)
{
    struct epoll_event events[64];
    for (size_t i = 0; i < load->options.connections; i++)
        if (!conn_begin(load, &load->conns[i]))
            return 0;
    while (load->done < load->options.count) {
        int n = epoll_wait(load->epoll, events, 64, -1);
        if (n < 0 && errno != EINTR)
            return fail("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) != 0 && !conn_send(load, conn))
                return 0;
            if ((events[i].events & ~(unsigned)EPOLLOUT) != 0 && !conn_receive(load, conn))
                return 0;
        }
    }
    return 1;
}

static void load_close(struct load *load)
{
    for (size_t i = 0; i < load->options.connections; i++) {
        if (load->conns[i].fd > 0)
            close(load->conns[i].fd);
        mem_free(load->conns[i].reply);
    }
    if (load->epoll > 0)
        close(load->epoll);
    mem_free(load->took_us);
    mem_free(load->requests);
    buf_done(&load->bytes);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void report(struct load *load, int64_t wall_us)
{
    size_t count = load->options.count;
    qsort(load->took_us, count, sizeof(*load->took_us), compare);
    printf("{\"connections\":%zu,\"count\":%zu,\"seconds\":%.3f,\"rps\":%.0f,\"p50_us\":%lld,"
           "\"p99_us\":%lld,\"max_us\":%lld,\"not_2xx\":%zu}\n",
           load->options.connections, count, (double)wall_us / 1e6,
           (double)count * 1e6 / (double)(wall_us > 0 ? wall_us : 1),
           (long long)load->took_us[count / 2], (long long)load->took_us[count * 99 / 100],
           (long long)load->took_us[count - 1], load->not_2xx);
}

static int options_parse(int argc, char **argv, struct options *options)
{
    static const struct option LONG[] = {
        {"port", 1, NULL, 'p'},  {"unix", 1, NULL, 'u'}, {"connections", 1, NULL, 'c'},
        {"count", 1, NULL, 'n'}, {"body", 1, NULL, 'b'}, {"path", 1, NULL, 'P'},
        {"type", 1, NULL, 't'},  {"key", 1, NULL, 'k'},  {"lines", 0, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", LONG, NULL)) != -1;) {
        if (c == 'p')
            options->port = (int)strtol(optarg, NULL, 10);
        else if (c == 'u')
            options->unix_path = optarg;
        else if (c == 'c')
            options->connections = strtoul(optarg, NULL, 10);
        else if (c == 'n')
            options->count = strtoul(optarg, NULL, 10);
        else if (c == 'b')
            options->body_file = optarg;
        else if (c == 'P')
            options->path = optarg;
        else if (c == 't')
            options->type = optarg;
        else if (c == 'k')
            options->key = optarg;
        else if (c == 'l')
            options->is_lines = 1;
        else
            return 0;
    }
    return (options->port > 0 || options->unix_path != NULL) && options->connections > 0 &&
           options->connections <= CONNECTIONS_MAX && options->count >= options->connections;
}

int main(int argc, char **argv)
{
    static struct load load = {
        .options = {
            .connections = 1, .count = 10000, .path = "/v1/records", .type = "application/json"}};
    if (!options_parse(argc, argv, &load.options)) {
        fputs("usage: http_load (--port N | --unix PATH) [--connections N] [--count N]\n"
              "                 [--body FILE [--lines]] [--path PATH] [--type TYPE] [--key KEY]\n"
              "without --body it sends GET; count is at least connections\n",
              stderr);
        return 2;
    }
    int is_ok = requests_make(&load) && load_open(&load);
    int64_t began_us = now_us();
    is_ok = is_ok && load_run(&load);
    if (is_ok)
        report(&load, now_us() - began_us);
    load_close(&load);
    return is_ok && load.not_2xx == 0 ? 0 : 1;
}
