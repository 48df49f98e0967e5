#include "ctrl/signalling/proxy/heartbeat.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/hmac.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"

enum { ANNOUNCE_MS = 1000 /* until what no data plane took is tried again */ };
#define CHECK_NS CLOCK_NS_PER_S /* between requests about what a peer says unasked */

struct heartbeat {
	struct heartbeat_config config;
	struct heartbeat_ops ops;
	struct hmac *hmac;
	struct wheel *wheel;
	struct wheel_timer tick, announce;
	size_t announced,
		announced_at; /* peers that were told of our restart; addresses of the next */
	struct heartbeat_peer peers[];
};

const char *heartbeat_state_name(enum heartbeat_state state)
{
	static const char *const names[] = {
		[HEARTBEAT_UNKNOWN] = "unknown",
		[HEARTBEAT_REACHABLE] = "reachable",
		[HEARTBEAT_LOST] = "lost",
		[HEARTBEAT_UNSUPPORTED] = "unsupported",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)state < count ? names[state] : "unknown";
}

const char *heartbeat_event_name(enum heartbeat_event event)
{
	static const char *const names[] = {
		[HEARTBEAT_EVENT_LOST] = "lost",
		[HEARTBEAT_EVENT_BACK] = "back",
		[HEARTBEAT_EVENT_RESTARTED] = "restarted",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)event < count && names[event] ? names[event] : "unknown";
}

const struct heartbeat_peer *heartbeat_peer(const struct heartbeat *h, size_t index)
{
	return &h->peers[index];
}

static int transmit(
	struct heartbeat *h, const struct proxy_peer *peer, uint16_t flags, uint32_t sequence)
{
	struct mh mh = {.type = MH_HEARTBEAT, .heartbeat = {.flags = flags, .sequence = sequence}};
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len;

	if (flags & FLAGS_HEARTBEAT_R)
		option_add(&mh, OPTION_RESTART_COUNTER)->restart_counter.counter =
			h->config.counter;
	len = proxy_peer_encode(peer, h->hmac, &mh, buf, sizeof(buf));
	return len < 0 ? (int)len : h->ops.send(h->ops.context, buf, (size_t)len);
}

static void request(struct heartbeat *h, size_t index)
{
	struct heartbeat_peer *p = &h->peers[index];
	const struct proxy_peer peer = h->ops.peer(h->ops.context, index, p->missing);

	p->asked = true;
	transmit(h, &peer, 0, ++p->sequence);
}

/* RFC 5847, 3.1. */
static void ask(struct heartbeat *h, size_t index)
{
	struct heartbeat_peer *p = &h->peers[index];

	if (p->state == HEARTBEAT_UNSUPPORTED)
		return;
	if (!h->ops.active(h->ops.context, index)) {
		p->asked = false;
		p->missing = 0;
		return;
	}
	if (p->asked && ++p->missing > h->config.allowed && p->state != HEARTBEAT_LOST) {
		p->state = HEARTBEAT_LOST;
		h->ops.event(h->ops.context, index, HEARTBEAT_EVENT_LOST);
	}
	request(h, index);
}

static void on_tick(struct wheel_timer *timer, void *context)
{
	struct heartbeat *h = wheel_entry(timer, struct heartbeat, tick);

	(void)context;
	for (size_t i = 0; i < h->config.peer_count; i++)
		ask(h, i);
	wheel_arm(h->wheel, &h->tick,
		h->ops.now_ns(h->ops.context) + h->config.interval_ms * CLOCK_NS_PER_MS);
}

/* Tells a peer at all its addresses; which of them it used, we no longer know. False: no data plane
 * takes it now. */
static bool announce_to(struct heartbeat *h, size_t index)
{
	struct proxy_peer peer;

	for (; h->ops.each(h->ops.context, index, h->announced_at, &peer); h->announced_at++)
		if (transmit(h, &peer, FLAGS_HEARTBEAT_U | FLAGS_HEARTBEAT_R, 0) != 0)
			return false;
	h->announced_at = 0;
	return true;
}

/* RFC 5847, 3.2: all who may have had sessions with us are told that they are lost. */
static void on_announce(struct wheel_timer *timer, void *context)
{
	struct heartbeat *h = wheel_entry(timer, struct heartbeat, announce);

	(void)context;
	while (h->announced < h->config.peer_count && announce_to(h, h->announced))
		h->announced++;
	if (h->announced < h->config.peer_count)
		wheel_arm(h->wheel, &h->announce,
			h->ops.now_ns(h->ops.context) + ANNOUNCE_MS * CLOCK_NS_PER_MS);
}

