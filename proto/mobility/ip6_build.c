#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/ip6.h"

#define EXTENSION_SIZE 24 /* of either extension header that is built here */
#define EXTENSION_LEN  2  /* the same as Hdr Ext Len */
#define ADDRESS_SIZE   16

size_t ip6_build_size(const struct ip6_build *build)
{
	return IP6_HEADER_SIZE + (build->routing2 ? EXTENSION_SIZE : 0u) +
	       (build->home_address ? EXTENSION_SIZE : 0u);
}

/* RFC 6275, 6.4.1 */
static void write_routing2(struct writer *w, uint8_t next, const struct in6_addr *home)
{
	writer_u8(w, next);
	writer_u8(w, EXTENSION_LEN);
	writer_u8(w, 2);
	writer_u8(w, 1);
	writer_zero(w, 4);
	writer_addr6(w, home);
}

/* RFC 6275, 6.3: four octets of padding bring the option to 8n+6. */
static void write_home_address(struct writer *w, uint8_t next, const struct in6_addr *home)
{
	writer_u8(w, next);
	writer_u8(w, EXTENSION_LEN);
	writer_u8(w, IP6_OPTION_PADN);
	writer_u8(w, 2);
	writer_zero(w, 2);
	writer_u8(w, IP6_OPTION_HOME_ADDRESS);
	writer_u8(w, ADDRESS_SIZE);
	writer_addr6(w, home);
}

ssize_t ip6_build(const struct ip6_build *build, uint8_t *buf, size_t size)
{
	size_t headers = ip6_build_size(build);
	size_t payload = headers - IP6_HEADER_SIZE + build->payload_len;
	uint8_t after_routing = build->home_address ? IPPROTO_DSTOPTS : build->proto;
	struct writer w;

	if (build->flow_label > 0xfffff || payload > UINT16_MAX)
		return -EINVAL;
	if (size < headers + build->payload_len)
		return -ENOSPC;
	writer_init(&w, buf, size);
	writer_u32(
		&w, UINT32_C(6) << 28 | (uint32_t)build->traffic_class << 20 | build->flow_label);
	writer_u16(&w, (uint16_t)payload);
	writer_u8(&w, build->routing2 ? IPPROTO_ROUTING : after_routing);
	writer_u8(&w, build->hop_limit ? build->hop_limit : IP6_HOP_LIMIT);
	writer_addr6(&w, &build->src);
	writer_addr6(&w, &build->dst);
	if (build->routing2)
		write_routing2(&w, after_routing, build->routing2);
	if (build->home_address)
		write_home_address(&w, build->proto, build->home_address);
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}
