/* A site's list of workers. Invariant: a PIN comes from a terminal or a file, never from the
   command line, and only its hash is written. */
#include "services/cli/worker.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "services/cli/secret.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"
#include "services/common/workers/workers.h"

enum { LINE_BYTES = 64 };

/* Two commands at once must not lose each other's line. */
static enum rc lock_folder(const char *path, int *ret_lock, struct err *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    if (size >= sizeof(folder))
        return err_set(err, RC_REJECT, "--file: the path is too long");
    memcpy(folder, path, size);
    folder[size] = '\0';
    int fd = open(size == 0 ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, RC_RETRY, "could not open the folder of %s: %m", path);
    if (flock(fd, LOCK_EX) != 0) {
        close(fd);
        return err_set(err, RC_RETRY, "could not lock the folder of %s: %m", path);
    }
    *ret_lock = fd;
    return RC_OK;
}

static enum rc load(const char *path, struct workers *ret_workers, struct err *err)
{
    if (access(path, F_OK) != 0)
        return workers_parse(slice_of(NULL, 0), ret_workers, err);
    return workers_load(path, ret_workers, err);
}

static enum rc store(const char *path, const struct workers *workers, struct err *err)
{
    struct buf text;
    buf_init(&text, LIMIT_WORKERS_BYTES);
    buf_add_str(&text, "# Who may sign in on the form: kasumori worker add, list, remove.\n");
    workers_write(workers, &text);
    enum rc rc = text.is_failed ? err_set(err, RC_REJECT, "%s: the list is too long", path)
                                : file_write_secret(path, buf_slice(&text), err);
    buf_done(&text);
    return rc;
}

/* -- verbs -- */

static enum rc put(struct workers *workers, const char *code, const char *pin, struct err *err)
{
    struct worker *worker = NULL;
    for (size_t i = 0; i < workers->count; i++)
        if (strcmp(workers->items[i].code, code) == 0)
            worker = &workers->items[i];
    if (worker == NULL && workers->count == LIMIT_WORKERS)
        return err_set(err, RC_REJECT, "want at most %d workers", LIMIT_WORKERS);
    if (worker == NULL)
        worker = &workers->items[workers->count++];
    snprintf(worker->code, sizeof(worker->code), "%s", code);
    return password_hash(slice_str(pin), worker->hash, err);
}

static enum rc add(const char *path, const char *code, const char *pin, struct err *err)
{
    struct workers workers;
    int lock;
    enum rc rc = lock_folder(path, &lock, err);
    if (rc != RC_OK)
        return rc;
    rc = load(path, &workers, err);
    if (rc == RC_OK) {
        rc = put(&workers, code, pin, err);
        if (rc == RC_OK)
            rc = store(path, &workers, err);
        workers_done(&workers);
    }
    close(lock);
    return rc;
}

static int run_add(struct cli *cli)
{
    const char *code = cli_value(cli, "worker");
    const struct secret_source source = {
        .what = "PIN", .path = cli_value(cli, "pin-file"), .option = "--pin-file"};
    char pin[LINE_BYTES] = "";
    struct err err;
    enum rc rc = RC_OK;
    if (!workers_is_code(slice_str(code)))
        rc = err_set(&err, RC_REJECT, "--worker: want 1 to %d letters, digits, - and _",
                     WORKERS_CODE_BYTES);
    if (rc == RC_OK)
        rc = secret_read(&source, pin, sizeof(pin), &err);
    if (rc == RC_OK)
        rc = workers_check_pin(slice_str(pin), &err);
    if (rc == RC_OK)
        rc = add(cli_value(cli, "file"), code, pin, &err);
    explicit_bzero(pin, sizeof(pin));
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("worker %s may sign in\n", code);
    return CLI_OK;
}

static int run_list(struct cli *cli)
{
    struct workers workers;
    struct err err;
    if (workers_load(cli_value(cli, "file"), &workers, &err) != RC_OK)
        return cli_fail(&err);
    for (size_t i = 0; i < workers.count; i++)
        printf("%s\n", workers.items[i].code);
    workers_done(&workers);
    return CLI_OK;
}

static enum rc take_out(struct workers *workers, const char *code, struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < workers->count; i++)
        if (strcmp(workers->items[i].code, code) != 0)
            workers->items[kept++] = workers->items[i];
    if (kept == workers->count)
        return err_set(err, RC_REJECT, "there is no worker %s", code);
    workers->count = kept;
    return RC_OK;
}

static int run_remove(struct cli *cli)
{
    const char *path = cli_value(cli, "file");
    const char *code = cli_value(cli, "worker");
    struct workers workers;
    struct err err;
    int lock;
    enum rc rc = lock_folder(path, &lock, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    rc = workers_load(path, &workers, &err);
    if (rc == RC_OK) {
        rc = take_out(&workers, code, &err);
        if (rc == RC_OK)
            rc = store(path, &workers, &err);
        workers_done(&workers);
    }
    close(lock);
    if (rc != RC_OK)
        return cli_fail(&err);
    printf("worker %s may no longer sign in\n", code);
    return CLI_OK;
}

static const struct cli_option ADD_OPTIONS[] = {
    {"file", "FILE", 1, "agent.yaml's form: workers_file; made when it is not there"},
    {"worker", "CODE", 1, "a code, never a name: it stands in records as a token"},
    {"pin-file", "FILE", 0, "mode 0600; without it the terminal asks twice"},
    {0},
};
static const struct cli_option LIST_OPTIONS[] = {
    {"file", "FILE", 1, "agent.yaml's form: workers_file"}, {0}};
static const struct cli_option REMOVE_OPTIONS[] = {
    {"file", "FILE", 1, "agent.yaml's form: workers_file"}, {"worker", "CODE", 1, "whom"}, {0}};

const struct cli_verb worker_verbs[] = {
    {.group = "worker",
     .verb = "add",
     .summary = "let a worker sign in on the form, or give a new PIN",
     .details =
         "Runs at the site, as the agent's user. The file holds hashes (Argon2id); the agent\n"
         "reads it at each sign-in, so nothing needs a restart.",
     .options = ADD_OPTIONS,
     .run = run_add},
    {.group = "worker",
     .verb = "list",
     .summary = "list the codes that may sign in",
     .options = LIST_OPTIONS,
     .run = run_list},
    {.group = "worker",
     .verb = "remove",
     .summary = "take a worker off the list; open sessions end with their next report",
     .options = REMOVE_OPTIONS,
     .run = run_remove},
    {0},
};
