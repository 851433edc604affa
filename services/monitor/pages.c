/* The board's files over HTTP.
   Invariant: every file but index.html has the hash of its content in its name, so it may be kept
   for ever; index.html is asked for anew each time and carries the policy that binds all of them.
 */
#include "services/monitor/pages.h"

#include <string.h>
#include <strings.h>

#include "services/common/base/mem.h"

enum { POLICY_BYTES_MAX = 1024, PATH_BYTES_MAX = 128, HEADERS_MAX = 8 };

#define INDEX "index.html"
#define ASSETS "assets/"
#define KEEP_FOR_EVER "public, max-age=31536000, immutable"
#define ASK_EACH_TIME "no-cache"

struct pages {
    char policy[POLICY_BYTES_MAX + 1];
};

/* ---- the policy ---- */

/* The origin of an http or https address: its size, 0 when it is none. A character that could end
   the directive or the header is not taken. */
static size_t origin_size(const char *url)
{
    static const char HOST[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    if (scheme == 0)
        return 0;
    size_t host = strspn(url + scheme, HOST);
    char end = url[scheme + host];
    return host > 0 && (end == '\0' || end == '/') ? scheme + host : 0;
}

enum rc pages_policy(const char *tokeniser_url, struct buf *out, struct err *err)
{
    size_t origin = tokeniser_url == NULL ? 0 : origin_size(tokeniser_url);
    if (tokeniser_url != NULL && origin == 0)
        return err_set(err, RC_REJECT, "tokeniser_url: not an http or https address");
    buf_add_str(out, "default-src 'none'; script-src 'self'; style-src 'self'; "
                     "img-src 'self' data:; font-src 'self'; connect-src 'self'");
    if (origin > 0) {
        buf_add_char(out, ' ');
        buf_add(out, tokeniser_url, origin);
    }
    buf_add_str(out, "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    return out->is_failed ? err_set(err, RC_REJECT, "tokeniser_url: too long") : RC_OK;
}

enum rc pages_new(const char *tokeniser_url, struct pages **ret_pages, struct err *err)
{
    struct buf policy;
    struct pages *pages = mem_zalloc(sizeof(*pages));
    if (pages == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    buf_init(&policy, POLICY_BYTES_MAX);
    enum rc rc = pages_policy(tokeniser_url, &policy, err);
    if (rc == RC_OK) {
        memcpy(pages->policy, policy.data, policy.size);
        *ret_pages = pages;
    } else {
        pages_free(pages);
    }
    buf_done(&policy);
    return rc;
}

void pages_free(struct pages *pages)
{
    mem_free(pages);
}

/* ---- what the client has and takes ---- */

/* The next item of a comma-separated header, without spaces around it; size 0 at the end. */
static struct slice next_item(const char **at)
{
    static const char GAPS[] = " \t,";
    *at += strspn(*at, GAPS);
    size_t size = strcspn(*at, ",");
    const char *start = *at;
    *at += size;
    while (size > 0 && strchr(GAPS, start[size - 1]) != NULL)
        size--;
    return slice_of(start, size);
}

/* Whether an item's parameters say q=0, 0.0, 0.00 or 0.000. */
static int is_refused(struct slice parameters)
{
    char text[32];
    if (parameters.size >= sizeof(text))
        return 0;
    memcpy(text, parameters.data, parameters.size);
    text[parameters.size] = '\0';
    const char *q = strcasestr(text, "q=");
    return q != NULL && strspn(q + 2, "0. \t") == strlen(q + 2);
}

int pages_takes_gzip(const char *accept_encoding)
{
    struct slice item;
    if (accept_encoding == NULL)
        return 0;
    while ((item = next_item(&accept_encoding)).size > 0) {
        const uint8_t *semicolon = memchr(item.data, ';', item.size);
        size_t name = semicolon == NULL ? item.size : (size_t)(semicolon - item.data);
        while (name > 0 && (item.data[name - 1] == ' ' || item.data[name - 1] == '\t'))
            name--;
        if (name == 4 && strncasecmp((const char *)item.data, "gzip", 4) == 0)
            return !is_refused(slice_of(item.data + name, item.size - name));
    }
    return 0;
}

int pages_has_etag(const char *if_none_match, const char *etag)
{
    struct slice item, wanted = slice_str(etag);
    if (if_none_match == NULL)
        return 0;
    while ((item = next_item(&if_none_match)).size > 0) {
        if (item.size > 2 && memcmp(item.data, "W/", 2) == 0)
            item = slice_of(item.data + 2, item.size - 2);
        if (slice_is_equal(item, wanted) || slice_is_equal(item, slice_str("*")))
            return 1;
    }
    return 0;
}

/* ---- answers ---- */

const struct page_file *pages_find(struct slice path)
{
    for (size_t i = 0; i < pages_files_count; i++)
        if (slice_is_equal(path, slice_str(pages_files[i].path)))
            return &pages_files[i];
    return NULL;
}

static void reply_file(const struct pages *pages, struct http_request *request,
                       const struct page_file *file, const char *cache)
{
    int is_gzip = pages_takes_gzip(http_request_header(request, "Accept-Encoding"));
    const char *etag = is_gzip ? file->etag_gzip : file->etag;
    int has_it = pages_has_etag(http_request_header(request, "If-None-Match"), etag);
    struct http_header headers[HEADERS_MAX] = {
        {"Cache-Control", cache},
        {"ETag", etag},
        {"Vary", "Accept-Encoding"},
        {"Content-Security-Policy", pages->policy},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Content-Encoding", "gzip"},
    };
    const struct http_answer answer = {
        .status = has_it ? 304 : 200,
        .type = has_it ? NULL : file->type,
        .body = has_it    ? slice_of(NULL, 0)
                : is_gzip ? file->gzip
                          : file->plain,
        .headers = headers,
        .headers_count = is_gzip && !has_it ? HEADERS_MAX : HEADERS_MAX - 1,
    };
    http_reply_answer(request, &answer);
}

void pages_reply_index(const struct pages *pages, struct http_request *request)
{
    const struct page_file *file = pages_find(slice_str(INDEX));
    if (file == NULL)
        http_reply_problem(request, 404, "Not found", "this program was built without the board",
                           0);
    else
        reply_file(pages, request, file, ASK_EACH_TIME);
}

void pages_reply_asset(const struct pages *pages, struct http_request *request)
{
    char path[PATH_BYTES_MAX] = ASSETS;
    const size_t prefix = sizeof(ASSETS) - 1;
    struct slice name = http_request_part(request, 0);
    const struct page_file *file = NULL;
    if (name.size < sizeof(path) - prefix) {
        memcpy(path + prefix, name.data, name.size);
        file = pages_find(slice_of(path, prefix + name.size));
    }
    if (file == NULL)
        http_reply_problem(request, 404, "Not found", NULL, 0);
    else
        reply_file(pages, request, file, KEEP_FOR_EVER);
}
