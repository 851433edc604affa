#ifndef KASUMORI_BASE_EMBEDDED_H
#define KASUMORI_BASE_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

/* A file that cmake/embed.cmake put into the program. */
struct embedded_file {
    const char *name; /* below its folder: "form.html" */
    const char *type; /* of the content, for HTTP */
    const char *etag; /* with its quotes */
    const uint8_t *data;
    size_t size;
};

#endif
