/* One front door for all services. */
#include "services/common/base/program.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static int usage(const struct program *program, FILE *to, int status)
{
    fprintf(
        to,
        "usage: %s --config FILE [--check]\n"
        "       %s --version\n"
        "%s\n"
        "  --config FILE  %s\n"
        "  --check        read the configuration and the files it names, say what is wrong, exit\n",
        program->name, program->name, program->purpose, program->config);
    return status;
}

int program_main(const struct program *program, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    int is_check = 0;
    prctl(PR_SET_DUMPABLE, 0);
    umask(077);
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'k':
            is_check = 1;
            break;
        case 'v':
            printf("%s %s\n", program->name, KASUMORI_VERSION);
            return 0;
        case 'h':
            return usage(program, stdout, 0);
        default:
            return usage(program, stderr, 2);
        }
    }
    if (path == NULL || optind != argc)
        return usage(program, stderr, 2);
    return program->run(path, is_check);
}
