#include "proto/mobility/ip6.h"

#include <errno.h>
#include <string.h>

#include "common/addr.h"
#include "common/cursor.h"

#define AT_NEXT_HEADER 6
#define IP6_VERSION    6

struct walk {
	struct cursor packet; /* up to the end that the payload length gives */
	struct ip6_packet *out;
	struct ip6_error *err;
	size_t next_header_at; /* offset of the Next Header octet that named the current header */
	bool after_fragment;
};

static int fail(struct walk *w, enum ip6_fault fault, size_t offset, uint32_t value)
{
	if (w->err)
		*w->err = (struct ip6_error){
			.fault = fault, .offset = (uint16_t)offset, .value = value};
	return -EBADMSG;
}

static int home_address(struct walk *w, struct cursor *body, size_t at)
{
	if (w->out->has_home_address)
		return fail(w, IP6_FAULT_HOME_ADDRESS_REPEATED, at, IP6_OPTION_HOME_ADDRESS);
	if (w->after_fragment)
		return fail(w, IP6_FAULT_HOME_ADDRESS_PLACE, at, IPPROTO_FRAGMENT);
	w->out->home_address = cursor_addr6(body);
	if (!addr_is_unicast_routable(&w->out->home_address))
		return fail(w, IP6_FAULT_HOME_ADDRESS_VALUE, at, w->out->home_address.s6_addr[0]);
	w->out->has_home_address = true;
	return 0;
}

/* One option with its BODY; AT is the offset of its Type octet in the packet. */
static int option(struct walk *w, uint8_t header, uint8_t type, struct cursor *body, size_t at)
{
	size_t len = cursor_left(body);

	if (type == IP6_OPTION_PADN)
		return 0;
	if (header == IPPROTO_DSTOPTS && type == IP6_OPTION_TUNNEL_LIMIT) {
		if (len != 1)
			return fail(w, IP6_FAULT_OPTION_LENGTH, at, (uint32_t)len);
		if (!w->out->has_tunnel_limit)
			w->out->tunnel_limit = cursor_u8(body);
		w->out->has_tunnel_limit = true;
		return 0;
	}
	if (header == IPPROTO_DSTOPTS && type == IP6_OPTION_HOME_ADDRESS) {
		if (len != sizeof(struct in6_addr))
			return fail(w, IP6_FAULT_OPTION_LENGTH, at, (uint32_t)len);
		return home_address(w, body, at);
	}
	/* The two highest bits say what a node does that does not know the option. */
	return type >> 6 ? fail(w, IP6_FAULT_OPTION_UNKNOWN, at, type) : 0;
}

static int options(struct walk *w, uint8_t header, struct cursor *c, size_t header_at)
{
	for (unsigned n = 0; cursor_left(c); n++) {
		size_t at = header_at + cursor_offset(c);
		uint8_t type = cursor_u8(c), len;
		struct cursor body;
		int rc;

		if (n >= IP6_OPTIONS_MAX)
			return fail(w, IP6_FAULT_OPTIONS, at, IP6_OPTIONS_MAX);
		if (type == IP6_OPTION_PAD1)
			continue;
		len = cursor_u8(c);
		cursor_sub(c, len, &body);
		if (!cursor_ok(c))
			return fail(w, IP6_FAULT_OPTION_LENGTH, at, len);
		rc = option(w, header, type, &body, at);
		if (rc)
			return rc;
	}
	return 0;
}

/* RFC 6275, 6.4.1 and 11.3.3. C is behind the Hdr Ext Len octet, AT the offset of the header. */
static int routing2(struct walk *w, struct cursor *c, size_t at, size_t size)
{
	uint8_t left;

	if (w->out->has_routing2)
		return fail(w, IP6_FAULT_ROUTING2_REPEATED, at, 2);
	if (size != 24)
		return fail(w, IP6_FAULT_ROUTING2_LENGTH, at + 1, (uint32_t)(size / 8 - 1));
	cursor_skip(c, 1);
	left = cursor_u8(c);
	if (left != 1)
		return fail(w, IP6_FAULT_ROUTING2_SEGMENTS, at + 3, left);
	cursor_skip(c, 4);
	w->out->routing2 = cursor_addr6(c);
	if (!addr_is_unicast_routable(&w->out->routing2))
		return fail(w, IP6_FAULT_ROUTING2_VALUE, at + 8, w->out->routing2.s6_addr[0]);
	w->out->has_routing2 = true;
	return 0;
}

