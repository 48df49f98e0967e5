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

/* When the next request for a binding is due. The first comes when a quarter of the lifetime is
 * left: a node that is well refreshes before. Each further one comes at half of what was left. */
static uint64_t due_at(const struct binding *b, unsigned i)
{
	uint64_t lead = binding_lifetime_ns(binding_record_at(b, i)->lifetime) / 4;
	uint64_t end_ns = binding_end_at(b, i);

	lead = (lead < REFRESH_LEAD_NS ? lead : REFRESH_LEAD_NS) >> b->refreshes;
	if (b->refreshes >= REFRESH_MAX || lead < REFRESH_LEAST_NS || lead > end_ns)
		return end_ns;
	return end_ns - lead;
}

uint64_t refresh_due_ns(const struct binding *b)
{
	uint64_t due = due_at(b, 0);

	for (unsigned i = 1; i < binding_count(b); i++)
		if (due_at(b, i) < due)
			due = due_at(b, i);
	return b->asks && b->ask_ns < due ? b->ask_ns : due;
}

/* Names the bindings that are due, or all, when they have BIDs (RFC 5648, 6.4). */
static void name_bids(const struct signalling *s, const struct binding *b, bool all, struct mh *mh)
{
	for (unsigned i = 0; b->now.bid && i < binding_count(b); i++)
		if (all || state_now(s) >= due_at(b, i))
			option_add(mh, OPTION_BID)->bid.bid = binding_record_at(b, i)->bid;
}

static bool request(struct signalling *s, const struct binding *b, bool all)
{
	const struct binding_record *heard = binding_last_heard(b);
	/* 10.4.2: what the home agent itself sends to a node goes with a routing header. */
	struct ip6_build head = {
		.src = heard->agent, .dst = heard->care_of, .routing2 = &b->now.home};
	struct mh mh = {.type = MH_BRR};
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len;

	name_bids(s, b, all, &mh);
	len = mh_packet_encode(&head, &mh, NULL, buf, sizeof(buf));
	if (len <= 0 || send_route(s, NULL, buf, (size_t)len))
		return false;
	state_count(s, SIGNALLING_N_BRR_SENT);
	return true;
}

static void tell_once(struct signalling *s, struct binding *b)
{
	b->asks--;
	b->ask_ns = state_now(s) + TELL_AGAIN_NS;
	if ((s->config.tell_by_ba && ha_reply_tell(s, b) == 0) || request(s, b, true))
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
	request(s, b, false);
	b->refreshes++;
	b->state = BINDING_STATE_EXPIRING;
}
