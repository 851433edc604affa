/* Listening sockets. Invariant: a file at the Unix path is replaced only when it is a socket that
   nobody listens on, and removed at the end only when it is still the one made here. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "services/common/base/mem.h"
#include "services/common/http/http_internal.h"

enum { UNIX_MODE = 0660, LISTEN_BACKLOG = 511 };

static void on_accept_failed(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    /* Out of descriptors: accept would fail again at once, for ever. The sweep resumes. */
    evconnlistener_disable(listener);
}

static enum rc door_open(struct http_door *door, struct evconnlistener *listener, const char *name,
                         struct err *err)
{
    if (listener == NULL)
        return err_set(err, RC_RETRY, "could not listen on %s: %m", name);
    door->listener = evhttp_bind_listener(door->evhttp, listener);
    if (door->listener == NULL) {
        evconnlistener_free(listener);
        return err_set(err, RC_RETRY, "out of memory");
    }
    evconnlistener_set_error_cb(listener, on_accept_failed);
    return RC_OK;
}

static int address_parse(const char *address, int port, struct sockaddr_storage *ret, int *ret_size)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *ret_size = sizeof(*v4);
        return 1;
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
        return 0;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    *ret_size = sizeof(*v6);
    return 1;
}

static int port_of(int fd)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
        return 0;
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

enum rc http_listen_tcp(struct http_server *server, const char *address, int port, struct err *err)
{
    struct sockaddr_storage want;
    int size = 0;
    char name[96];
    if (port < 0 || port > 65535)
        return err_set(err, RC_REJECT, "port %d is not in 0 to 65535", port);
    if (!address_parse(address, port, &want, &size))
        return err_set(err, RC_REJECT, "address %s is neither IPv4 nor IPv6", address);
    snprintf(name, sizeof(name), "%s port %d", address, port);
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    if (want.ss_family == AF_INET6)
        flags |= LEV_OPT_BIND_IPV6ONLY;
    struct evconnlistener *listener = evconnlistener_new_bind(
        loop_base(server->loop), NULL, NULL, flags, LISTEN_BACKLOG, (struct sockaddr *)&want, size);
    enum rc rc = door_open(&server->tcp, listener, name, err);
    if (rc == RC_OK)
        server->port = port_of(evconnlistener_get_fd(listener));
    return rc;
}

/* Makes room for the socket file. */
static enum rc stale_remove(const char *path, const struct sockaddr_un *name, struct err *err)
{
    struct stat st = {.st_ino = 0};
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? RC_OK : err_set(err, RC_RETRY, "could not look at %s: %m", path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, RC_REJECT, "%s exists and is not a socket", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, RC_RETRY, "could not make a socket: %m");
    int failed = connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0;
    int is_stale = failed && errno == ECONNREFUSED;
    close(fd);
    if (!is_stale)
        return err_set(err, RC_RETRY, "could not listen on %s: another process does", path);
    if (unlink(path) != 0 && errno != ENOENT)
        return err_set(err, RC_RETRY, "could not remove the stale socket %s: %m", path);
    return RC_OK;
}

/* fchmod before bind gives the file its mode, less the umask, from its first instant; chmod then
   adds what the umask took. */
static enum rc unix_bind(int fd, const struct sockaddr_un *name, struct stat *ret_st,
                         struct err *err)
{
    const char *path = name->sun_path;
    if (fchmod(fd, UNIX_MODE) != 0 || bind(fd, (const struct sockaddr *)name, sizeof(*name)) != 0)
        return err_set(err, RC_RETRY, "could not bind %s: %m", path);
    if (chmod(path, UNIX_MODE) != 0 || lstat(path, ret_st) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        err_set(err, RC_RETRY, "could not listen on %s: %m", path);
        unlink(path);
        return RC_RETRY;
    }
    return RC_OK;
}

enum rc http_listen_unix(struct http_server *server, const char *path, struct err *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct stat st = {.st_ino = 0};
    if (path[0] == '\0' || strlen(path) >= sizeof(name.sun_path))
        return err_set(err, RC_REJECT, "the path of a Unix socket has 1 to %zu bytes",
                       sizeof(name.sun_path) - 1);
    memcpy(name.sun_path, path, strlen(path) + 1);
    enum rc rc = stale_remove(path, &name, err);
    if (rc != RC_OK)
        return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, RC_RETRY, "could not make a socket: %m");
    rc = unix_bind(fd, &name, &st, err);
    if (rc != RC_OK) {
        close(fd);
        return rc;
    }
    server->unix_device = st.st_dev;
    server->unix_inode = st.st_ino;
    server->unix_path = mem_strdup(path);
    struct evconnlistener *listener =
        server->unix_path == NULL
            ? NULL
            : evconnlistener_new(loop_base(server->loop), NULL, NULL,
                                 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (listener == NULL) {
        close(fd);
        unlink(path);
    }
    return door_open(&server->local, listener, path, err);
}

void http_listen_unlink(struct http_server *server)
{
    struct stat st = {.st_ino = 0};
    if (server->unix_path == NULL)
        return;
    if (lstat(server->unix_path, &st) == 0 && st.st_dev == server->unix_device &&
        st.st_ino == server->unix_inode)
        unlink(server->unix_path);
    mem_free(server->unix_path);
    server->unix_path = NULL;
}

static void door_switch(struct http_door *door, int is_on)
{
    if (door->listener == NULL)
        return;
    struct evconnlistener *listener = evhttp_bound_socket_get_listener(door->listener);
    if (is_on)
        evconnlistener_enable(listener);
    else
        evconnlistener_disable(listener);
}

void http_listen_pause(struct http_server *server)
{
    door_switch(&server->tcp, 0);
    door_switch(&server->local, 0);
}

void http_listen_resume(struct http_server *server)
{
    door_switch(&server->tcp, 1);
    door_switch(&server->local, 1);
}
