#include "proto/mobility/icmp6.h"

#include <errno.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "proto/mobility/checksum.h"
#include "proto/mobility/ip6.h"

#define TYPE_REDIRECT 137

const char *icmp6_type_name(uint8_t type)
{
	switch (type) {
	case ICMP6_TYPE_UNREACHABLE:
		return "destination unreachable";
	case ICMP6_TYPE_PACKET_TOO_BIG:
		return "packet too big";
	case ICMP6_TYPE_TIME_EXCEEDED:
		return "time exceeded";
	case ICMP6_TYPE_PARAMETER_PROBLEM:
		return "parameter problem";
	case ICMP6_TYPE_ECHO_REQUEST:
		return "echo request";
	case ICMP6_TYPE_ECHO_REPLY:
		return "echo reply";
	case ICMP6_TYPE_ROUTER_SOLICITATION:
		return "router solicitation";
	case ICMP6_TYPE_ROUTER_ADVERTISEMENT:
		return "router advertisement";
	case ICMP6_TYPE_NEIGHBOUR_SOLICITATION:
		return "neighbour solicitation";
	case ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT:
		return "neighbour advertisement";
	case ICMP6_TYPE_HOME_AGENT_REQUEST:
		return "home agent address discovery request";
	case ICMP6_TYPE_HOME_AGENT_REPLY:
		return "home agent address discovery reply";
	case ICMP6_TYPE_PREFIX_SOLICITATION:
		return "mobile prefix solicitation";
	case ICMP6_TYPE_PREFIX_ADVERTISEMENT:
		return "mobile prefix advertisement";
	default:
		return "unknown";
	}
}

uint16_t icmp6_checksum(
	const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *icmp, size_t len)
{
	return checksum_ip6(src, dst, ICMP6_NEXT_HEADER, icmp, len, ICMP6_AT_CHECKSUM);
}

int icmp6_decode(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *icmp,
	size_t len, struct icmp6_message *out)
{
	struct cursor c;

	cursor_init(&c, icmp, len);
	out->type = cursor_u8(&c);
	out->code = cursor_u8(&c);
	cursor_skip(&c, 2);
	out->value = cursor_u32(&c);
	out->body_len = cursor_left(&c);
	out->body = cursor_bytes(&c, out->body_len);
	if (!cursor_ok(&c))
		return -EBADMSG;
	return checksum_ip6_ok(src, dst, ICMP6_NEXT_HEADER, icmp, len) ? 0 : -EILSEQ;
}

ssize_t icmp6_encode(const struct in6_addr *src, const struct in6_addr *dst,
	const struct icmp6_message *message, uint8_t *buf, size_t size)
{
	struct writer w;
	uint16_t sum;

	writer_init(&w, buf, size);
	writer_u8(&w, message->type);
	writer_u8(&w, message->code);
	writer_u16(&w, 0);
	writer_u32(&w, message->value);
	writer_bytes(&w, message->body, message->body_len);
	if (!writer_ok(&w))
		return -ENOSPC;
	sum = icmp6_checksum(src, dst, buf, writer_len(&w));
	writer_put_u16_at(&w, ICMP6_AT_CHECKSUM, sum);
	return (ssize_t)writer_len(&w);
}

/* Follows the header chain by its lengths alone: the packet is at fault somewhere, so the walker of
 * ip6.h may have refused it. */
static bool is_icmp_error(const uint8_t *pkt, size_t len)
{
	struct cursor c;
	uint8_t proto;

	cursor_init(&c, pkt, len);
	cursor_skip(&c, 6);
	proto = cursor_u8(&c);
	cursor_skip(&c, IP6_HEADER_SIZE - 7);
	for (unsigned i = 0; i < IP6_HEADERS_MAX && cursor_ok(&c); i++) {
		uint8_t kind = proto, ext;

		if (kind == ICMP6_NEXT_HEADER) {
			uint8_t type = cursor_u8(&c);

			return !cursor_ok(&c) || icmp6_is_error(type) || type == TYPE_REDIRECT;
		}
		if (kind != IPPROTO_HOPOPTS && kind != IPPROTO_ROUTING &&
			kind != IPPROTO_FRAGMENT && kind != IPPROTO_DSTOPTS)
			return false;
		proto = cursor_u8(&c);
		ext = cursor_u8(&c);
		cursor_skip(&c, kind == IPPROTO_FRAGMENT ? 6 : ext * 8u + 6);
	}
	return false;
}

bool icmp6_may_answer(const uint8_t *pkt, size_t len, bool allow_multicast)
{
	struct in6_addr src, dst;
	struct cursor c;

	cursor_init(&c, pkt, len);
	cursor_skip(&c, 8);
	src = cursor_addr6(&c);
	dst = cursor_addr6(&c);
	if (!cursor_ok(&c) || pkt[0] >> 4 != 6)
		return false;
	if (addr_is_multicast(&src) || addr_is_unspecified(&src) || addr_is_loopback(&src))
		return false;
	if (addr_is_multicast(&dst) && !allow_multicast)
		return false;
	return !is_icmp_error(pkt, len);
}

ssize_t icmp6_parameter_problem(const struct in6_addr *src, uint8_t code, uint32_t pointer,
	const uint8_t *pkt, size_t len, uint8_t *buf, size_t size)
{
	const size_t most = IP6_MIN_MTU - IP6_HEADER_SIZE - ICMP6_HEADER_SIZE;
	struct ip6_build head = {.src = *src, .proto = ICMP6_NEXT_HEADER};
	struct icmp6_message message = {.type = ICMP6_TYPE_PARAMETER_PROBLEM,
		.code = code,
		.value = pointer,
		.body = pkt,
		.body_len = len < most ? len : most};
	struct cursor c;
	ssize_t at, n;

	if (!icmp6_may_answer(pkt, len, code == ICMP6_PARAMETER_OPTION))
		return -EPERM;
	cursor_init(&c, pkt, len);
	cursor_skip(&c, 8);
	head.dst = cursor_addr6(&c);
	head.payload_len = (uint16_t)(ICMP6_HEADER_SIZE + message.body_len);
	at = ip6_build(&head, buf, size);
	if (at < 0)
		return at;
	n = icmp6_encode(src, &head.dst, &message, buf + at, size - (size_t)at);
	return n < 0 ? n : at + n;
}
