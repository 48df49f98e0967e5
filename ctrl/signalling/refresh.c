#include "ctrl/signalling/refresh.h"

#include "common/clock.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/mh_packet.h"

#define REFRESH_MAX      3                     /* requests for one update */
#define REFRESH_LEAD_NS  (60 * CLOCK_NS_PER_S) /* the first comes at most so long before the end */
#define REFRESH_LEAST_NS CLOCK_NS_PER_S        /* none comes later than this */

/* The first comes when a quarter of the lifetime is left: a node that is well refreshes before.
 * Each further one comes at half of what was left. */
uint64_t refresh_due_ns(const struct binding *b)
{
	uint64_t lead = binding_lifetime_ns(b->now.lifetime) / 4;

	lead = (lead < REFRESH_LEAD_NS ? lead : REFRESH_LEAD_NS) >> b->refreshes;
	if (b->refreshes >= REFRESH_MAX || lead < REFRESH_LEAST_NS || lead > b->end_ns)
		return b->end_ns;
	return b->end_ns - lead;
}

void refresh_send(struct signalling *s, struct binding *b)
{
	/* 10.4.2: what the home agent itself sends to a node goes with a routing header. */
	struct ip6_build head = {
		.src = b->now.agent, .dst = b->now.care_of, .routing2 = &b->now.home};
	struct mh mh = {.type = MH_BRR};
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len = mh_packet_encode(&head, &mh, NULL, buf, sizeof(buf));

	b->refreshes++;
	b->state = BINDING_STATE_EXPIRING;
	if (len > 0 && send_route(s, NULL, buf, (size_t)len) == 0)
		state_count(s, SIGNALLING_N_BRR_SENT);
}
