/*
 * The access link: what nodes say there, and what they are told (RFC 5213, 6.7, 6.9.2, 6.9.3 and
 * 6.13; RFC 4861).
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "ctrl/binding/binding.h"
#include "ctrl/signalling/mag/mag_state.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/send.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/nd.h"
#include "proto/mobility/router.h"

enum {
	AGAIN_MS = 500,           /* between updates for a node that says that it is there */
	PROBE_RETRANS_MS = 1000,  /* between solicitations (RFC 4861, 10: RETRANS_TIMER) */
	ROUTER_LIFETIME_S = 9000, /* as long as may be (RFC 4861, 6.2.1) */
	SOLICITATION_SIZE = 8,    /* of a Router Solicitation without options */
	MESSAGE_MAX = 512,        /* octets of an advertisement of ours */
};

/* The packet, behind room for an Ethernet header in frame, to the node of an attachment alone. */
static void send_to_node(
	struct mag *mag, const struct mag_attachment *a, uint8_t *frame, size_t len)
{
	struct packet_inject out = {
		.how = PACKET_TO_PORT, .length = (uint16_t)(SEND_ETHER_SIZE + len), .frame = frame};
	struct mac src;

	if (mag->ops.port(mag->ops.context, a->link, &src) != 0) {
		mag_count(mag, MAG_N_SEND_FAILED);
		return;
	}
	memcpy(frame, a->now.mac.b, 6);
	memcpy(frame + 6, src.b, 6);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	memcpy(out.port, a->link->port, sizeof(out.port));
	if (mag->ops.inject(mag->ops.context, &out) != 0)
		mag_count(mag, MAG_N_SEND_FAILED);
}

static void fill(
	const struct mag *mag, const struct mag_attachment *a, bool ends, struct router *router)
{
	uint32_t left = (uint32_t)(mag_left_ns(mag, a) / CLOCK_NS_PER_S);

	if (ends)
		left = 0;
	router->lifetime_s = ends ? 0 : ROUTER_LIFETIME_S;
	router->mtu = mag_gre_mtu(mag, a);
	router->prefix_count = a->now.prefix_count;
	for (size_t i = 0; i < a->now.prefix_count; i++)
		router->prefixes[i] = (struct nd_option_prefix){.address = a->now.prefixes[i].addr,
			.len = a->now.prefixes[i].len,
			.flags = ND_OPTION_ON_LINK | ND_OPTION_AUTONOMOUS,
			.valid_s = left,
			.preferred_s = left};
}

static void advertise(struct mag *mag, struct mag_attachment *a, bool ends)
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 2, [15] = 1}};
	struct ip6_build head = {.src = mag->config.link_local,
		.dst = all_nodes,
		.hop_limit = ND_HOP_LIMIT,
		.proto = ICMP6_NEXT_HEADER};
	struct router router = {.has_link_address = true};
	uint8_t frame[SEND_ETHER_SIZE + IP6_BUILD_MAX + MESSAGE_MAX], *icmp;
	uint16_t sum;
	ssize_t len;

	if (!mag_is_served(a) ||
		mag->ops.port(mag->ops.context, a->link, &router.link_address) != 0)
		return;
	fill(mag, a, ends, &router);
	icmp = frame + SEND_ETHER_SIZE + ip6_build_size(&head);
	len = router_encode(&router, icmp, MESSAGE_MAX);
	if (len < 0) {
		mag_count(mag, MAG_N_SEND_FAILED);
		return;
	}
	sum = icmp6_checksum(&head.src, &head.dst, icmp, (size_t)len);
	icmp[ICMP6_AT_CHECKSUM] = (uint8_t)(sum >> 8);
	icmp[ICMP6_AT_CHECKSUM + 1] = (uint8_t)sum;
	head.payload_len = (uint16_t)len;
	ip6_build(&head, frame + SEND_ETHER_SIZE, sizeof(frame) - SEND_ETHER_SIZE);
	mag_count(mag, MAG_N_RA_SENT);
	send_to_node(mag, a, frame, ip6_build_size(&head) + (size_t)len);
}

void mag_advertise(struct mag *mag, struct mag_attachment *a)
{
	advertise(mag, a, false);
}

void mag_withdraw(struct mag *mag, struct mag_attachment *a)
{
	advertise(mag, a, true);
}

void mag_heard(struct mag *mag, struct mag_attachment *a)
{
	a->missed = 0;
	a->probe_ns = UINT64_MAX;
	if (mag->config.probe_ms && !a->always_on && !addr_is_unspecified(&a->address))
		a->probe_ns = mag_now(mag) + (uint64_t)mag->config.probe_ms * CLOCK_NS_PER_MS;
}

void mag_solicit(struct mag *mag, struct mag_attachment *a)
{
	struct nd_message ns = {.type = ICMP6_TYPE_NEIGHBOUR_SOLICITATION,
		.has_link_address = true,
		.src = mag->config.link_local,
		.dst = a->address,
		.target = a->address};
	uint8_t frame[SEND_ETHER_SIZE + ND_PACKET_MAX];
	ssize_t len;

	if (mag->ops.port(mag->ops.context, a->link, &ns.link_address) != 0)
		return;
	len = nd_encode(&ns, frame + SEND_ETHER_SIZE, ND_PACKET_MAX);
	if (len < 0)
		return;
	mag_count(mag, MAG_N_NS_SENT);
	send_to_node(mag, a, frame, (size_t)len);
}