static int routing(struct walk *w, struct cursor *c, size_t at, size_t size)
{
	struct cursor ahead = *c;
	uint8_t type = cursor_u8(&ahead);
	uint8_t left = cursor_u8(&ahead);

	if (w->out->has_home_address)
		return fail(w, IP6_FAULT_HOME_ADDRESS_PLACE, at, IPPROTO_ROUTING);
	if (type == 2)
		return routing2(w, c, at, size);
	/* RFC 8200, 4.4: one that is not processed matters only with segments left. */
	return left ? fail(w, IP6_FAULT_ROUTING_TYPE, at + 2, type) : 0;
}

static void fragment(struct walk *w, struct cursor *c)
{
	uint16_t word = cursor_u16(c);

	w->after_fragment = true;
	w->out->fragment_offset = word & 0xfff8;
	w->out->more_fragments = word & 1;
	w->out->fragment_id = cursor_u32(c);
	/* One that is the whole packet is handled as if it had no header (RFC 6946). */
	w->out->is_fragment = w->out->fragment_offset || w->out->more_fragments;
}

/* Opens the header of kind out->proto at the cursor and passes over it. */
static int header(struct walk *w)
{
	size_t at = cursor_offset(&w->packet);
	struct cursor peek = w->packet, c;
	uint8_t kind = w->out->proto;
	uint8_t next = cursor_u8(&peek);
	uint8_t ext = cursor_u8(&peek);
	size_t size = kind == IPPROTO_FRAGMENT ? 8 : (ext + 1u) * 8;
	int rc = 0;

	cursor_sub(&w->packet, size, &c);
	if (!cursor_ok(&w->packet))
		return fail(w, IP6_FAULT_HEADER_LENGTH, at, (uint32_t)size);
	cursor_skip(&c, 2);
	if (kind == IPPROTO_ROUTING)
		rc = routing(w, &c, at, size);
	else if (kind == IPPROTO_FRAGMENT)
		fragment(w, &c);
	else
		rc = options(w, kind, &c, at);
	w->out->proto = next;
	w->next_header_at = at;
	return rc;
}

static bool is_opened(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_DSTOPTS;
}

static int chain(struct walk *w)
{
	struct ip6_packet *out = w->out;

	while (is_opened(out->proto) && !out->is_fragment) {
		if (out->proto == IPPROTO_HOPOPTS && out->headers)
			return fail(
				w, IP6_FAULT_HOP_BY_HOP_PLACE, w->next_header_at, IPPROTO_HOPOPTS);
		if (out->headers == IP6_HEADERS_MAX)
			return fail(
				w, IP6_FAULT_HEADERS, cursor_offset(&w->packet), IP6_HEADERS_MAX);
		out->headers++;
		if (header(w))
			return -EBADMSG;
	}
	out->offset = (uint16_t)cursor_offset(&w->packet);
	out->len = (uint16_t)cursor_left(&w->packet);
	return 0;
}

int ip6_packet_decode(const uint8_t *pkt, size_t len, struct ip6_packet *out, struct ip6_error *err)
{
	struct walk w = {.out = out, .err = err, .next_header_at = AT_NEXT_HEADER};
	struct cursor c;
	uint32_t first;
	uint16_t payload_len;

	memset(out, 0, sizeof(*out));
	cursor_init(&c, pkt, len);
	first = cursor_u32(&c);
	payload_len = cursor_u16(&c);
	out->proto = cursor_u8(&c);
	out->hop_limit = cursor_u8(&c);
	out->src = cursor_addr6(&c);
	out->dst = cursor_addr6(&c);
	if (!cursor_ok(&c))
		return fail(&w, IP6_FAULT_TRUNCATED, len, (uint32_t)len);
	if (first >> 28 != IP6_VERSION)
		return fail(&w, IP6_FAULT_VERSION, 0, first >> 28);
	if (payload_len > cursor_left(&c))
		return fail(&w, IP6_FAULT_TRUNCATED, 4, payload_len);
	out->traffic_class = first >> 20 & 0xff;
	out->flow_label = first & 0xfffff;
	cursor_init(&w.packet, pkt, IP6_HEADER_SIZE + (size_t)payload_len);
	cursor_skip(&w.packet, IP6_HEADER_SIZE);
	if (err)
		*err = (struct ip6_error){0};
	return chain(&w);
}

const struct in6_addr *ip6_packet_effective_src(const struct ip6_packet *packet)
{
	return packet->has_home_address ? &packet->home_address : &packet->src;
}

const struct in6_addr *ip6_packet_effective_dst(const struct ip6_packet *packet)
{
	return packet->has_routing2 ? &packet->routing2 : &packet->dst;
}