struct heartbeat *heartbeat_new(const struct heartbeat_config *config,
	const struct heartbeat_ops *ops, struct hmac *hmac, struct wheel *wheel)
{
	struct heartbeat *h = calloc(1, sizeof(*h) + config->peer_count * sizeof(h->peers[0]));
	uint64_t now = ops->now_ns(ops->context);

	if (!h)
		return NULL;
	h->config = *config;
	h->ops = *ops;
	h->hmac = hmac;
	h->wheel = wheel;
	for (size_t i = 0; i < config->peer_count; i++)
		if (hmac_random(&h->peers[i].sequence, sizeof(h->peers[i].sequence)) < 0) {
			free(h);
			return NULL;
		}
	wheel_timer_init(&h->tick, on_tick);
	wheel_timer_init(&h->announce, on_announce);
	if (config->interval_ms)
		wheel_arm(wheel, &h->tick, now + config->interval_ms * CLOCK_NS_PER_MS);
	if (config->announce)
		wheel_arm(wheel, &h->announce, now);
	return h;
}

void heartbeat_free(struct heartbeat *h)
{
	if (!h)
		return;
	wheel_cancel(h->wheel, &h->tick);
	wheel_cancel(h->wheel, &h->announce);
	free(h);
}

/* RFC 5847, 3.2. */
static void compare(struct heartbeat *h, size_t index, uint32_t counter)
{
	struct heartbeat_peer *p = &h->peers[index];
	bool restarted = p->has_counter && p->counter != counter;

	if (restarted)
		p->same_ns = p->heard_ns;
	p->has_counter = true;
	p->counter = counter;
	if (restarted)
		h->ops.event(h->ops.context, index, HEARTBEAT_EVENT_RESTARTED);
}

static enum heartbeat_verdict answered(struct heartbeat *h, size_t index, const struct mh *mh)
{
	const struct mh_option *counter = option_find(mh, OPTION_RESTART_COUNTER);
	struct heartbeat_peer *p = &h->peers[index];
	bool back = p->state == HEARTBEAT_LOST;

	if (!p->asked || mh->heartbeat.sequence != p->sequence)
		return HEARTBEAT_UNMATCHED;
	p->asked = false;
	p->missing = 0;
	p->state = HEARTBEAT_REACHABLE;
	if (back)
		h->ops.event(h->ops.context, index, HEARTBEAT_EVENT_BACK);
	if (counter)
		compare(h, index, counter->restart_counter.counter);
	p->heard_ns = h->ops.now_ns(h->ops.context);
	return HEARTBEAT_TAKEN;
}

/*
 * RFC 5847, 3.2: a peer says that it has lost its sessions. Its authenticator does not tell when it
 * said so. A counter that does not exceed the one that is known, modulo 2^32, is of a time before;
 * about another one, or the first, the peer is asked at once.
 */
static enum heartbeat_verdict told(struct heartbeat *h, size_t index, const struct mh *mh)
{
	const struct mh_option *counter = option_find(mh, OPTION_RESTART_COUNTER);
	struct heartbeat_peer *p = &h->peers[index];
	uint64_t now = h->ops.now_ns(h->ops.context);

	if (!counter ||
		(p->has_counter && (int32_t)(counter->restart_counter.counter - p->counter) <= 0))
		return HEARTBEAT_OLD;
	if (!h->ops.active(h->ops.context, index) ||
		(p->checked_ns && now < p->checked_ns + CHECK_NS))
		return HEARTBEAT_TAKEN;
	p->checked_ns = now;
	request(h, index);
	return HEARTBEAT_TAKEN;
}

enum heartbeat_verdict heartbeat_receive(
	struct heartbeat *h, size_t index, const struct proxy_peer *from, const struct mh *mh)
{
	if (!(mh->heartbeat.flags & FLAGS_HEARTBEAT_R)) {
		transmit(h, from, FLAGS_HEARTBEAT_R, mh->heartbeat.sequence);
		return HEARTBEAT_TAKEN;
	}
	return mh->heartbeat.flags & FLAGS_HEARTBEAT_U ? told(h, index, mh)
						       : answered(h, index, mh);
}

bool heartbeat_refused(struct heartbeat *h, size_t index)
{
	struct heartbeat_peer *p = &h->peers[index];

	if (!p->asked)
		return false;
	p->asked = false;
	p->state = HEARTBEAT_UNSUPPORTED;
	return true;
}
