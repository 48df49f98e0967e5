#include "ctrl/signalling/classify.h"

#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/mh.h"

/* The fields of a Binding Update that stand at fixed places (RFC 6275, 6.1.1 and 6.1.7). */
struct glance {
	uint8_t type;
	uint16_t flags, lifetime;
};

static bool glance_at(const uint8_t *mh, size_t len, struct glance *g)
{
	struct cursor c;

	cursor_init(&c, mh, len);
	cursor_skip(&c, 2);
	g->type = cursor_u8(&c);
	cursor_skip(&c, 5);
	g->flags = cursor_u16(&c);
	g->lifetime = cursor_u16(&c);
	return cursor_ok(&c);
}

/* The messages of all nodes behind it come from the one address of a proxy (RFC 5213). */
static bool is_from_peer(const struct signalling *s, const struct ip6_packet *ip6)
{
	for (size_t i = 0; i < s->role_count; i++) {
		const struct signalling_role *role = &s->roles[i];

		if (role->knows && role->owns && role->owns(role->context, &ip6->dst))
			return role->knows(role->context, &ip6->src);
	}
	return false;
}

/* What is to be seen of a packet; true if it is a node's own Binding Update, whose class depends on
 * whether its home address is bound. */
static bool look(struct signalling *s, const struct packet_punt *punt, struct intake_sight *sight,
	struct glance *g, struct in6_addr *home)
{
	const size_t skip = punt->subscriber ? 0 : SEND_ETHER_SIZE;
	struct ip6_packet ip6;

	*sight = (struct intake_sight){
		.class = punt->reason == PACKET_NEIGHBOUR ? INTAKE_LINK : INTAKE_REST};
	if (punt->reason == PACKET_NEIGHBOUR || punt->length < skip ||
		ip6_packet_decode(punt->frame + skip, punt->length - skip, &ip6, NULL))
		return false;
	*g = (struct glance){0};
	const bool mobility = ip6.proto == MH_NEXT_HEADER &&
			      glance_at(punt->frame + skip + ip6.offset, ip6.len, g);

	if ((mobility || punt->reason == PACKET_LISTENER) && is_from_peer(s, &ip6)) {
		sight->class = g->type == MH_BU && !g->lifetime ? INTAKE_END : INTAKE_KNOWN;
		return false;
	}
	sight->source = ip6.src;
	*home = *ip6_packet_effective_src(&ip6);
	return mobility && g->type == MH_BU && !(g->flags & FLAGS_BU_P);
}

static enum intake_class class_of(
	struct signalling *s, const struct in6_addr *home, const struct glance *g)
{
	const struct binding *b = binding_cache_find(s->cache, home);

	if (b && binding_is_live(b))
		return g->lifetime ? INTAKE_KNOWN : INTAKE_END;
	return g->lifetime ? INTAKE_NEW : INTAKE_REST;
}

void signalling_classify(struct signalling *s, const struct packet_punt punts[], unsigned count,
	struct intake_sight sights[])
{
	struct {
		unsigned of;
		struct glance glance;
		struct in6_addr home;
	} updates[PACKET_BURST];
	uint64_t hashes[PACKET_BURST];
	unsigned found = 0;

	for (unsigned i = 0; i < count; i++) {
		updates[found].of = i;
		if (!look(s, &punts[i], &sights[i], &updates[found].glance, &updates[found].home))
			continue;
		hashes[found] = sights[i].hint = addr_hash(&updates[found].home);
		found++;
	}
	if (found)
		binding_cache_expect(s->cache, hashes, found);
	for (unsigned i = 0; i < found; i++)
		sights[updates[i].of].class = class_of(s, &updates[i].home, &updates[i].glance);
}

void signalling_expect(struct signalling *s, const uint64_t hints[], unsigned count)
{
	binding_cache_expect(s->cache, hints, count);
	subscriber_db_expect(s->subscribers, hints, count);
}
