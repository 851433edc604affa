/* Whom a peer's address stands for. Invariant: two addresses that one host can take at will are one
   peer. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "services/common/http/http.h"

enum { NETWORK_BYTES = 8 };

void http_peer_group(const char *peer, char text[HTTP_PEER_GROUP_BYTES])
{
    struct in6_addr address;
    char network[INET6_ADDRSTRLEN];
    snprintf(network, sizeof(network), "%.*s", (int)strcspn(peer, "%"), peer); /* fe80::1%eth0 */
    if (inet_pton(AF_INET6, network, &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address)) {
        snprintf(text, HTTP_PEER_GROUP_BYTES, "%s", peer);
        return;
    }
    memset(address.s6_addr + NETWORK_BYTES, 0, sizeof(address.s6_addr) - NETWORK_BYTES);
    inet_ntop(AF_INET6, &address, network, sizeof(network));
    snprintf(text, HTTP_PEER_GROUP_BYTES, "%s/64", network);
}
