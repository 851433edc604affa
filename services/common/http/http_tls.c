/* TLS by OpenSSL under libevent's bufferevent. Invariant: nothing below TLS 1.2, no renegotiation.
 */
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "services/common/base/file.h"
#include "services/common/base/limits.h"
#include "services/common/http/http_internal.h"
#include "services/common/loop/loop.h"

/* An encrypted key would make OpenSSL ask at the terminal. */
static int on_password(char *text, int size, int is_writing, void *arg)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)arg;
    return 0;
}

static EVP_PKEY *key_parse(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->size);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, on_password, NULL);
    BIO_free(bio);
    return key;
}

static enum rc key_use(SSL_CTX *tls, const char *path, struct err *err)
{
    struct buf pem;
    buf_init(&pem, LIMIT_CONFIG_BYTES);
    enum rc rc = file_read_secret(path, &pem, err);
    EVP_PKEY *key = rc == RC_OK ? key_parse(&pem) : NULL;
    if (pem.data != NULL)
        OPENSSL_cleanse(pem.data, pem.size);
    buf_done(&pem);
    if (rc != RC_OK)
        return rc;
    if (key == NULL)
        rc = err_set(err, RC_REJECT, "%s: holds no plain private key in PEM", path);
    else if (SSL_CTX_use_PrivateKey(tls, key) != 1 || SSL_CTX_check_private_key(tls) != 1)
        rc = err_set(err, RC_REJECT, "%s: the key does not belong to the certificate", path);
    EVP_PKEY_free(key);
    return rc;
}

enum rc http_tls_new(const char *certificate_file, const char *key_file,
                     struct ssl_ctx_st **ret_tls, struct err *err)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL)
        return err_set(err, RC_RETRY, "could not set up TLS");
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    enum rc rc = RC_OK;
    if (SSL_CTX_use_certificate_chain_file(tls, certificate_file) != 1)
        rc = err_set(err, RC_REJECT, "%s: cannot be read as a certificate chain in PEM",
                     certificate_file);
    else
        rc = key_use(tls, key_file, err);
    ERR_clear_error();
    if (rc != RC_OK) {
        SSL_CTX_free(tls);
        return rc;
    }
    *ret_tls = tls;
    return RC_OK;
}

void http_tls_free(struct ssl_ctx_st *tls)
{
    SSL_CTX_free(tls);
}

struct bufferevent *http_tls_bufferevent(struct http_server *server)
{
    SSL *ssl = SSL_new(server->tls);
    if (ssl == NULL)
        return NULL;
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        loop_base(server->loop), -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    /* Requests carry their length, so a cut connection cannot be taken for a whole request. */
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

void http_tls_say_goodbye(struct bufferevent *bev)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    if (ssl != NULL && SSL_is_init_finished(ssl))
        SSL_shutdown(ssl);
    ERR_clear_error();
}
