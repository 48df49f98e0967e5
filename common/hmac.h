/*
 * HMAC-SHA1 (RFC 2104) over scattered data, and what handling of keys needs: comparison in constant
 * time, wiping, random octets. On OpenSSL's libcrypto.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define HMAC_SHA1_LEN 20

/* A reusable computation: algorithm fetched once. For one thread at a time. */
struct hmac;

/* A new context. NULL with errno set: ENOMEM, or ENOTSUP when libcrypto offers no HMAC-SHA1. */
struct hmac *hmac_new(void);

/* Frees the context and the copy of the last key in it. NULL is allowed. */
void hmac_free(struct hmac *h);

/* Computes HMAC-SHA1 under the key over the `count` pieces of iov in their order. The key has at
 * least one octet. Returns 0, -EINVAL (no key) or -EIO (libcrypto failed; out is zero). */
int hmac_sha1(struct hmac *h, const void *key, size_t key_len, const struct iovec *iov,
	size_t count, uint8_t out[static HMAC_SHA1_LEN]);

/* Compares len octets in a time that does not depend on where they differ. */
bool hmac_equal(const void *a, const void *b, size_t len);

/* Overwrites a secret; the compiler cannot remove it. */
void hmac_wipe(void *secret, size_t len);

/* Fills buf with random octets fit for keys, cookies and sequence numbers. Returns 0 or -EIO. Any
 * thread. */
int hmac_random(void *buf, size_t len);
