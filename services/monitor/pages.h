#ifndef KASUMORI_MONITOR_PAGES_H
#define KASUMORI_MONITOR_PAGES_H

#include <stddef.h>

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/http/http.h"

/* The board's files, built into the program: "/" and "/assets/…". They hold no data, so anybody may
   have them; what they show comes from /v1. Loop's thread. */
struct pages;

/* tokeniser_url: headquarters' own agent, which the board may ask as well, or NULL. RC_REJECT when
   it is not "http://host[:port]" or "https://…". */
enum rc pages_new(const char *tokeniser_url, struct pages **ret_pages, struct err *err) MUST_CHECK;
void pages_free(struct pages *pages);

/* Answer "/" and what is below "/assets"; 304 when the client has it, gzip when the client takes
   it, 404 for a name that is not among the files. */
void pages_reply_index(const struct pages *pages, struct http_request *request);
void pages_reply_asset(const struct pages *pages, struct http_request *request);

/* ---- its parts ---- */

struct page_file {
    const char *path; /* "index.html", "assets/board-<hash>.js" */
    const char *type;
    const char *etag; /* quoted; of the gzip form with "-gz" before the last quote */
    const char *etag_gzip;
    struct slice plain, gzip;
};

/* Made by the build (web/embed.cmake). */
extern const struct page_file pages_files[];
extern const size_t pages_files_count;

/* NULL when there is none of that path. */
const struct page_file *pages_find(struct slice path);
/* Whether an Accept-Encoding (NULL: absent) takes gzip. */
int pages_takes_gzip(const char *accept_encoding);
/* Whether an If-None-Match (NULL: absent) names etag, weakly or not. */
int pages_has_etag(const char *if_none_match, const char *etag);
/* Appends the Content-Security-Policy; rc as of pages_new. */
enum rc pages_policy(const char *tokeniser_url, struct buf *out, struct err *err) MUST_CHECK;

#endif
