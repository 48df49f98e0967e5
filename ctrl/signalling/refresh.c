#include "ctrl/signalling/refresh.h"

#include "common/clock.h"
#include "ctrl/signalling/ha_reply.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/mh_packet.h"

#define REFRESH_MAX      3                     /* requests for one update */
#define REFRESH_LEAD_NS  (60 * CLOCK_NS_PER_S) /* the first comes at most so long before the end */
#define REFRESH_LEAST_NS CLOCK_NS_PER_S        /* none comes later than this */
#define TELL_TIMES       4                     /* to a node that does not answer */
#define TELL_AGAIN_NS    CLOCK_NS_PER_S        /* between them */

/* The first comes when a quarter of the lifetime is left: a node that is well refreshes before.
 * Each further one comes at half of what was left. */
static uint64_t request_due_ns(const struct binding *b)
{
	uint64_t lead = binding_lifetime_ns(b->now.lifetime) / 4;

	lead = (lead < REFRESH_LEAD_NS ? lead : REFRESH_LEAD_NS) >> b->refreshes;
	if (b->refreshes >= REFRESH_MAX || lead < REFRESH_LEAST_NS || lead > b->end_ns)
		return b->end_ns;
	return b->end_ns - lead;
}

uint64_t refresh_due_ns(const struct binding *b)
{
	uint64_t due = request_due_ns(b);

	return b->asks && b->ask_ns < due ? b->ask_ns : due;
}

static bool request(struct signalling *s, const struct binding *b)
{
	/* 10.4.2: what the home agent itself sends to a node goes with a routing header. */
	struct ip6_build head = {
		.src = b->now.agent, .dst = b->now.care_of, .routing2 = &b->now.home};
	struct mh mh = {.type = MH_BRR};
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len = mh_packet_encode(&head, &mh, NULL, buf, sizeof(buf));

	if (len <= 0 || send_route(s, NULL, buf, (size_t)len))
		return false;
	state_count(s, SIGNALLING_N_BRR_SENT);
	return true;
}

static void tell_once(struct signalling *s, struct binding *b)
{
	b->asks--;
	b->ask_ns = state_now(s) + TELL_AGAIN_NS;
	if ((s->config.tell_by_ba && ha_reply_tell(s, b) == 0) || request(s, b))
		state_count(s, SIGNALLING_N_TELL_SENT);
}

void refresh_tell(struct signalling *s, struct binding *b)
{
	b->asks = TELL_TIMES;
	tell_once(s, b);
}

void refresh_send(struct signalling *s, struct binding *b)
{
	if (b->asks && state_now(s) >= b->ask_ns) {
		tell_once(s, b);
		return;
	}
	b->refreshes++;
	b->state = BINDING_STATE_EXPIRING;
	request(s, b);
}
