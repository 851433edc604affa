/* What libcurl is told for each request, and what its codes mean to us. Invariant: no redirect, no
   proxy and no protocol but the configured one, and a peer is always verified. */
#include "services/common/fetch/fetch_transfer.h"

#include <string.h>
#include <strings.h>

#include "services/common/base/file.h"
#include "services/common/base/limits.h"

enum { URL_BYTES = 512 };

static int is_loopback(const char *host)
{
    static const char *const NAMES[] = {"127.0.0.1", "[::1]", "localhost"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        size_t size = strlen(NAMES[i]);
        if (strncasecmp(host, NAMES[i], size) == 0 && (host[size] == '\0' || host[size] == ':'))
            return 1;
    }
    return 0;
}

enum rc fetch_check_url(const char *url, struct err *err)
{
    static const char HTTPS[] = "https://";
    static const char HTTP[] = "http://";
    int is_https = strncmp(url, HTTPS, sizeof(HTTPS) - 1) == 0;
    int is_http = strncmp(url, HTTP, sizeof(HTTP) - 1) == 0;
    const char *host = url + (is_https ? sizeof(HTTPS) : sizeof(HTTP)) - 1;
    if ((!is_https && !is_http) || strlen(url) > URL_BYTES / 2)
        return err_set(err, RC_REJECT, "want https://host or https://host:port");
    if (host[0] == '\0' || host[strcspn(host, "/?#@\\ ")] != '\0')
        return err_set(err, RC_REJECT, "want https://host or https://host:port, nothing behind it");
    if (is_http && !is_loopback(host))
        return err_set(err, RC_REJECT, "http:// is for loopback only");
    return RC_OK;
}

static enum rc add_header(struct curl_slist **list, const char *line, struct err *err)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    *list = longer;
    return RC_OK;
}

static enum rc add_key(struct fetch_peer *peer, struct err *err)
{
    struct buf key;
    struct buf line;
    buf_init(&key, LIMIT_HTTP_KEY_BYTES);
    buf_init(&line, LIMIT_HTTP_KEY_BYTES + 64);
    enum rc rc = file_read_secret(peer->config->key_file, &key, err);
    while (rc == RC_OK && key.size > 0 && key.data[key.size - 1] <= ' ')
        key.data[--key.size] = '\0';
    for (size_t i = 0; rc == RC_OK && i < key.size; i++)
        if (key.data[i] <= ' ' || key.data[i] > '~')
            rc = err_set(err, RC_REJECT, "%s: the key holds white space or non-ASCII",
                         peer->config->key_file);
    if (rc == RC_OK && key.size == 0)
        rc = err_set(err, RC_REJECT, "%s: there is no key in it", peer->config->key_file);
    if (rc == RC_OK) {
        buf_addf(&line, "Authorization: Bearer %s", (const char *)key.data);
        rc = line.is_failed ? err_set(err, RC_RETRY, "out of memory")
                            : add_header(&peer->headers, (const char *)line.data, err);
    }
    if (key.data != NULL)
        explicit_bzero(key.data, key.capacity);
    if (line.data != NULL)
        explicit_bzero(line.data, line.capacity);
    buf_done(&key);
    buf_done(&line);
    return rc;
}

enum rc fetch_peer_init(struct fetch_peer *peer, const struct fetch_config *config, struct err *err)
{
    *peer = (struct fetch_peer){.config = config};
    enum rc rc = fetch_check_url(config->url, err);
    if (rc == RC_OK)
        rc = add_header(&peer->headers, "Content-Type: application/json", err);
    if (rc == RC_OK)
        rc = add_header(&peer->headers, "Accept: application/json", err);
    if (rc == RC_OK)
        rc = add_header(&peer->headers, "Expect:", err); /* bodies are small: no leave is asked */
    if (rc == RC_OK && config->key_file != NULL)
        rc = add_key(peer, err);
    if (rc != RC_OK)
        fetch_peer_done(peer);
    return rc;
}

void fetch_peer_done(struct fetch_peer *peer)
{
    for (struct curl_slist *line = peer->headers; line != NULL; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(peer->headers);
    *peer = (struct fetch_peer){0};
}

static size_t on_answer(char *data, size_t size, size_t count, void *ctx)
{
    struct fetch_job *job = ctx;
    if (job == NULL)
        return size * count;
    buf_add(&job->answer, data, size * count);
    return job->answer.is_failed ? 0 : size * count;
}

static CURLcode set_peer(CURL *easy, const struct fetch_peer *peer, const char *path)
{
    const struct fetch_config *config = peer->config;
    struct buf text;
    CURLcode code = CURLE_OK;
    buf_init(&text, URL_BYTES);
    buf_addf(&text, "%s%s", config->url, path);
    if (text.is_failed)
        code = CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_URL, text.data); /* copied */
    buf_done(&text);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (code == CURLE_OK && config->ca_file != NULL)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return code;
}

static CURLcode set_question(CURL *easy, const struct fetch_peer *peer, struct fetch_job *job)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, job);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
    if (code != CURLE_OK || job == NULL)
        return code;
    code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, peer->headers);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)job->body.size);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, job->body.data); /* borrowed */
    return code;
}

CURL *fetch_transfer_new(const struct fetch_peer *peer, struct fetch_job *job, int64_t left_us)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return NULL;
    long left_ms = left_us < 1000 ? 1 : (long)(left_us / 1000);
    CURLcode code = set_peer(easy, peer, job == NULL ? peer->config->probe_path : job->path);
    if (code == CURLE_OK)
        code = set_question(easy, peer, job);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
    if (code == CURLE_OK)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

enum fetch_outcome fetch_transfer_outcome(CURLcode code)
{
    static const struct {
        CURLcode code;
        enum fetch_outcome outcome;
    } OUTCOMES[] = {
        {CURLE_OK, FETCH_OUTCOME_ANSWERED},
        {CURLE_OPERATION_TIMEDOUT, FETCH_OUTCOME_TIMED_OUT},
        {CURLE_COULDNT_RESOLVE_HOST, FETCH_OUTCOME_UNREACHABLE},
        {CURLE_COULDNT_CONNECT, FETCH_OUTCOME_UNREACHABLE},
        {CURLE_SEND_ERROR, FETCH_OUTCOME_UNREACHABLE},
        {CURLE_RECV_ERROR, FETCH_OUTCOME_UNREACHABLE},
        {CURLE_GOT_NOTHING, FETCH_OUTCOME_UNREACHABLE},
        {CURLE_PARTIAL_FILE, FETCH_OUTCOME_UNREACHABLE},
        {CURLE_SSL_CONNECT_ERROR, FETCH_OUTCOME_UNTRUSTED},
        {CURLE_PEER_FAILED_VERIFICATION, FETCH_OUTCOME_UNTRUSTED},
        {CURLE_SSL_CACERT_BADFILE, FETCH_OUTCOME_UNTRUSTED},
        {CURLE_WRITE_ERROR, FETCH_OUTCOME_OVERSIZED},
    };
    for (size_t i = 0; i < sizeof(OUTCOMES) / sizeof(OUTCOMES[0]); i++)
        if (OUTCOMES[i].code == code)
            return OUTCOMES[i].outcome;
    return FETCH_OUTCOME_FAILED;
}
