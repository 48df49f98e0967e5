#include "tools/mn/ra.h"

#include <errno.h>
#include <netinet/icmp6.h>

#include "common/cursor.h"
#include "proto/mobility/router.h"

#define OPTION_SOURCE_LLA 1

/* Whether a host can use the prefix: on the link or for an address. */
static bool is_useful(const struct nd_option_prefix *p)
{
	return p->flags & (ND_OPTION_ON_LINK | ND_OPTION_AUTONOMOUS) &&
	       !addr_is_link_local(&p->address);
}

int ra_decode(const uint8_t *msg, size_t len, struct ra *out)
{
	struct router router;

	*out = (struct ra){0};
	if (router_decode(msg, len, &router))
		return -EBADMSG;
	out->router_lifetime_s = router.lifetime_s;
	out->interval_ms = router.interval_ms;
	out->has_mac = router.has_link_address;
	out->mac = router.link_address;
	for (unsigned i = 0; i < router.prefix_count; i++) {
		const struct nd_option_prefix *p = &router.prefixes[i];

		if (is_useful(p) && out->prefix_count < RA_PREFIXES_MAX)
			out->prefixes[out->prefix_count++] = (struct ra_prefix){
				.prefix = prefix6_of(&p->address, p->len), .valid_s = p->valid_s};
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
