#include "tests/component/kafka/broker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void give_up(const char *text)
{
    fprintf(stderr, "broker: %s\n", text);
    abort();
}

const char *broker_address(void)
{
    const char *address = getenv("KASUMORI_TEST_BROKERS");
    if (address == NULL)
        give_up("run this through with_broker.py");
    return address;
}

void broker_do(const char *fmt, ...)
{
    char text[512];
    size_t size = 0;
    va_list args;
    const char *control = getenv("KASUMORI_TEST_CONTROL");
    if (control == NULL)
        give_up("run this through with_broker.py");
    int fd = (int)strtol(control, NULL, 10);
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text) - 1, fmt, args);
    va_end(args);
    text[n++] = '\n';
    if (write(fd, text, (size_t)n) != n)
        give_up("the control socket is gone");
    do {
        ssize_t got = read(fd, text + size, sizeof(text) - 1 - size);
        if (got <= 0)
            give_up("the control socket is gone");
        size += (size_t)got;
    } while (text[size - 1] != '\n' && size < sizeof(text) - 1);
    text[size] = '\0';
    if (strcmp(text, "ok\n") != 0)
        give_up(text);
}
