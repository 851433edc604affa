#ifndef KASUMORI_CLI_MIGRATIONS_H
#define KASUMORI_CLI_MIGRATIONS_H

#include <stddef.h>

/* The files of deploy/postgres/migrations as they were when this program was built, in order; made
   by embed_migrations.cmake. versions rise, with holes. */
struct migration {
    int version;
    const char *name;     /* file name */
    const char *checksum; /* SHA-256 of the file, hexadecimal */
    const char *sql;
};

extern const struct migration migrations_all[];
extern const size_t migrations_count;

#endif
