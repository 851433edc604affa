/* Origins of requests. Invariant: what is not understood is FOREIGN. */
#include "services/agent/origin.h"

#include <stdio.h>
#include <string.h>

enum { ORIGIN_BYTES = 300 };

/* Digits and dots, or brackets: an address; or localhost. */
static int is_safe_host(const char *host)
{
    size_t size = strcspn(host, ":");
    if (host[0] == '[')
        return 1;
    if (size == 9 && memcmp(host, "localhost", 9) == 0)
        return 1;
    return size > 0 && strspn(host, "0123456789.") == size;
}

enum origin origin_judge(const char *origin, const char *host, int is_tls, const char *allowed)
{
    char own[ORIGIN_BYTES];
    if (host == NULL || (!is_tls && !is_safe_host(host)))
        return ORIGIN_FOREIGN;
    if (origin == NULL)
        return ORIGIN_NONE;
    snprintf(own, sizeof(own), "%s://%.256s", is_tls ? "https" : "http", host);
    if (strcmp(origin, own) == 0)
        return ORIGIN_OWN;
    return allowed != NULL && strcmp(origin, allowed) == 0 ? ORIGIN_ALLOWED : ORIGIN_FOREIGN;
}

enum origin origin_of(struct http_request *request, int is_tls, const char *allowed)
{
    const char *host = http_request_header(request, "Host");
    if (strcmp(http_request_peer(request), "unix") == 0)
        host = "localhost"; /* no browser comes this way */
    return origin_judge(http_request_header(request, "Origin"), host, is_tls, allowed);
}

int origin_sends_json(struct http_request *request)
{
    static const char JSON[] = "application/json";
    const char *type = http_request_header(request, "Content-Type");
    size_t size = sizeof(JSON) - 1;
    return type != NULL && strncasecmp(type, JSON, size) == 0 &&
           (type[size] == '\0' || type[size] == ';' || type[size] == ' ');
}

int origin_is_one(const char *text)
{
    const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : "";
    return host[0] != '\0' && strlen(text) < ORIGIN_BYTES &&
           host[strcspn(host, "/?#@\\ ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}
