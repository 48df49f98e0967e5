/*
 * The digest is libcrypto's, called directly: for messages of a hundred octets the context of its
 * EVP interface takes longer to set up than they take to digest.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "common/hmac.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = SHA_CBLOCK, INNER = 0x36, OUTER = 0x5c }; /* RFC 2104, 2 */

struct hmac {
	SHA_CTX ctx;
	uint8_t pad[BLOCK];
};

struct hmac *hmac_new(void)
{
	struct hmac *h = calloc(1, sizeof(*h));

	if (!h)
		errno = ENOMEM;
	return h;
}

void hmac_free(struct hmac *h)
{
	if (!h)
		return;
	OPENSSL_cleanse(h, sizeof(*h));
	free(h);
}

/* Starts a digest with the padded key. */
static bool begin(struct hmac *h, const uint8_t *key, size_t key_len, uint8_t with)
{
	memset(h->pad, with, BLOCK);
	for (size_t i = 0; i < key_len; i++)
		h->pad[i] ^= key[i];
	return SHA1_Init(&h->ctx) == 1 && SHA1_Update(&h->ctx, h->pad, BLOCK) == 1;
}

static bool digest(struct hmac *h, const uint8_t *key, size_t key_len, const struct iovec *iov,
	size_t count, uint8_t out[static HMAC_SHA1_LEN])
{
	uint8_t inner[HMAC_SHA1_LEN];
	bool good = begin(h, key, key_len, INNER);

	for (size_t i = 0; good && i < count; i++)
		if (iov[i].iov_len)
			good = SHA1_Update(&h->ctx, iov[i].iov_base, iov[i].iov_len) == 1;
	return good && SHA1_Final(inner, &h->ctx) == 1 && begin(h, key, key_len, OUTER) &&
	       SHA1_Update(&h->ctx, inner, sizeof(inner)) == 1 && SHA1_Final(out, &h->ctx) == 1;
}

int hmac_sha1(struct hmac *h, const void *key, size_t key_len, const struct iovec *iov,
	size_t count, uint8_t out[static HMAC_SHA1_LEN])
{
	uint8_t hashed[HMAC_SHA1_LEN];
	bool good;

	memset(out, 0, HMAC_SHA1_LEN);
	if (!key || key_len == 0)
		return -EINVAL;
	if (key_len > BLOCK) {
		SHA1(key, key_len, hashed);
		key = hashed;
		key_len = sizeof(hashed);
	}
	good = digest(h, key, key_len, iov, count, out);
	OPENSSL_cleanse(h, sizeof(*h));
	if (key == hashed)
		OPENSSL_cleanse(hashed, sizeof(hashed));
	if (!good)
		memset(out, 0, HMAC_SHA1_LEN);
	return good ? 0 : -EIO;
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
