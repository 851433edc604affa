#include "tests/support/unit.h"

#include <string.h>

#include "services/common/http/http.h"

static void expect(const char *peer, const char *group)
{
    char text[HTTP_PEER_GROUP_BYTES];
    http_peer_group(peer, text);
    assert_string_equal(group, text);
}

static void an_ipv4_address_is_a_peer(void **state)
{
    (void)state;
    expect("192.0.2.1", "192.0.2.1");
    expect("192.0.2.2", "192.0.2.2");
    expect("::ffff:192.0.2.7", "::ffff:192.0.2.7");
}

static void of_ipv6_the_network_is(void **state)
{
    (void)state;
    expect("2001:db8:1:2::1", "2001:db8:1:2::/64");
    expect("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64");
    expect("2001:db8:1:3::1", "2001:db8:1:3::/64");
    expect("2001:db8:1:200::", "2001:db8:1:200::/64");
    expect("fe80::1", "fe80::/64");
    expect("fe80::1%eth0", "fe80::/64");
    expect("::1", "::/64");
    expect("ffff:ffff:ffff:ffff:1:1:1:1", "ffff:ffff:ffff:ffff::/64");
}

static void what_is_no_address_stays(void **state)
{
    (void)state;
    expect("unix", "unix");
    expect("", "");
    char longer[200];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    char text[HTTP_PEER_GROUP_BYTES];
    http_peer_group(longer, text);
    assert_int_equal(sizeof(text) - 1, strlen(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_is_a_peer),
        cmocka_unit_test(of_ipv6_the_network_is),
        cmocka_unit_test(what_is_no_address_stays),
    };
    return UNIT_MAIN(tests);
}
