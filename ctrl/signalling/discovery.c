#include "ctrl/signalling/discovery.h"

#include "common/clock.h"
#include "common/cursor.h"
#include "ctrl/signalling/error.h"
#include "ctrl/signalling/home_agents.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/home_discovery.h"
#include "proto/mobility/nd_option.h"

enum {
	BODY_MAX = IP6_MIN_MTU - IP6_BUILD_MAX - ICMP6_HEADER_SIZE,
	ADDRESSES_MAX = BODY_MAX / sizeof(struct in6_addr),
	PREFIX_OPTION_SIZE = 4 * ND_OPTION_UNIT,
	FOR_EVER = -1, /* all ones: configured prefixes do not end */
};

/* Reads the message of a packet. False: it is counted and dropped. */
static bool read_message(
	struct signalling *s, const struct receive_packet *packet, struct home_discovery *out)
{
	const struct ip6_packet *ip6 = &packet->ip6;
	struct icmp6_message message;

	if (!ip6->is_fragment && ip6->proto == ICMP6_NEXT_HEADER &&
		icmp6_decode(ip6_packet_effective_src(ip6), ip6_packet_effective_dst(ip6),
			packet->ip + ip6->offset, ip6->len, &message) == 0 &&
		home_discovery_decode(&message, out) == HOME_DISCOVERY_FAULT_NONE)
		return true;
	state_count(s, SIGNALLING_N_ICMP_MALFORMED);
	return false;
}

/* Sends an answer in the headers that are asked for. */
static bool answer(struct signalling *s, const struct receive_packet *packet,
	struct ip6_build *head, const struct home_discovery *discovery)
{
	const struct in6_addr *dst = head->routing2 ? head->routing2 : &head->dst;
	size_t at = ip6_build_size(head);
	uint8_t buf[IP6_MIN_MTU];
	struct icmp6_message message;
	ssize_t len;

	if (home_discovery_message(discovery, &message))
		return false;
	len = icmp6_encode(&head->src, dst, &message, buf + at, sizeof(buf) - at);
	if (len < 0)
		return false;
	head->proto = ICMP6_NEXT_HEADER;
	head->payload_len = (uint16_t)len;
	return ip6_build(head, buf, sizeof(buf)) > 0 &&
	       send_route(s, packet->data_plane, buf, at + (size_t)len) == 0;
}

/* The home prefix whose home agents an address stands for, or NULL. */
static const struct home_prefix *prefix_of_anycast(
	const struct signalling *s, const struct in6_addr *addr)
{
	const struct home_prefix *prefix = home_prefix_find(&s->config.policy, addr);
	struct in6_addr anycast;

	if (!prefix)
		return NULL;
	anycast = home_discovery_anycast(&prefix->prefix);
	return addr_equal(&anycast, addr) ? prefix : NULL;
}

/* The gateway's address on the prefix, else its first one. */
static const struct in6_addr *agent_of(const struct signalling *s, const struct home_prefix *prefix)
{
	const struct home_policy *policy = &s->config.policy;

	for (size_t i = 0; i < policy->agent_count; i++)
		if (prefix6_contains(&prefix->prefix, &policy->agents[i]))
			return &policy->agents[i];
	return &policy->agents[0];
}

/* RFC 6275, 10.5.1. */
static void tell_home_agents(struct signalling *s, const struct receive_packet *packet,
	const struct home_prefix *prefix, const struct home_discovery *question)
{
	struct ip6_build head = {.src = *agent_of(s, prefix), .dst = packet->ip6.src};
	struct in6_addr addresses[ADDRESSES_MAX];
	size_t count;

	if (!addr_is_unicast_routable(&packet->ip6.src)) {
		state_count(s, SIGNALLING_N_ERROR_FORBIDDEN);
		return;
	}
	/* The answer is longer than the question and goes wherever that claims to be from. */
	if (!error_pass(s))
		return;
	count = home_agents_list(s, prefix, addresses, ADDRESSES_MAX);
	const struct home_discovery reply = {
		.type = ICMP6_TYPE_HOME_AGENT_REPLY,
		.identifier = question->identifier,
		.body = (const uint8_t *)addresses,
		.body_len = count * sizeof(*addresses),
	};

	if (answer(s, packet, &head, &reply))
		state_count(s, SIGNALLING_N_HA_REPLY);
}

