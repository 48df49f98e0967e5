/*
 * The hash of the tables: an address and a 32-bit tag (prefix length, port) to 64 bits, seeded
 * per process (common/addr.h) so that nobody outside can choose colliding keys.
 */
#pragma once

#include "common/addr.h"

/* What a tag changes in the hash of an address. */
static inline uint64_t table_hash_tag(uint32_t tag)
{
	return tag * 0xd6e8feb86659fd93u;
}

/* Two multiplications. The tag is mixed in so that tag 0 costs nothing and gives addr_hash(). The
 * address need not be aligned. */
static inline uint64_t table_hash(const void *a, uint32_t tag)
{
	return addr_hash(a) ^ table_hash_tag(tag);
}

/* The hash of an object's id. */
static inline uint64_t table_hash_id(uint64_t id)
{
	unsigned __int128 m = (unsigned __int128)(id ^ addr_hash_seed[0]) * (addr_hash_seed[1] | 1);
	uint64_t folded = (uint64_t)m ^ (uint64_t)(m >> 64);

	m = (unsigned __int128)(folded ^ addr_hash_seed[2]) * 0x9e3779b97f4a7c15u;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}
