/* Secrets that people give. Invariant: the terminal echoes again, whatever came of it. */
#include "services/cli/secret.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "services/common/base/buf.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"

static enum rc read_line(const struct secret_source *source, const char *more, char *line,
                         size_t size, struct err *err)
{
    fprintf(stderr, "%s%s: ", source->what, more);
    char *read = fgets(line, (int)size, stdin);
    fputc('\n', stderr);
    if (read == NULL)
        return err_set(err, RC_REJECT, "no %s was given", source->what);
    if (strchr(line, '\n') == NULL)
        return err_set(err, RC_REJECT, "the %s is too long", source->what);
    line[strcspn(line, "\r\n")] = '\0';
    return RC_OK;
}

static enum rc read_twice(const struct secret_source *source, char *line, size_t size,
                          struct err *err)
{
    char again[LIMIT_STRING_BYTES * 8];
    size_t again_size = size < sizeof(again) ? size : sizeof(again);
    enum rc rc = read_line(source, "", line, again_size, err);
    if (rc == RC_OK)
        rc = read_line(source, " again", again, again_size, err);
    if (rc == RC_OK && strcmp(line, again) != 0)
        rc = err_set(err, RC_REJECT, "the two differ");
    explicit_bzero(again, sizeof(again));
    return rc;
}

static enum rc ask(const struct secret_source *source, char *line, size_t size, struct err *err)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return err_set(err, RC_REJECT, "want a terminal to type the %s, or %s", source->what,
                       source->option);
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
        return err_set(err, RC_RETRY, "could not silence the terminal: %m");
    enum rc rc = read_twice(source, line, size, err);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    return rc;
}

static enum rc read_first_line(const struct secret_source *source, char *line, size_t size,
                               struct err *err)
{
    struct buf text;
    buf_init(&text, size - 1);
    enum rc rc = file_read_secret(source->path, &text, err);
    if (rc == RC_OK) {
        snprintf(line, size, "%s", text.data == NULL ? "" : (const char *)text.data);
        line[strcspn(line, "\r\n")] = '\0';
    }
    if (text.data != NULL)
        explicit_bzero(text.data, text.capacity);
    buf_done(&text);
    return rc;
}

enum rc secret_read(const struct secret_source *source, char *line, size_t size, struct err *err)
{
    enum rc rc = source->path == NULL ? ask(source, line, size, err)
                                      : read_first_line(source, line, size, err);
    if (rc != RC_OK)
        explicit_bzero(line, size);
    return rc;
}
