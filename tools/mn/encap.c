#include "tools/mn/encap.h"

#include <netinet/in.h>
#include <string.h>

enum {
	OFFSET_SOURCE = 8,
	OFFSET_DESTINATION = 24,
	ECN_MASK = 3,
	ECN_CE = 3,
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
