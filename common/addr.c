#include "common/addr.h"

#include "common/hex.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

uint64_t addr_hash_seed[3];

__attribute__((constructor)) static void seed_hash(void)
{
	if (getrandom(addr_hash_seed, sizeof(addr_hash_seed), 0) == sizeof(addr_hash_seed))
		return;
	/* Without a random source (an old kernel, a seccomp filter) the clock still differs. */
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	addr_hash_seed[0] = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15u;
	addr_hash_seed[1] = (uint64_t)ts.tv_sec * 0xc2b2ae3d27d4eb4fu;
	addr_hash_seed[2] = addr_hash_seed[0] ^ addr_hash_seed[1];
}

int addr_parse(const char *text, struct in6_addr *out)
{
	return inet_pton(AF_INET6, text, out) == 1 ? 0 : -EINVAL;
}

const char *addr_format(char buf[static INET6_ADDRSTRLEN], const struct in6_addr *a)
{
	return inet_ntop(AF_INET6, a, buf, INET6_ADDRSTRLEN);
}

bool addr_is_unicast_routable(const struct in6_addr *a)
{
	static const uint8_t zero[12];

	if (addr_is_multicast(a) || addr_is_link_local(a) || IN6_IS_ADDR_V4MAPPED(a))
		return false;
	/* ::/96 holds the unspecified, the loopback and the IPv4-compatible addresses. */
	return memcmp(a->s6_addr, zero, sizeof(zero)) != 0;
}

struct in6_addr addr_link_local_of(const struct in6_addr *a)
{
	struct in6_addr out = {.s6_addr = {0xfe, 0x80}};

	memcpy(&out.s6_addr[8], &a->s6_addr[8], 8);
	return out;
}

struct in6_addr addr_link_local_of_mac(const struct mac *mac)
{
	const uint8_t *b = mac->b;

	return (struct in6_addr){
		.s6_addr = {0xfe, 0x80, [8] = b[0] ^ 2, b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]}};
}

struct in6_addr addr_solicited_node(const struct in6_addr *a)
{
	struct in6_addr m = {.s6_addr = {0xff, 0x02, [11] = 0x01, [12] = 0xff}};

	memcpy(m.s6_addr + 13, a->s6_addr + 13, 3);
	return m;
}

struct mac addr_multicast_mac(const struct in6_addr *a)
{
	struct mac m = {{0x33, 0x33}};

	memcpy(m.b + 2, a->s6_addr + 12, 4);
	return m;
}

/* 0 to 128 in one to three digits, or -1. */
static int parse_length(const char *text)
{
	int value = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return -1;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (text[i] - '0');
	return value <= 128 ? value : -1;
}

int prefix6_parse(const char *text, struct prefix6 *out)
{
	char addr[INET6_ADDRSTRLEN];
	struct in6_addr a;
	const char *slash = strchr(text, '/');

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	int len = parse_length(slash + 1);
	if (len < 0 || addr_parse(addr, &a) < 0)
		return -EINVAL;
	*out = prefix6_of(&a, (uint8_t)len);
	return addr_equal(&a, &out->addr) ? 0 : -EDOM;
}

const char *prefix6_format(char buf[static PREFIX6_STRLEN], const struct prefix6 *p)
{
	snprintf(buf, PREFIX6_STRLEN, "%s/%u", ADDR_TEXT(&p->addr), p->len);
	return buf;
}

/* An address as two numbers. */
struct halves {
	uint64_t high, low;
};

static struct halves halves_of(const struct in6_addr *a)
{
	struct halves h;

	memcpy(&h.high, a->s6_addr, sizeof(h.high));
	memcpy(&h.low, a->s6_addr + sizeof(h.high), sizeof(h.low));
	h.high = be64toh(h.high);
	h.low = be64toh(h.low);
	return h;
}

/* The first len bits (0 to 128). */
static struct halves mask_of(unsigned len)
{
	struct halves mask = {.high = UINT64_MAX};

	if (len < 64)
		mask.high = ~(UINT64_MAX >> len);
	if (len == 128)
		mask.low = UINT64_MAX;
	else if (len > 64)
		mask.low = ~(UINT64_MAX >> (len - 64));
	return mask;
}

struct prefix6 prefix6_of(const struct in6_addr *a, uint8_t len)
{
	struct prefix6 p = {.len = len > 128 ? 128 : len};
	struct halves h = halves_of(a), mask = mask_of(p.len);
	const uint64_t high = htobe64(h.high & mask.high), low = htobe64(h.low & mask.low);

	memcpy(p.addr.s6_addr, &high, sizeof(high));
	memcpy(p.addr.s6_addr + sizeof(high), &low, sizeof(low));
	return p;
}

bool prefix6_contains(const struct prefix6 *p, const struct in6_addr *a)
{
	const struct halves prefix = halves_of(&p->addr), h = halves_of(a), mask = mask_of(p->len);

	return !(((prefix.high ^ h.high) & mask.high) | ((prefix.low ^ h.low) & mask.low));
}

bool prefix6_covers(const struct prefix6 *outer, const struct prefix6 *inner)
{
	return outer->len <= inner->len && prefix6_contains(outer, &inner->addr);
}

int prefix6_compare(const struct prefix6 *a, const struct prefix6 *b)
{
	int order = addr_compare(&a->addr, &b->addr);

	return order ? order : (int)a->len - (int)b->len;
}

int mac_parse(const char *text, struct mac *out)
{
	struct mac m;

	if (strlen(text) != MAC_STRLEN - 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
		char after = text[3 * i + 2];

		if (high < 0 || low < 0)
			return -EINVAL;
		if (i < 5 && after != ':' && after != '-')
			return -EINVAL;
		m.b[i] = (uint8_t)(high << 4 | low);
	}
	*out = m;
	return 0;
}

const char *mac_format(char buf[static MAC_STRLEN], const struct mac *m)
{
	snprintf(buf, MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2],
		m->b[3], m->b[4], m->b[5]);
	return buf;
}
