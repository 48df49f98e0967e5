/*
 * The mobile nodes that are played: who they are and where, all worked out from their number, so
 * that a million of them need no memory. Pure functions but for the keys: any thread.
 *
 * Node i has the home address `home_prefix` | first + i. At place p it has a care-of address in
 * prefix p modulo their number; a place beyond the last prefix is another address in the same one.
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "common/addr.h"
#include "common/config.h"
#include "common/hmac.h"

enum {
	POPULATION_MAX = 1 << 24,
	POPULATION_PREFIXES_MAX = 16,
	POPULATION_PREFIX_BITS = 64, /* prefixes are not longer */
	POPULATION_MN_ID_MAX = 128,
	POPULATION_KEY_SIZE = 16,
};

/* The group `subscribers` of the configuration. */
struct population {
	uint32_t count;
	uint64_t first; /* interface identifier of node 0 */
	struct prefix6 home_prefix;
	struct config_list care_of_prefixes; /* of struct prefix6 */
	char *realm;                         /* mn_id is nodeI@REALM */
	uint32_t spi;
	char *key_seed; /* keys are made from it; NULL: there are none */
};

/* The /64 of a prefix with the given interface identifier. */
static inline struct in6_addr population_address(const struct prefix6 *prefix, uint64_t identifier)
{
	struct in6_addr a = prefix->addr;
	const uint64_t wire = htobe64(identifier);

	memcpy(a.s6_addr + 8, &wire, sizeof(wire));
	return a;
}

/* The home address of a node. */
static inline struct in6_addr population_home(const struct population *p, uint32_t node)
{
	return population_address(&p->home_prefix, p->first + node);
}

/* The care-of address of a node at a place. */
static inline struct in6_addr population_care_of(
	const struct population *p, uint32_t node, uint32_t place)
{
	const uint32_t count = (uint32_t)p->care_of_prefixes.count;
	const struct prefix6 *prefix =
		config_item(&p->care_of_prefixes, struct prefix6, place % count);

	return population_address(prefix, (uint64_t)(place / count) << 32 | (p->first + node));
}

/* Writes the network access identifier of a node (RFC 4283) to buf and returns its length. */
size_t population_mn_id(
	const struct population *p, uint32_t node, char buf[static POPULATION_MN_ID_MAX]);

/* Makes the key of a node (RFC 4285, 5.1) from the seed: the same in every run. Returns 0 or -EIO.
 * The caller wipes the key. */
int population_key(const struct population *p, struct hmac *hmac, uint32_t node,
	uint8_t key[static POPULATION_KEY_SIZE]);
