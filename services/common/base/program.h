#ifndef KASUMORI_BASE_PROGRAM_H
#define KASUMORI_BASE_PROGRAM_H

/* The command line every service has: --config FILE [--check], --version, --help. */
struct program {
    const char *name;    /* kasumori-agent */
    const char *purpose; /* one sentence */
    const char *config;  /* agent.yaml */
    /* is_check: read what the configuration names, say what is wrong or that all is well, start
       nothing. Returns the exit status. */
    int (*run)(const char *config_path, int is_check);
};

/* Forbids core dumps, makes new files private, reads the command line, runs. Returns main's exit
 * status: 2 for wrong usage.
 */
int program_main(const struct program *program, int argc, char **argv);

#endif
