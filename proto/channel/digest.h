/*
 * The mixing that digests of objects are made of. Internal to proto/channel.
 */
#pragma once

#include <endian.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

/* Two words more: the halves of a 128-bit product depend on all bits of both factors. */
static inline uint64_t digest_mix(uint64_t h, uint64_t a, uint64_t b)
{
	unsigned __int128 m =
		(unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ h ^ 0xbf58476d1ce4e5b9u);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t digest_addr(uint64_t h, const struct in6_addr *addr)
{
	uint64_t words[2];

	memcpy(words, addr, sizeof(words));
	return digest_mix(h, be64toh(words[0]), be64toh(words[1]));
}

static inline uint64_t digest_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = digest_mix(h, (uint8_t)*text, 1);
	return h;
}
