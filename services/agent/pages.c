/* Files out of the program. Invariant: no page may load or send anything but from and to this
   agent, or stand in a frame. */
#include "services/agent/pages.h"

#include <string.h>

#include "services/common/base/embedded.h"

extern const struct embedded_file pages_files[];
extern const size_t pages_files_count;

static const char POLICY[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const struct embedded_file *find(const char *name)
{
    for (size_t i = 0; i < pages_files_count; i++)
        if (strcmp(pages_files[i].name, name) == 0)
            return &pages_files[i];
    return NULL;
}

void pages_serve(struct http_request *request, const char *name)
{
    const struct embedded_file *file = find(name);
    if (file == NULL) {
        http_reply_problem(request, 404, "Not Found", "there is nothing at this path", 0);
        return;
    }
    const struct http_header headers[] = {
        {"Cache-Control", "no-cache"},
        {"ETag", file->etag},
        {"Content-Security-Policy", POLICY},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
    };
    const char *known = http_request_header(request, "If-None-Match");
    int is_known = known != NULL && strcmp(known, file->etag) == 0;
    const struct http_answer answer = {
        .status = is_known ? 304 : 200,
        .type = is_known ? NULL : file->type,
        .body = slice_of(file->data, is_known ? 0 : file->size),
        .headers = headers,
        .headers_count = sizeof(headers) / sizeof(headers[0]),
    };
    http_reply_answer(request, &answer);
}
