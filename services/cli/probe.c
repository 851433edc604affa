/* Asking a service whether it is well, with plain sockets: the images hold no other HTTP client.
   Invariant: one deadline covers everything, so a server that dribbles cannot hold the probe; hence
   addresses are numeric, for no look-up of a name can be given a deadline. */
#include "services/cli/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/common/base/clock.h"

enum { DEADLINE_MS = 2000, HOST_BYTES = 64, PORT_BYTES = 8, PATH_BYTES = 256 };

/* "HTTP/1.1 200": what follows does not matter. */
enum { STATUS_AT = 9, STATUS_BYTES = 12 };

struct target {
    char host[HOST_BYTES];
    char port[PORT_BYTES];
    char path[PATH_BYTES];
};

/* One question; deadline_us on the monotonic clock. */
struct probe {
    int fd;
    int64_t deadline_us;
};

/* ---- what to ask ---- */

static int copy_part(char *out, size_t size, const char *from, const char *end)
{
    size_t length = (size_t)(end - from);
    if (length == 0 || length >= size)
        return 0;
    memcpy(out, from, length);
    out[length] = '\0';
    return 1;
}

static int is_path(const char *path)
{
    for (; *path != '\0'; path++)
        if (*path <= ' ' || *path > '~') /* what could end the request line, or another header */
            return 0;
    return 1;
}

/* 127.0.0.1:8471/readyz or [::1]:8471/readyz */
static enum rc parse_target(const char *text, struct target *ret_target, struct err *err)
{
    struct target target;
    const char *slash = strchr(text, '/');
    const char *colon = slash == NULL ? NULL : memrchr(text, ':', (size_t)(slash - text));
    if (colon == NULL || colon == text)
        return err_set(err, RC_REJECT, "want ADDRESS:PORT/PATH");
    int is_bracketed = text[0] == '[' && colon[-1] == ']';
    if (!copy_part(target.host, HOST_BYTES, text + is_bracketed, colon - is_bracketed) ||
        !copy_part(target.port, PORT_BYTES, colon + 1, slash) ||
        !copy_part(target.path, PATH_BYTES, slash, slash + strlen(slash)) || !is_path(target.path))
        return err_set(err, RC_REJECT, "want ADDRESS:PORT/PATH");
    *ret_target = target;
    return RC_OK;
}

/* ---- asking ---- */

static enum rc wait_for(const struct probe *probe, short events, struct err *err)
{
    struct pollfd poll_fd = {.fd = probe->fd, .events = events};
    for (;;) {
        int64_t left_us = probe->deadline_us - clock_mono_us(clock_real());
        if (left_us <= 0)
            return err_set(err, RC_RETRY, "no answer within %d ms", DEADLINE_MS);
        int found = poll(&poll_fd, 1, (int)(left_us / CLOCK_US_PER_MS) + 1);
        if (found > 0)
            return RC_OK;
        if (found < 0 && errno != EINTR)
            return err_set(err, RC_RETRY, "could not wait for an answer: %m");
    }
}

static enum rc connect_to(const struct probe *probe, const struct addrinfo *address,
                          struct err *err)
{
    socklen_t size = sizeof(int);
    int failure = 0;
    if (connect(probe->fd, address->ai_addr, address->ai_addrlen) == 0)
        return RC_OK;
    if (errno != EINPROGRESS)
        return err_set(err, RC_RETRY, "could not connect: %m");
    enum rc rc = wait_for(probe, POLLOUT, err);
    if (rc != RC_OK)
        return rc;
    if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0)
        errno = failure;
    return errno == 0 ? RC_OK : err_set(err, RC_RETRY, "could not connect: %m");
}

static enum rc send_request(const struct probe *probe, const struct target *target, struct err *err)
{
    char request[PATH_BYTES + HOST_BYTES + 128];
    int is_v6 = strchr(target->host, ':') != NULL;
    int size =
        snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nUser-Agent: kasumori-probe\r\n"
                 "Connection: close\r\n\r\n",
                 target->path, is_v6 ? "[" : "", target->host, is_v6 ? "]" : "", target->port);
    /* A fresh socket's buffer takes it whole. */
    if (send(probe->fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        return err_set(err, RC_RETRY, "could not send the request: %m");
    return RC_OK;
}

static enum rc read_status(const struct probe *probe, int *ret_status, struct err *err)
{
    char line[STATUS_BYTES];
    for (size_t size = 0; size < sizeof(line);) {
        enum rc rc = wait_for(probe, POLLIN, err);
        if (rc != RC_OK)
            return rc;
        ssize_t n = read(probe->fd, line + size, sizeof(line) - size);
        if (n == 0)
            return err_set(err, RC_RETRY, "the connection was closed without an answer");
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return err_set(err, RC_RETRY, "could not read the answer: %m");
        size += n > 0 ? (size_t)n : 0;
    }
    int status = 0;
    for (size_t i = STATUS_AT; i < STATUS_BYTES; i++)
        status = line[i] < '0' || line[i] > '9' ? -1000 : status * 10 + line[i] - '0';
    if (memcmp(line, "HTTP/1.", 7) != 0 || line[STATUS_AT - 1] != ' ' || status < 100)
        return err_set(err, RC_REJECT, "the answer is not HTTP");
    *ret_status = status;
    return RC_OK;
}

static enum rc ask(const struct probe *probe, const struct target *target,
                   const struct addrinfo *address, struct err *err)
{
    int status;
    enum rc rc = connect_to(probe, address, err);
    if (rc == RC_OK)
        rc = send_request(probe, target, err);
    if (rc == RC_OK)
        rc = read_status(probe, &status, err);
    if (rc == RC_OK && status / 100 != 2)
        rc = err_set(err, RC_REJECT, "the answer is %d", status);
    return rc;
}

static enum rc probe_target(const struct target *target, struct err *err)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *address;
    int failure = getaddrinfo(target->host, target->port, &hints, &address);
    if (failure != 0)
        return err_set(err, RC_REJECT, "want a numeric address and port: %s",
                       gai_strerror(failure));
    struct probe probe = {.deadline_us =
                              clock_mono_us(clock_real()) + DEADLINE_MS * CLOCK_US_PER_MS};
    probe.fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    enum rc rc = probe.fd < 0 ? err_set(err, RC_RETRY, "could not make a socket: %m")
                              : ask(&probe, target, address, err);
    if (probe.fd >= 0)
        close(probe.fd);
    freeaddrinfo(address);
    return rc;
}

static int run(struct cli *cli)
{
    struct target target;
    struct err err;
    enum rc rc = parse_target(cli->arguments[0], &target, &err);
    if (rc == RC_OK)
        rc = probe_target(&target, &err);
    if (rc == RC_OK)
        return CLI_OK;
    err_prefix(&err, "%.100s", cli->arguments[0]);
    return cli_fail(&err);
}

const struct cli_verb probe_verbs[] = {
    {.group = "probe",
     .arguments = "ADDRESS:PORT/PATH",
     .arguments_count = 1,
     .summary = "ask a service over HTTP whether it is well, for health checks",
     .details = "One GET. Exit status 0 when the answer is 2xx and came within 2 seconds. The\n"
                "address is numeric: 127.0.0.1:8471/readyz or [::1]:8471/readyz.",
     .run = run},
    {0},
};
