#include "ctrl/signalling/defend.h"

#include "common/clock.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/nd.h"

static void advertise(struct signalling *s, const struct home_prefix *prefix,
	const struct in6_addr *target, const struct mac *mac)
{
	struct in6_addr src = home_prefix_source(&s->config.policy, prefix, mac);
	uint8_t frame[SEND_ETHER_SIZE + ND_PACKET_MAX];
	struct nd_message message;
	struct mac dst;
	ssize_t len;

	nd_proxy_advertisement(&src, target, mac, NULL, &message);
	dst = addr_multicast_mac(&message.dst);
	len = nd_encode(&message, frame + SEND_ETHER_SIZE, ND_PACKET_MAX);
	if (len > 0 && send_link(s, prefix->link, &dst, frame, (size_t)len) == 0)
		state_count(s, SIGNALLING_N_NA_SENT);
}

void defend_again(struct signalling *s, struct binding *b)
{
	const struct home_prefix *prefix = state_linked_prefix(s, &b->now.home);
	struct in6_addr link_local = addr_link_local_of(&b->now.home);
	struct signalling_port port;

	b->announcements--;
	b->announce_ns = state_now(s) + s->config.dad_retrans_ms * CLOCK_NS_PER_MS;
	if (s->ops.port(s->ops.context, prefix->link, &port)) {
		state_count(s, SIGNALLING_N_SEND_FAILED);
		return;
	}
	advertise(s, prefix, &b->now.home, &port.mac);
	if (b->claimed)
		advertise(s, prefix, &link_local, &port.mac);
}

void defend_begin(struct signalling *s, struct binding *b)
{
	b->announcements = 0;
	if (!state_linked_prefix(s, &b->now.home))
		return;
	b->announcements = (uint8_t)s->config.advertisements;
	defend_again(s, b);
}

uint64_t defend_due_ns(const struct binding *b)
{
	return b->announcements ? b->announce_ns : UINT64_MAX;
}
