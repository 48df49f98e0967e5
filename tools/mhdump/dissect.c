#include "tools/mhdump/dissect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cursor.h"
#include "proto/mobility/encap.h"
#include "proto/mobility/ip4.h"
#include "proto/mobility/ip6.h"
#include "tools/mhdump/message.h"

#define DEPTH_MAX   6    /* IP headers inside each other */
#define PORT_NATT   4500 /* ESP in UDP (RFC 3948, 2.1) */
#define NATT_MARKER 4    /* octets of zero where IKE stands instead */

/* One packet under way: what is known so far of what may be found. */
struct walk {
	const struct dissect *d;
	struct dissect_found found;
	const struct in6_addr *pseudo_src, *pseudo_dst; /* NULL outside of IPv6 */
	int depth;
};

static void ip(struct walk *w, const uint8_t *pkt, size_t len);
static void payload(struct walk *w, uint8_t proto, const uint8_t *at, size_t len);

static void __attribute__((format(printf, 2, 3))) entered(struct walk *w, const char *fmt, ...)
{
	size_t n = strlen(w->found.headers);
	va_list ap;

	if (n && n + 2 < sizeof(w->found.headers)) {
		memcpy(w->found.headers + n, ", ", 3);
		n += 2;
	}
	va_start(ap, fmt);
	vsnprintf(w->found.headers + n, sizeof(w->found.headers) - n, fmt, ap);
	va_end(ap);
}

static void report(struct walk *w)
{
	w->d->fn(w->d->context, &w->found);
}

static void message(struct walk *w, const uint8_t *at, size_t len)
{
	message_read(&w->d->numbers, w->pseudo_src, w->pseudo_dst, at, len, &w->found);
	report(w);
}

/* All other ICMPv6 is none of ours. */
static void icmp6(struct walk *w, const uint8_t *at, size_t len)
{
	if (w->pseudo_src && message_read_icmp6(w->pseudo_src, w->pseudo_dst, at, len, &w->found)) {
		entered(w, "ICMPv6");
		report(w);
	}
}

static void esp(struct walk *w, const uint8_t *at, size_t len)
{
	struct cursor c;

	cursor_init(&c, at, len);
	w->found.kind = DISSECT_ESP;
	w->found.spi = cursor_u32(&c);
	w->found.sequence = cursor_u32(&c);
	if (!cursor_ok(&c))
		message_fault(&w->found, "truncated", "ESP", 0, len, "ESP is cut off");
	report(w);
}

static void gre(struct walk *w, const uint8_t *at, size_t len)
{
	struct encap_gre header;
	ssize_t n = encap_gre_decode(at, len, &header);

	if (n < 0 || encap_gre_inner(&header) < 0)
		return;
	if (header.has_key)
		entered(w, "GRE key 0x%x", header.key);
	else
		entered(w, "GRE");
	payload(w, (uint8_t)encap_gre_inner(&header), at + n, len - (size_t)n);
}

/* Where the Mobility Header stands in UDP, the checksum of UDP is the one that counts. */
static void udp_message(struct walk *w, const uint8_t *udp, size_t len,
	const struct udp_header *header, const struct encap_inner *inner)
{
	struct in_addr src, dst;
	bool good;

	memcpy(&src, w->found.src, sizeof(src));
	memcpy(&dst, w->found.dst, sizeof(dst));
	good = w->pseudo_src ? udp_checksum_ok6(w->pseudo_src, w->pseudo_dst, udp, len)
			     : udp_checksum_ok4(&src, &dst, udp, len);
	if (!good)
		message_fault(&w->found, "udp-checksum", "UDP", 6, header->checksum,
			"wrong UDP checksum");
	w->found.checksum = DISSECT_CHECKSUM_IGNORED;
	w->pseudo_src = w->pseudo_dst = NULL;
	message(w, inner->at, inner->len);
}

static void udp(struct walk *w, const uint8_t *at, size_t len)
{
	struct encap_inner inner;
	struct udp_header header;
	uint16_t port;

	if (udp_decode(at, len, &header))
		return;
	port = encap_is_port(header.dst) || header.dst == PORT_NATT ? header.dst : header.src;
	if (port == PORT_NATT && header.len > NATT_MARKER &&
		memcmp(at + UDP_HEADER_SIZE, "\0\0\0", NATT_MARKER) != 0) {
		entered(w, "UDP %u", port);
		esp(w, at + UDP_HEADER_SIZE, header.len);
		return;
	}
	if (encap_udp_decode(port, at + UDP_HEADER_SIZE, header.len, &inner))
		return;
	entered(w, inner.has_tlv ? "UDP %u, TLV" : "UDP %u", port);
	if (inner.proto == MH_NEXT_HEADER && !inner.has_tlv)
		udp_message(w, at, UDP_HEADER_SIZE + (size_t)header.len, &header, &inner);
	else
		payload(w, inner.proto, inner.at, inner.len);
}