void mag_probe(struct mag *mag, struct mag_attachment *a)
{
	const bool reached = mag->ops.reaches(mag->ops.context);

	if (reached && a->missed >= mag->config.probes) {
		a->leaves = a->tells = true;
		a->asked = false;
		mag_count(mag, MAG_N_LOST);
		mag_tell(mag, MAG_EVENT_LOST, a);
		a->probe_ns = UINT64_MAX;
		a->again_ns = mag_now(mag);
		return;
	}
	a->probe_ns = mag_now(mag) + PROBE_RETRANS_MS * CLOCK_NS_PER_MS;
	/* What was asked just before the data plane went away may have had no answer for that. */
	a->missed = reached ? a->missed + 1 : 0;
	if (reached)
		mag_solicit(mag, a);
}

/* Whether a packet is a sound Router Solicitation (RFC 4861, 6.1.1). */
static bool is_router_solicitation(const struct receive_packet *packet)
{
	const struct ip6_packet *ip6 = &packet->ip6;
	const uint8_t *icmp = packet->ip + ip6->offset;

	return ip6->proto == ICMP6_NEXT_HEADER && ip6->len >= SOLICITATION_SIZE &&
	       icmp[0] == ICMP6_TYPE_ROUTER_SOLICITATION && icmp[1] == 0 &&
	       packet->ip[7] == ND_HOP_LIMIT &&
	       icmp6_checksum(&ip6->src, &ip6->dst, icmp, ip6->len) ==
		       (icmp[ICMP6_AT_CHECKSUM] << 8 | icmp[ICMP6_AT_CHECKSUM + 1]);
}

/* Whether a node can be asked at an address: on its link, or of a prefix of its own. */
static bool is_its_own(const struct mag_attachment *a, const struct in6_addr *address)
{
	if (addr_is_link_local(address))
		return true;
	for (size_t i = 0; mag_is_served(a) && i < a->now.prefix_count; i++)
		if (prefix6_contains(&a->now.prefixes[i], address))
			return true;
	return false;
}

/* What a packet says of the node that sent it. */
enum sign {
	SIGN_BAD,
	SIGN_SOLICITS, /* it asks for a Router Advertisement */
	SIGN_JOINS,    /* it says what it joins on the link, or something that nobody knows */
	SIGN_ARRIVES,  /* it is here, and perhaps was not before */
	SIGN_ANSWERS,  /* it is here, if it was */
};

/*
 * A node that was believed to be here may have been elsewhere meanwhile: what nodes say where they
 * come to makes sure that its anchor knows, but not more often than once in a while.
 */
static void reassure(struct mag *mag, struct mag_attachment *a, enum sign sign)
{
	uint64_t since = mag_real(mag) - a->now.updated_ns, wait = AGAIN_MS * CLOCK_NS_PER_MS;
	uint64_t due = mag_now(mag) + (since < wait ? wait - since : 0);

	if (sign <= SIGN_JOINS && due < a->refresh_ns)
		a->refresh_ns = due;
}

/* A node has spoken. */
static void heard(struct mag *mag, const struct mag_link *link, const struct receive_packet *packet,
	enum sign sign)
{
	struct mag_attachment *a = mag_find(mag, packet->from);
	const struct mag_profile *profile = mag_profile_of(mag, packet->from);

	if (!profile) {
		mag_count(mag, MAG_N_STRANGER);
		return;
	}
	if ((!a || sign == SIGN_SOLICITS || a->link != link || a->leaves) &&
		mag_attach(mag, profile, link) == -EPERM)
		return;
	a = mag_find(mag, packet->from);
	if (!a)
		return;
	mag_revoke_refute(a);
	if (is_its_own(a, &packet->ip6.src))
		a->address = packet->ip6.src;
	if (mag_is_served(a) && !a->leaves) {
		mag_heard(mag, a);
		reassure(mag, a, sign);
		mag_go_on(mag, a);
	}
}

static enum sign read_sign(const struct receive_packet *packet)
{
	const struct ip6_packet *ip6 = &packet->ip6;
	uint8_t type = ip6->len ? packet->ip[ip6->offset] : 0;
	struct nd_message message;

	if (!packet->from || packet->from->b[0] & 1)
		return SIGN_BAD;
	if (ip6->proto != ICMP6_NEXT_HEADER)
		return addr_is_multicast(&ip6->dst) ? SIGN_JOINS : SIGN_ARRIVES;
	switch (type) {
	case ICMP6_TYPE_ROUTER_SOLICITATION:
		return is_router_solicitation(packet) ? SIGN_SOLICITS : SIGN_BAD;
	case ICMP6_TYPE_ROUTER_ADVERTISEMENT:
		return SIGN_BAD;
	case ICMP6_TYPE_NEIGHBOUR_SOLICITATION:
	case ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT:
		if (nd_decode(packet->ip, packet->len, &message) != ND_FAULT_NONE)
			return SIGN_BAD;
		return type == ICMP6_TYPE_NEIGHBOUR_SOLICITATION ? SIGN_ARRIVES : SIGN_ANSWERS;
	default:
		return addr_is_multicast(&ip6->dst) ? SIGN_JOINS : SIGN_ARRIVES;
	}
}

bool mag_neighbour(struct mag *mag, const struct receive_packet *packet)
{
	const struct mag_link *link = mag_link_find(mag, packet->punt->port);
	enum sign sign;

	if (!link)
		return false;
	sign = read_sign(packet);
	if (sign == SIGN_BAD) {
		mag_count(mag, MAG_N_MALFORMED);
		return true;
	}
	mag_count(mag, MAG_N_HEARD);
	/* An advertisement that nobody asked for says nothing of who is there. */
	if (sign != SIGN_ANSWERS || mag_find(mag, packet->from))
		heard(mag, link, packet, sign);
	return true;
}
