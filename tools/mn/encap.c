#include "tools/mn/encap.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include "common/cursor.h"

enum {
	OFFSET_NEXT_HEADER = 6,
	OFFSET_SOURCE = 8,
	OFFSET_DESTINATION = 24,
	ECN_MASK = 3,
	ECN_CE = 3,
	IPV6_LEAST_MTU = 1280,
};

/* The ports are read only where they certainly are ports. */
static uint32_t flow_label(const uint8_t *inner, size_t len)
{
	uint8_t proto = inner[6];
	bool ports = (proto == IPPROTO_TCP || proto == IPPROTO_UDP) && len >= ENCAP_HEADER_SIZE + 4;
	uint32_t hash = 2166136261u ^ proto;

	for (size_t i = OFFSET_SOURCE; i < ENCAP_HEADER_SIZE + (ports ? 4u : 0u); i++)
		hash = (hash ^ inner[i]) * 16777619u;
	hash = (hash ^ hash >> 20) & 0xfffff;
	return hash ? hash : 1;
}

void encap_header(const uint8_t *inner, size_t len, const struct in6_addr *local,
	const struct in6_addr *remote, uint8_t out[static ENCAP_HEADER_SIZE])
{
	uint32_t label = flow_label(inner, len);

	out[0] = inner[0];
	out[1] = (uint8_t)((inner[1] & 0xf0) | label >> 16);
	out[2] = (uint8_t)(label >> 8);
	out[3] = (uint8_t)label;
	out[4] = (uint8_t)(len >> 8);
	out[5] = (uint8_t)len;
	out[6] = IPPROTO_IPV6;
	out[7] = ENCAP_HOP_LIMIT;
	memcpy(out + OFFSET_SOURCE, local, sizeof(*local));
	memcpy(out + OFFSET_DESTINATION, remote, sizeof(*remote));
}

bool encap_combine_ecn(uint8_t *inner, uint8_t outer_class)
{
	uint8_t outer = outer_class & ECN_MASK;
	uint8_t ecn = inner[1] >> 4 & ECN_MASK;

	if (outer == ECN_CE && ecn == 0)
		return false;
	/* CE outside marks the packet; ECT(1) outside replaces ECT(0) inside */
	if (outer == ECN_CE || (outer == 1 && ecn == 2))
		inner[1] = (uint8_t)((inner[1] & 0xcf) | outer << 4);
	return true;
}

uint32_t encap_path_mtu(const uint8_t *icmp, size_t len, const struct in6_addr *local,
	const struct in6_addr *remote)
{
	struct in6_addr src, dst;
	struct cursor c;

	cursor_init(&c, icmp, len);
	uint8_t type = cursor_u8(&c), code = cursor_u8(&c);

	cursor_skip(&c, 2); /* checksum, which the kernel has verified */
	uint32_t mtu = cursor_u32(&c);

	cursor_skip(&c, OFFSET_NEXT_HEADER);
	uint8_t next = cursor_u8(&c);

	cursor_skip(&c, 1);
	src = cursor_addr6(&c);
	dst = cursor_addr6(&c);
	/* fragments of the tunnel's packets fit anyway */
	if (!cursor_ok(&c) || type != ICMP6_PACKET_TOO_BIG || code != 0 || next != IPPROTO_IPV6 ||
		!addr_equal(&src, local) || !addr_equal(&dst, remote))
		return 0;
	return mtu > IPV6_LEAST_MTU ? mtu : IPV6_LEAST_MTU;
}
