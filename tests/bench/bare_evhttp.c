/* evhttp as it comes, answering 201 to any POST: what the strict server's rate is held against.
   Prints "port N". With --strict it is the same handler behind common/http. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "services/common/http/http.h"
#include "services/common/loop/loop.h"

enum { BODY_BYTES_MAX = 4 * 1024 * 1024 };

static const char BODY[] = "{\"recordId\":\"00000000-0000-7000-8000-000000000000\"}";

static void on_bare(struct evhttp_request *request, void *arg)
{
    (void)arg;
    struct evbuffer *body = evhttp_request_get_output_buffer(request);
    evbuffer_pullup(evhttp_request_get_input_buffer(request), -1);
    evbuffer_add(body, BODY, sizeof(BODY) - 1);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json");
    evhttp_send_reply(request, 201, "Created", NULL);
}

static void on_strict(void *ctx, struct http_request *request)
{
    (void)ctx;
    (void)http_request_body(request);
    http_reply(request, 201, "application/json", slice_str(BODY));
}

static int port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    return getsockname(fd, (struct sockaddr *)&name, &size) == 0 ? ntohs(name.sin_port) : 0;
}

static int serve_bare(struct loop *loop)
{
    struct evhttp *evhttp = evhttp_new(loop_base(loop));
    if (evhttp == NULL)
        return 1;
    evhttp_set_gencb(evhttp, on_bare, NULL);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(evhttp, "127.0.0.1", 0);
    if (bound == NULL)
        return 1;
    printf("port %d\n", port_of(evhttp_bound_socket_get_fd(bound)));
    fflush(stdout);
    int status = loop_run(loop, NULL) != RC_OK;
    evhttp_free(evhttp);
    return status;
}

static int serve_strict(struct loop *loop)
{
    static const struct http_route ROUTES[] = {
        {HTTP_METHOD_POST, "/v1/records", on_strict, BODY_BYTES_MAX, 0},
    };
    const struct http_config config = {.address = "127.0.0.1"};
    struct http_server *server = NULL;
    struct err err;
    if (http_server_new(loop, &config, ROUTES, 1, NULL, &server, &err) != RC_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("port %d\n", http_server_port(server));
    fflush(stdout);
    int status = loop_run(loop, NULL) != RC_OK;
    http_server_free(server);
    return status;
}

int main(int argc, char **argv)
{
    struct loop *loop = NULL;
    if (loop_new(&loop, NULL) != RC_OK)
        return 1;
    int is_strict = argc > 1 && strcmp(argv[1], "--strict") == 0;
    int status = is_strict ? serve_strict(loop) : serve_bare(loop);
    loop_free(loop);
    return status;
}
