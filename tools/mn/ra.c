#include "tools/mn/ra.h"

#include <errno.h>
#include <netinet/icmp6.h>

#include "common/cursor.h"

enum {
	OPTION_SOURCE_LLA = 1,
	OPTION_PREFIX = 3,
	OPTION_INTERVAL = 7,
	OPTION_UNIT = 8,
	PREFIX_OPTION_LEN = 32,
	PREFIX_ON_LINK = 0x80,
	PREFIX_AUTONOMOUS = 0x40,
};

static void read_prefix(struct cursor *c, struct ra *out)
{
	uint8_t len = cursor_u8(c);
	uint8_t flags = cursor_u8(c);
	uint32_t valid_s = cursor_u32(c);

	cursor_skip(c, 8); /* preferred lifetime, reserved */
	struct in6_addr addr = cursor_addr6(c);

	if (!cursor_ok(c) || len > 128 || !(flags & (PREFIX_ON_LINK | PREFIX_AUTONOMOUS)) ||
		addr_is_link_local(&addr) || out->prefix_count == RA_PREFIXES_MAX)
		return;
	out->prefixes[out->prefix_count++] =
		(struct ra_prefix){.prefix = prefix6_of(&addr, len), .valid_s = valid_s};
}

int ra_decode(const uint8_t *msg, size_t len, struct ra *out)
{
	struct cursor c;

	*out = (struct ra){0};
	cursor_init(&c, msg, len);
	uint8_t type = cursor_u8(&c);
	uint8_t code = cursor_u8(&c);

	cursor_skip(&c, 4); /* checksum, which the kernel has verified; hop limit, flags */
	out->router_lifetime_s = cursor_u16(&c);
	cursor_skip(&c, 8); /* reachable time, retransmission timer */
	if (!cursor_ok(&c) || type != ND_ROUTER_ADVERT || code != 0)
		return -EBADMSG;
	while (cursor_left(&c)) {
		struct cursor option;
		uint8_t kind = cursor_u8(&c);
		uint8_t units = cursor_u8(&c);

		if (units == 0)
			return -EBADMSG;
		cursor_sub(&c, (size_t)units * OPTION_UNIT - 2, &option);
		if (!cursor_ok(&c))
			return -EBADMSG;
		if (kind == OPTION_PREFIX && units * OPTION_UNIT == PREFIX_OPTION_LEN)
			read_prefix(&option, out);
		else if (kind == OPTION_INTERVAL && units == 1) {
			cursor_skip(&option, 2);
			out->interval_ms = cursor_u32(&option);
		}
	}
	return 0;
}

ssize_t rs_encode(const struct mac *source, uint8_t *buf, size_t size)
{
	struct writer w;

	writer_init(&w, buf, size);
	writer_u8(&w, ND_ROUTER_SOLICIT);
	writer_zero(&w, 7); /* code, checksum, reserved */
	if (source) {
		writer_u8(&w, OPTION_SOURCE_LLA);
		writer_u8(&w, 1);
		writer_bytes(&w, source->b, sizeof(source->b));
	}
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}
