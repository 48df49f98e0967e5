#include "dataplane/nodes/ip6.h"

#include <errno.h>

#include "common/cursor.h"

enum {
	HEADERS_MAX = 8,
	OPTION_PAD1 = 0,
	OPTION_TUNNEL_LIMIT = 4,   /* RFC 2473, 4.1.1 */
	OPTION_HOME_ADDRESS = 201, /* RFC 6275, 6.3 */
};

/* Options of a Hop-by-Hop or Destination Options header; start: its offset in the packet. */
static int walk_options(struct cursor *c, uint16_t start, bool destination, struct ip6_chain *chain)
{
	while (cursor_left(c)) {
		uint8_t type = cursor_u8(c);

		if (type == OPTION_PAD1)
			continue;

		uint8_t len = cursor_u8(c);
		uint16_t value = (uint16_t)(start + cursor_offset(c));

		cursor_skip(c, len);
		if (!cursor_ok(c))
			return -EBADMSG;
		if (!destination)
			continue;
		if (type == OPTION_TUNNEL_LIMIT && len == 1 && !chain->limit)
			chain->limit = value;
		if (type == OPTION_HOME_ADDRESS && len == sizeof(struct in6_addr))
			chain->home_address = value;
	}
	return 0;
}

/* One extension header at the cursor; moves chain->protocol and the cursor on. */
static int walk_header(struct cursor *c, struct ip6_chain *chain)
{
	uint16_t at = (uint16_t)cursor_offset(c);
	uint8_t kind = chain->protocol;
	uint8_t next = cursor_u8(c);
	uint8_t len = cursor_u8(c);
	struct cursor body;

	if (kind == IP6_FRAGMENT) {
		chain->fragment = at;
		chain->protocol = next;
		cursor_skip(c, IP6_FRAGMENT_LEN - 2);
		return cursor_ok(c) ? 0 : -EBADMSG;
	}
	cursor_sub(c, 6 + 8 * (size_t)len, &body);
	if (!cursor_ok(c))
		return -EBADMSG;
	chain->protocol = next;
	if (kind == IPPROTO_ROUTING)
		return 0;
	return walk_options(&body, (uint16_t)(at + 2), kind == IP6_DESTINATION, chain);
}

int ip6_walk(const uint8_t *data, uint16_t len, struct ip6_chain *chain)
{
	struct cursor c;
	int err;

	*chain = (struct ip6_chain){.protocol = 0};
	cursor_init(&c, data, len);
	cursor_skip(&c, 6);
	chain->protocol = cursor_u8(&c);
	cursor_skip(&c, IP6_LEN - 7);
	if (!cursor_ok(&c))
		return -EBADMSG;
	for (int headers = 0;; headers++) {
		bool first = headers == 0;

		chain->offset = (uint16_t)cursor_offset(&c);
		if (chain->fragment)
			return 0;
		switch (chain->protocol) {
		case IPPROTO_HOPOPTS:
			if (!first)
				return -EBADMSG;
			break;
		case IPPROTO_ROUTING:
		case IP6_DESTINATION:
		case IP6_FRAGMENT:
			break;
		default:
			return 0;
		}
		if (headers == HEADERS_MAX)
			return -EBADMSG;
		err = walk_header(&c, chain);
		if (err < 0)
			return err;
	}
}

uint16_t ip6_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t protocol,
	const void *data, uint16_t len)
{
	struct {
		struct in6_addr src, dst;
		uint32_t len, protocol;
	} pseudo = {*src, *dst, rte_cpu_to_be_32(len), rte_cpu_to_be_32(protocol)};
	uint32_t sum = __rte_raw_cksum(&pseudo, sizeof(pseudo), 0);

	return (uint16_t)~__rte_raw_cksum_reduce(__rte_raw_cksum(data, len, sum));
}
