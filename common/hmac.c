#include "common/hmac.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

struct hmac {
	EVP_MAC_CTX *ctx;
};

/* A context with the digest set, or NULL: no such algorithm, or no memory. */
static EVP_MAC_CTX *make_context(void)
{
	char digest[] = "SHA1";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac); /* the context holds a reference */
	if (ctx && EVP_MAC_CTX_set_params(ctx, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

struct hmac *hmac_new(void)
{
	struct hmac *h = calloc(1, sizeof(*h));

	if (!h) {
		errno = ENOMEM;
		return NULL;
	}
	h->ctx = make_context();
	if (!h->ctx) {
		free(h);
		errno = ENOTSUP;
		return NULL;
	}
	return h;
}

void hmac_free(struct hmac *h)
{
	if (!h)
		return;
	EVP_MAC_CTX_free(h->ctx);
	free(h);
}

int hmac_sha1(struct hmac *h, const void *key, size_t key_len, const struct iovec *iov,
	size_t count, uint8_t out[static HMAC_SHA1_LEN])
{
	size_t len = 0;

	memset(out, 0, HMAC_SHA1_LEN);
	if (!key || key_len == 0)
		return -EINVAL;
	if (EVP_MAC_init(h->ctx, key, key_len, NULL) != 1)
		return -EIO;
	for (size_t i = 0; i < count; i++)
		if (iov[i].iov_len && EVP_MAC_update(h->ctx, iov[i].iov_base, iov[i].iov_len) != 1)
			return -EIO;
	if (EVP_MAC_final(h->ctx, out, &len, HMAC_SHA1_LEN) != 1 || len != HMAC_SHA1_LEN) {
		memset(out, 0, HMAC_SHA1_LEN);
		return -EIO;
	}
	return 0;
}

bool hmac_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void hmac_wipe(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}

int hmac_random(void *buf, size_t len)
{
	if (len > INT_MAX)
		return -EIO;
	return RAND_bytes(buf, (int)len) == 1 ? 0 : -EIO;
}
