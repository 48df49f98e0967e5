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

static enum intake_class classify_update(
	struct signalling *s, const struct ip6_packet *ip6, const struct glance *g, uint64_t *hint)
{
	const struct in6_addr *home = ip6_packet_effective_src(ip6);
	const struct binding *b = binding_cache_find(s->cache, home);

	*hint = addr_hash(home);

	if (b && binding_is_live(b))
		return g->lifetime ? INTAKE_KNOWN : INTAKE_END;
	return g->lifetime ? INTAKE_NEW : INTAKE_REST;
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

enum intake_class signalling_classify(struct signalling *s, const struct packet_punt *punt,
	struct in6_addr *source, uint64_t *hint)
{
	const size_t skip = punt->subscriber ? 0 : SEND_ETHER_SIZE;
	struct ip6_packet ip6;
	struct glance g;

	*source = in6addr_any;
	if (punt->reason == PACKET_NEIGHBOUR)
		return INTAKE_LINK;
	if (punt->length < skip ||
		ip6_packet_decode(punt->frame + skip, punt->length - skip, &ip6, NULL))
		return INTAKE_REST;
	*source = ip6.src;
	if (punt->reason == PACKET_LISTENER && is_from_peer(s, &ip6)) {
		*source = in6addr_any;
		return INTAKE_KNOWN;
	}
	if (ip6.proto != MH_NEXT_HEADER || !glance_at(punt->frame + skip + ip6.offset, ip6.len, &g))
		return INTAKE_REST;
	if (is_from_peer(s, &ip6)) {
		*source = in6addr_any;
		return g.type == MH_BU && !g.lifetime ? INTAKE_END : INTAKE_KNOWN;
	}
	if (g.type != MH_BU || (g.flags & FLAGS_BU_P))
		return INTAKE_REST;
	return classify_update(s, &ip6, &g, hint);
}

void signalling_expect(struct signalling *s, const uint64_t hints[], unsigned count)
{
	subscriber_db_expect(s->subscribers, hints, count);
}
