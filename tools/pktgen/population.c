#include "tools/pktgen/population.h"

#include <stdio.h>

size_t population_mn_id(
	const struct population *p, uint32_t node, char buf[static POPULATION_MN_ID_MAX])
{
	int len = snprintf(buf, POPULATION_MN_ID_MAX, "node%u@%s", node, p->realm);

	return len < POPULATION_MN_ID_MAX ? (size_t)len : POPULATION_MN_ID_MAX - 1;
}

int population_key(const struct population *p, struct hmac *hmac, uint32_t node,
	uint8_t key[static POPULATION_KEY_SIZE])
{
	const uint32_t wire = htobe32(node);
	const struct iovec data = {.iov_base = (void *)&wire, .iov_len = sizeof(wire)};
	uint8_t digest[HMAC_SHA1_LEN];
	int rc = hmac_sha1(hmac, p->key_seed, strlen(p->key_seed), &data, 1, digest);

	memcpy(key, digest, POPULATION_KEY_SIZE);
	hmac_wipe(digest, sizeof(digest));
	return rc;
}