void discovery_receive(struct signalling *s, const struct receive_packet *packet)
{
	const struct home_prefix *prefix = prefix_of_anycast(s, &packet->ip6.dst);
	struct home_discovery question;

	if (!read_message(s, packet, &question))
		return;
	if (question.type == ICMP6_TYPE_HOME_AGENT_REQUEST && prefix)
		tell_home_agents(s, packet, prefix, &question);
	else
		state_count(s, SIGNALLING_N_ICMP_UNEXPECTED);
}

/* The prefixes that are at home where this one is, as they are advertised there (RFC 6275, 7.2 and
 * 10.6.1); returns the octets. */
static size_t put_prefixes(
	const struct signalling *s, const struct home_prefix *own, uint8_t *body, size_t size)
{
	const struct home_policy *policy = &s->config.policy;
	struct writer w;

	writer_init(&w, body, size);
	for (size_t i = 0; i < policy->prefix_count; i++) {
		const struct home_prefix *p = &policy->prefixes[i];
		const struct in6_addr *agent = agent_of(s, p);
		bool inside = prefix6_contains(&p->prefix, agent);

		if (p != own && (!own->link || p->link != own->link))
			continue;
		if (writer_left(&w) < PREFIX_OPTION_SIZE)
			break;
		nd_option_prefix_encode(&w,
			&(struct nd_option_prefix){
				.address = inside ? *agent : p->prefix.addr,
				.len = p->prefix.len,
				.flags = ND_OPTION_AUTONOMOUS | (p->link ? ND_OPTION_ON_LINK : 0) |
					 (inside ? ND_OPTION_ROUTER_ADDRESS : 0),
				.valid_s = (uint32_t)FOR_EVER,
				.preferred_s = (uint32_t)FOR_EVER,
			});
	}
	return writer_len(&w);
}

/* RFC 6275, 6.8: not more than one a second to a node. */
static bool pace_pass(struct signalling *s, const struct in6_addr *home)
{
	uint64_t *sent = &s->pace.sent_ns[addr_hash(home) % DISCOVERY_SLOTS];

	if (*sent && state_now(s) - *sent < CLOCK_NS_PER_S) {
		state_count(s, SIGNALLING_N_MPA_LIMITED);
		return false;
	}
	*sent = state_now(s);
	return true;
}

bool discovery_solicited(
	struct signalling *s, const struct receive_packet *packet, const struct binding *b)
{
	const struct home_prefix *prefix = home_prefix_find(&s->config.policy, &b->now.home);
	struct ip6_build head = {
		.src = b->now.agent, .dst = packet->ip6.src, .routing2 = &b->now.home};
	struct home_discovery question;
	uint8_t body[BODY_MAX];

	if (packet->ip6.proto != ICMP6_NEXT_HEADER || packet->ip6.len == 0 ||
		packet->ip[packet->ip6.offset] != ICMP6_TYPE_PREFIX_SOLICITATION || !prefix ||
		!home_prefix_is_agent(&s->config.policy, &packet->ip6.dst))
		return false;
	if (!read_message(s, packet, &question) || !pace_pass(s, &b->now.home))
		return true;
	const struct home_discovery advertisement = {
		.type = ICMP6_TYPE_PREFIX_ADVERTISEMENT,
		.identifier = question.identifier,
		.body = body,
		.body_len = put_prefixes(s, prefix, body, sizeof(body)),
	};

	if (answer(s, packet, &head, &advertisement))
		state_count(s, SIGNALLING_N_MPA_SENT);
	return true;
}
