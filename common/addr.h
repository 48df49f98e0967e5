/*
 * IPv6 addresses, prefixes and MAC addresses: text, classes, comparison, hashing.
 *
 * Addresses are `struct in6_addr` in network byte order everywhere. All functions are pure and
 * may be called from any thread.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PREFIX6_STRLEN (INET6_ADDRSTRLEN + 4)
#define MAC_STRLEN     18

/* An IPv6 prefix; the bits of addr behind len are zero. 20 octets, 3 of them padding: compare with
 * prefix6_compare(), not memcmp(). */
struct prefix6 {
	struct in6_addr addr;
	uint8_t len; /* 0 to 128 */
};
static_assert(sizeof(struct prefix6) == 20, "as documented");

/* An Ethernet address. */
struct mac {
	uint8_t b[6];
};

/* Reads an address in any form of RFC 4291, 2.2. Returns 0 or -EINVAL (also for a zone). */
int addr_parse(const char *text, struct in6_addr *out);

/* Writes the canonical text (RFC 5952) to buf and returns buf. */
const char *addr_format(char buf[static INET6_ADDRSTRLEN], const struct in6_addr *a);

/* The text of an address as an argument of printf or LOG_*: the buffer lives as long as the block
 * that the expression stands in. */
#define ADDR_TEXT(a) addr_format((char[INET6_ADDRSTRLEN]){0}, (a))

static inline bool addr_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Order of the octets: negative, zero or positive as memcmp(). */
static inline int addr_compare(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

static inline bool addr_is_unspecified(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a);
}

static inline bool addr_is_multicast(const struct in6_addr *a)
{
	return a->s6_addr[0] == 0xff;
}

/* fe80::/10 */
static inline bool addr_is_link_local(const struct in6_addr *a)
{
	return a->s6_addr[0] == 0xfe && (a->s6_addr[1] & 0xc0) == 0x80;
}

static inline bool addr_is_loopback(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a);
}

/* What RFC 6275, 3.1 and 9.5.1 call a unicast routable address: a global or a unique local unicast
 * address. Not one: unspecified, loopback, multicast, link-local, IPv4-mapped (::ffff:0:0/96) and
 * IPv4-compatible (::/96) addresses. */
bool addr_is_unicast_routable(const struct in6_addr *a);

/* fe80::/64 with the interface identifier of an address: its lower 64 bits (RFC 4291, 2.5.6). */
struct in6_addr addr_link_local_of(const struct in6_addr *a);

/* The link-local address with the modified EUI-64 of a MAC (RFC 2464, 5). */
struct in6_addr addr_link_local_of_mac(const struct mac *mac);

/* The solicited-node multicast address ff02::1:ffXX:XXXX of a unicast address (RFC 4291, 2.7.1). */
struct in6_addr addr_solicited_node(const struct in6_addr *a);

/* The Ethernet address 33:33:XX:XX:XX:XX of a multicast address (RFC 2464, 7). */
struct mac addr_multicast_mac(const struct in6_addr *a);

/* Random for each process, set before main(). For addr_hash() only. */
extern uint64_t addr_hash_seed[3];

/* A 64-bit hash of an address: two multiplications, seeded per process so that nobody outside can
 * choose colliding addresses. All bits are good. The value means nothing to another process. */
static inline uint64_t addr_hash(const struct in6_addr *a)
{
	uint64_t hi, lo;

	memcpy(&hi, a->s6_addr, 8);
	memcpy(&lo, a->s6_addr + 8, 8);
	unsigned __int128 m =
		(unsigned __int128)(hi ^ addr_hash_seed[0]) * (lo ^ addr_hash_seed[1]);
	uint64_t folded = (uint64_t)m ^ (uint64_t)(m >> 64);
	m = (unsigned __int128)(folded ^ addr_hash_seed[2]) * 0x9e3779b97f4a7c15u;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Reads "ADDRESS/LEN". Returns 0; -EINVAL when it is no prefix, or -EDOM when it is one but has
 * bits set behind its length (*out is then the prefix as it was probably meant). */
int prefix6_parse(const char *text, struct prefix6 *out);

/* Writes "ADDRESS/LEN" to buf and returns buf. */
const char *prefix6_format(char buf[static PREFIX6_STRLEN], const struct prefix6 *p);
#define PREFIX6_TEXT(p) prefix6_format((char[PREFIX6_STRLEN]){0}, (p))

/* The prefix of the first len bits (0 to 128) of an address; the rest is cleared. */
struct prefix6 prefix6_of(const struct in6_addr *a, uint8_t len);

/* True when the address is inside the prefix. ::/0 contains every address. */
bool prefix6_contains(const struct prefix6 *p, const struct in6_addr *a);

/* True when inner is outer or a part of it. */
bool prefix6_covers(const struct prefix6 *outer, const struct prefix6 *inner);

/* Order by address, then by length (short first): negative, zero or positive. */
int prefix6_compare(const struct prefix6 *a, const struct prefix6 *b);

/* Reads "00:11:22:aa:bb:cc" (also with '-'). Returns 0 or -EINVAL. */
int mac_parse(const char *text, struct mac *out);

/* Writes "00:11:22:aa:bb:cc" to buf and returns buf. */
const char *mac_format(char buf[static MAC_STRLEN], const struct mac *m);
#define MAC_TEXT(m) mac_format((char[MAC_STRLEN]){0}, (m))

static inline bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}
