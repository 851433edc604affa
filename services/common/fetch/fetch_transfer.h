#ifndef KASUMORI_FETCH_FETCH_TRANSFER_H
#define KASUMORI_FETCH_FETCH_TRANSFER_H

#include <curl/curl.h>

#include "services/common/fetch/fetch.h"

/* One request of libcurl's, for fetch.c only. */
struct fetch_peer {
    const struct fetch_config *config;
    struct curl_slist *headers; /* of a question; they hold the key */
};

enum rc fetch_peer_init(struct fetch_peer *peer, const struct fetch_config *config,
                        struct err *err) MUST_CHECK;
void fetch_peer_done(struct fetch_peer *peer);

/* An easy handle for the job (NULL: a probe), to be done within left_us; NULL when memory is out.
   The caller releases it with curl_easy_cleanup. */
CURL *fetch_transfer_new(const struct fetch_peer *peer, struct fetch_job *job,
                         int64_t left_us) MUST_CHECK;

enum fetch_outcome fetch_transfer_outcome(CURLcode code);

#endif
