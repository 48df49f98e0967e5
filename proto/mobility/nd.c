#include "proto/mobility/nd.h"

#include <errno.h>
#include <string.h>

#include "common/cursor.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/nd_option.h"

#define NS         ICMP6_TYPE_NEIGHBOUR_SOLICITATION
#define NA         ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT
#define FIXED_SIZE 24 /* octets before the options */
#define FLAGS_MASK (ND_FLAG_ROUTER | ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE)
#define BODY_MAX   (FIXED_SIZE - ICMP6_HEADER_SIZE + ND_OPTION_UNIT)

static const struct in6_addr all_nodes = {
	.s6_addr = {0xff, 0x02, [15] = 0x01}}; /* ff02::1: RFC 4291, 2.7.1 */

const char *nd_fault_name(enum nd_fault fault)
{
	static const char *const names[ND_FAULT_COUNT] = {
		[ND_FAULT_NONE] = "none",
		[ND_FAULT_PACKET] = "packet",
		[ND_FAULT_TYPE] = "type",
		[ND_FAULT_HOP_LIMIT] = "hop-limit",
		[ND_FAULT_CHECKSUM] = "checksum",
		[ND_FAULT_CODE] = "code",
		[ND_FAULT_LENGTH] = "length",
		[ND_FAULT_TARGET] = "target",
		[ND_FAULT_OPTION_LENGTH] = "option-length",
		[ND_FAULT_DESTINATION] = "destination",
		[ND_FAULT_SOURCE_OPTION] = "source-option",
		[ND_FAULT_SOLICITED] = "solicited",
	};

	return fault < ND_FAULT_COUNT ? names[fault] : "unknown";
}

static bool is_solicited_node(const struct in6_addr *a)
{
	struct in6_addr expected = addr_solicited_node(a);

	return addr_equal(a, &expected);
}

/* The checks of RFC 4861, 7.1.1 and 7.1.2 that concern the meaning of the message. */
static enum nd_fault check(const struct nd_message *m)
{
	if (m->type != NS && m->type != NA)
		return ND_FAULT_TYPE;
	if (addr_is_multicast(&m->target))
		return ND_FAULT_TARGET;
	if (m->type == NA)
		return addr_is_multicast(&m->dst) && m->flags & ND_FLAG_SOLICITED
			       ? ND_FAULT_SOLICITED
			       : ND_FAULT_NONE;
	if (!addr_is_unspecified(&m->src))
		return ND_FAULT_NONE;
	if (!is_solicited_node(&m->dst))
		return ND_FAULT_DESTINATION;
	return m->has_link_address ? ND_FAULT_SOURCE_OPTION : ND_FAULT_NONE;
}

static enum nd_fault options(struct cursor *c, struct nd_message *out)
{
	struct nd_option option;
	uint8_t wanted = out->type == NS ? ND_OPTION_SOURCE : ND_OPTION_TARGET;

	while (nd_option_next(c, &option)) {
		/* Longer ones hold addresses of other link types (RFC 2464, 6). */
		if (option.type != wanted || option.units != 1 || out->has_link_address)
			continue;
		memcpy(out->link_address.b, option.link_address.at, sizeof(out->link_address.b));
		out->has_link_address = true;
	}
	return cursor_ok(c) ? ND_FAULT_NONE : ND_FAULT_OPTION_LENGTH;
}

enum nd_fault nd_decode(const uint8_t *pkt, size_t len, struct nd_message *out)
{
	struct icmp6_message icmp;
	struct ip6_packet ip6;
	enum nd_fault fault;
	struct cursor c;
	int rc;

	memset(out, 0, sizeof(*out));
	/* Fragmented ones are ignored (RFC 6980, 5). */
	if (ip6_packet_decode(pkt, len, &ip6, NULL) || ip6.is_fragment || ip6.has_home_address ||
		ip6.has_routing2 || ip6.proto != ICMP6_NEXT_HEADER)
		return ND_FAULT_PACKET;
	rc = icmp6_decode(&ip6.src, &ip6.dst, pkt + ip6.offset, ip6.len, &icmp);
	if (rc == -EBADMSG)
		return ND_FAULT_LENGTH;
	if (icmp.type != NS && icmp.type != NA)
		return ND_FAULT_TYPE;
	if (ip6.hop_limit != ND_HOP_LIMIT)
		return ND_FAULT_HOP_LIMIT;
	if (rc)
		return ND_FAULT_CHECKSUM;
	if (icmp.code)
		return ND_FAULT_CODE;
	if (ip6.len < FIXED_SIZE)
		return ND_FAULT_LENGTH;
	out->type = icmp.type;
	out->flags = icmp.type == NA ? icmp.value >> 24 & FLAGS_MASK : 0;
	out->src = ip6.src;
	out->dst = ip6.dst;
	cursor_init(&c, icmp.body, icmp.body_len);
	out->target = cursor_addr6(&c);
	fault = options(&c, out);
	return fault ? fault : check(out);
}

ssize_t nd_encode(const struct nd_message *message, uint8_t *buf, size_t size)
{
	uint8_t body[BODY_MAX];
	struct icmp6_message icmp = {.type = message->type, .body = body};
	struct ip6_build head = {.src = message->src,
		.dst = message->dst,
		.hop_limit = ND_HOP_LIMIT,
		.proto = ICMP6_NEXT_HEADER};
	struct writer w;
	ssize_t at, n;

	if (check(message) || message->flags & ~(message->type == NA ? FLAGS_MASK : 0))
		return -EINVAL;
	writer_init(&w, body, sizeof(body));
	writer_addr6(&w, &message->target);
	if (message->has_link_address) {
		writer_u8(&w, message->type == NS ? ND_OPTION_SOURCE : ND_OPTION_TARGET);
		writer_u8(&w, 1);
		writer_bytes(&w, message->link_address.b, sizeof(message->link_address.b));
	}
	icmp.value = (uint32_t)message->flags << 24;
	icmp.body_len = writer_len(&w);
	head.payload_len = (uint16_t)(ICMP6_HEADER_SIZE + icmp.body_len);
	at = ip6_build(&head, buf, size);
	if (at < 0)
		return at;
	n = icmp6_encode(&message->src, &message->dst, &icmp, buf + at, size - (size_t)at);
	return n < 0 ? n : at + n;
}

bool nd_is_dad(const struct nd_message *message)
{
	return message->type == NS && addr_is_unspecified(&message->src);
}

void nd_dad_probe(const struct in6_addr *target, struct nd_message *out)
{
	*out = (struct nd_message){
		.type = NS, .dst = addr_solicited_node(target), .target = *target};
}

void nd_proxy_advertisement(const struct in6_addr *src, const struct in6_addr *target,
	const struct mac *mac, const struct nd_message *solicitation, struct nd_message *out)
{
	bool answer = solicitation && !nd_is_dad(solicitation);

	*out = (struct nd_message){.type = NA,
		.flags = ND_FLAG_OVERRIDE | (answer ? ND_FLAG_SOLICITED : 0),
		.has_link_address = true,
		.link_address = *mac,
		.src = *src,
		.dst = answer ? solicitation->src : all_nodes,
		.target = *target};
}
