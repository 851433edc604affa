/* Sessions of the form. Invariant: an id is compared in constant time and never logged. */
#include "services/agent/session.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "services/common/base/hex.h"

static int is_equal(const uint8_t *a, const uint8_t *b)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < SESSION_ID_BYTES; i++)
        difference |= (uint8_t)(a[i] ^ b[i]);
    return difference == 0;
}

static int is_live(const struct sessions *sessions, const struct session *session, int64_t now_us)
{
    return session->worker[0] != '\0' && now_us - session->used_us < sessions->idle_us &&
           now_us - session->begun_us < sessions->most_us;
}

/* The value of our cookie among those of the header. */
static int read_cookie(const char *header, uint8_t id[SESSION_ID_BYTES])
{
    static const char NAME[] = SESSION_COOKIE "=";
    char text[SESSION_TEXT_BYTES];
    while (header != NULL && *header != '\0') {
        header += strspn(header, "; ");
        size_t size = strcspn(header, "; ");
        if (size == sizeof(NAME) - 1 + sizeof(text) - 1 &&
            strncmp(header, NAME, sizeof(NAME) - 1) == 0) {
            memcpy(text, header + sizeof(NAME) - 1, sizeof(text) - 1);
            text[sizeof(text) - 1] = '\0';
            return hex_parse(text, id, SESSION_ID_BYTES) == RC_OK;
        }
        header += size;
    }
    return 0;
}

static struct session *find(struct sessions *sessions, const char *cookie)
{
    uint8_t id[SESSION_ID_BYTES];
    struct session *found = NULL;
    if (!read_cookie(cookie, id))
        return NULL;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (sessions->items[i].worker[0] != '\0' && is_equal(sessions->items[i].id, id))
            found = &sessions->items[i];
    return found;
}

enum rc session_begin(struct sessions *sessions, const char *worker, int64_t now_us,
                      char ret_id[SESSION_TEXT_BYTES], struct err *err)
{
    struct session *chosen = &sessions->items[0];
    uint8_t id[SESSION_ID_BYTES];
    if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
        return err_set(err, RC_RETRY, "could not get randomness: %m");
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &sessions->items[i];
        if (!is_live(sessions, session, now_us))
            *session = (struct session){0};
        if (session->worker[0] == '\0' ||
            (chosen->worker[0] != '\0' && session->used_us < chosen->used_us))
            chosen = session;
    }
    *chosen = (struct session){.begun_us = now_us, .used_us = now_us};
    memcpy(chosen->id, id, sizeof(id));
    snprintf(chosen->worker, sizeof(chosen->worker), "%s", worker);
    hex_format(id, sizeof(id), ret_id);
    return RC_OK;
}

const char *session_worker(struct sessions *sessions, const char *cookie, int64_t now_us)
{
    struct session *session = find(sessions, cookie);
    if (session == NULL)
        return NULL;
    if (!is_live(sessions, session, now_us)) {
        *session = (struct session){0};
        return NULL;
    }
    session->used_us = now_us;
    return session->worker;
}

void session_end(struct sessions *sessions, const char *cookie)
{
    struct session *session = find(sessions, cookie);
    if (session != NULL)
        *session = (struct session){0};
}

void session_end_worker(struct sessions *sessions, const char *worker)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (strcmp(sessions->items[i].worker, worker) == 0)
            sessions->items[i] = (struct session){0};
}
