#include "ctrl/signalling/home_agents.h"

#include <stdlib.h>

#include "common/clock.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/router.h"

enum {
	AT_HOP_LIMIT = 7, /* octets before it in an IPv6 header */
	ND_HOP_LIMIT = 255,
	CANDIDATES_MAX = HOME_AGENTS_MAX * HOME_AGENTS_ADDRESSES + 64,
};

/* The home link that a packet came from, or NULL. */
static const struct home_link *link_of(
	const struct signalling *s, const struct receive_packet *packet)
{
	for (size_t i = 0; i < s->config.policy.prefix_count; i++) {
		const struct home_link *link = s->config.policy.prefixes[i].link;

		if (link && strcmp(link->port, packet->punt->port) == 0 &&
			(!link->data_plane[0] || strcmp(link->data_plane, packet->data_plane) == 0))
			return link;
	}
	return NULL;
}

/* The router that sent it, or NULL; *free_entry is where a new one has its place. */
static struct home_agents_entry *find(struct signalling *s, const struct home_link *link,
	const struct in6_addr *router, struct home_agents_entry **free_entry)
{
	*free_entry = NULL;
	for (size_t i = 0; i < HOME_AGENTS_MAX; i++) {
		struct home_agents_entry *e = &s->home_agents.entries[i];

		if (e->link && e->end_ns <= state_now(s))
			e->link = 0;
		if (!e->link)
			*free_entry = e;
		else if (e->link == link->id && addr_equal(&e->router, router))
			return e;
	}
	return NULL;
}

/* Another data plane of ours may advertise our own. */
static void add_addresses(
	const struct signalling *s, struct home_agents_entry *e, const struct router *router)
{
	for (size_t i = 0; i < router->prefix_count; i++) {
		const struct nd_option_prefix *p = &router->prefixes[i];
		bool known = !(p->flags & ND_OPTION_ROUTER_ADDRESS) ||
			     !addr_is_unicast_routable(&p->address) ||
			     home_prefix_is_own(&s->config.policy, &p->address);

		for (size_t j = 0; j < e->count && !known; j++)
			known = addr_equal(&e->addresses[j], &p->address);
		if (!known && e->count < HOME_AGENTS_ADDRESSES)
			e->addresses[e->count++] = p->address;
	}
}

/* RFC 6275, 10.5.1. */
static void note(struct signalling *s, const struct home_link *link, const struct in6_addr *from,
	const struct router *router)
{
	struct home_agents_entry *place, *e = find(s, link, from, &place);

	if (!(router->flags & ROUTER_HOME_AGENT) || router->home_agent_lifetime_s == 0) {
		if (e)
			e->link = 0;
		return;
	}
	if (!e && !place)
		return;
	if (!e) {
		e = place;
		*e = (struct home_agents_entry){.link = link->id, .router = *from};
	}
	e->preference = router->preference;
	e->end_ns = state_now(s) + router->home_agent_lifetime_s * CLOCK_NS_PER_S;
	add_addresses(s, e, router);
	state_count(s, SIGNALLING_N_RA_HOME_AGENT);
}

void home_agents_receive(struct signalling *s, const struct receive_packet *packet)
{
	const struct ip6_packet *ip6 = &packet->ip6;
	const uint8_t *icmp = packet->ip + ip6->offset;
	const struct home_link *link = link_of(s, packet);
	struct icmp6_message message;
	struct router router;

	if (!link) {
		state_count(s, SIGNALLING_N_ND_OTHER);
		return;
	}
	if (packet->ip[AT_HOP_LIMIT] != ND_HOP_LIMIT || !addr_is_link_local(&ip6->src) ||
		ip6->is_fragment || icmp6_decode(&ip6->src, &ip6->dst, icmp, ip6->len, &message) ||
		router_decode(icmp, ip6->len, &router) != ROUTER_FAULT_NONE) {
		state_count(s, SIGNALLING_N_ND_MALFORMED);
		return;
	}
	note(s, link, &ip6->src, &router);
}

/* An address with what decides on its place. */
struct candidate {
	uint16_t preference;
	uint32_t agent, address; /* random */
	struct in6_addr addr;
};

static int order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference > y->preference ? -1 : 1;
	if (x->agent != y->agent)
		return x->agent < y->agent ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static uint32_t random_number(void)
{
	uint32_t number = 0;

	/* Without it the order is not random, and that is all. */
	(void)hmac_random(&number, sizeof(number));
	return number;
}

/* The addresses of one home agent. */
static size_t add_agent(struct candidate *all, size_t count, uint16_t preference,
	const struct in6_addr *addresses, size_t address_count)
{
	uint32_t agent = random_number();

	for (size_t i = 0; i < address_count && count < CANDIDATES_MAX; i++)
		all[count++] = (struct candidate){preference, agent, random_number(), addresses[i]};
	return count;
}

size_t home_agents_list(struct signalling *s, const struct home_prefix *prefix,
	struct in6_addr *addresses, size_t max)
{
	struct candidate all[CANDIDATES_MAX];
	size_t count = add_agent(all, 0, s->config.home_agent_preference, s->config.policy.agents,
		s->config.policy.agent_count);

	for (size_t i = 0; i < HOME_AGENTS_MAX; i++) {
		const struct home_agents_entry *e = &s->home_agents.entries[i];

		if (prefix->link && e->link == prefix->link->id && e->end_ns > state_now(s))
			count = add_agent(all, count, e->preference, e->addresses, e->count);
	}
	qsort(all, count, sizeof(*all), order);
	if (count > max)
		count = max;
	for (size_t i = 0; i < count; i++)
		addresses[i] = all[i].addr;
	return count;
}