static void payload(struct walk *w, uint8_t proto, const uint8_t *at, size_t len)
{
	switch (proto) {
	case MH_NEXT_HEADER:
		message(w, at, len);
		break;
	case IPPROTO_ICMPV6:
		icmp6(w, at, len);
		break;
	case IPPROTO_ESP:
		esp(w, at, len);
		break;
	case IPPROTO_UDP:
		udp(w, at, len);
		break;
	case IPPROTO_GRE:
		gre(w, at, len);
		break;
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		ip(w, at, len);
		break;
	default:
		break;
	}
}

/* Whether a header chain that is wrong is one of mobility: other packets are none of ours. */
static bool is_broken_mobility(const struct ip6_error *err, const uint8_t *pkt, size_t len)
{
	struct cursor c;

	if (err->fault >= IP6_FAULT_HOME_ADDRESS_REPEATED && err->fault != IP6_FAULT_ROUTING_TYPE)
		return true;
	cursor_init(&c, pkt, len);
	cursor_skip(&c, 6);
	return cursor_u8(&c) == MH_NEXT_HEADER;
}

static void ip6_broken(struct walk *w, const struct ip6_error *err, const uint8_t *pkt, size_t len)
{
	char text[120];
	struct cursor c;

	if (!is_broken_mobility(err, pkt, len))
		return;
	snprintf(text, sizeof(text), "IPv6 headers, offset %u: %s (%u)", err->offset,
		ip6_fault_name(err->fault), err->value);
	cursor_init(&c, pkt, len);
	cursor_skip(&c, 8);
	cursor_copy(&c, w->found.src, 16);
	cursor_copy(&c, w->found.dst, 16);
	w->found.family = cursor_ok(&c) ? AF_INET6 : 0;
	w->found.kind = DISSECT_BROKEN;
	message_fault(&w->found, ip6_fault_name(err->fault), "IPv6", err->offset, err->value, text);
	report(w);
}

static void ip6(struct walk *w, const uint8_t *pkt, size_t len)
{
	struct ip6_packet p;
	struct ip6_error err;

	entered(w, "IPv6");
	if (ip6_packet_decode(pkt, len, &p, &err)) {
		ip6_broken(w, &err, pkt, len);
		return;
	}
	w->found.family = AF_INET6;
	memcpy(w->found.src, &p.src, 16);
	memcpy(w->found.dst, &p.dst, 16);
	w->found.has_home_address = p.has_home_address || p.has_routing2;
	if (w->found.has_home_address)
		w->found.home_address = p.has_home_address ? p.home_address : p.routing2;
	if (p.is_fragment) {
		w->found.kind = DISSECT_FRAGMENT;
		if (p.proto == MH_NEXT_HEADER)
			report(w);
		return;
	}
	w->pseudo_src = ip6_packet_effective_src(&p);
	w->pseudo_dst = ip6_packet_effective_dst(&p);
	payload(w, p.proto, pkt + p.offset, p.len);
	w->pseudo_src = w->pseudo_dst = NULL;
}

static void ip4(struct walk *w, const uint8_t *pkt, size_t len)
{
	struct ip4_packet p;

	entered(w, "IPv4");
	if (ip4_packet_decode(pkt, len, &p) || ip4_packet_is_fragment(&p))
		return;
	w->found.family = AF_INET;
	w->found.has_home_address = false;
	w->pseudo_src = w->pseudo_dst = NULL;
	memcpy(w->found.src, &p.src, sizeof(p.src));
	memcpy(w->found.dst, &p.dst, sizeof(p.dst));
	/* A Mobility Header has no number of its own over IPv4. */
	if (p.protocol != MH_NEXT_HEADER)
		payload(w, p.protocol, pkt + p.offset, p.len);
}

static void ip(struct walk *w, const uint8_t *pkt, size_t len)
{
	if (!len || w->depth++ == DEPTH_MAX)
		return;
	if (*pkt >> 4 == 6)
		ip6(w, pkt, len);
	else if (*pkt >> 4 == 4)
		ip4(w, pkt, len);
}

void dissect_packet(const struct dissect *d, const uint8_t *pkt, size_t len)
{
	struct walk w = {.d = d};

	ip(&w, pkt, len);
}

void dissect_message(const struct dissect *d, const uint8_t *mh, size_t len)
{
	struct walk w = {.d = d};

	message(&w, mh, len);
}
