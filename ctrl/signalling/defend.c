#include "ctrl/signalling/defend.h"

#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/nd.h"

void defend_announce(struct signalling *s, const struct binding *b)
{
	const struct home_prefix *prefix = state_linked_prefix(s, &b->now.home);
	uint8_t frame[SEND_ETHER_SIZE + ND_PACKET_MAX];
	struct nd_message message;
	const char *data_plane;
	struct in6_addr src;
	struct mac mac, dst;
	ssize_t len;

	if (!prefix)
		return;
	if (s->ops.port(s->ops.context, prefix->link, &data_plane, &mac)) {
		state_count(s, SIGNALLING_N_SEND_FAILED);
		return;
	}
	src = home_prefix_source(&s->config.policy, prefix, &mac);
	nd_proxy_advertisement(&src, &b->now.home, &mac, NULL, &message);
	dst = addr_multicast_mac(&message.dst);
	len = nd_encode(&message, frame + SEND_ETHER_SIZE, ND_PACKET_MAX);
	if (len > 0 && send_link(s, prefix->link, &dst, frame, (size_t)len) == 0)
		state_count(s, SIGNALLING_N_NA_SENT);
}
