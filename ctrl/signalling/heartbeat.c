#include "ctrl/signalling/heartbeat.h"

#include <stdlib.h>

#include "common/clock.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"

enum { ANNOUNCE_MS = 1000 /* until what no data plane took is tried again */ };

struct heartbeat {
	struct heartbeat_config config;
	struct heartbeat_ops ops;
	struct hmac *hmac;
	struct wheel *wheel;
	struct wheel_timer tick, announce;
	size_t announced; /* peers that were told of our restart */
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

static int transmit_to(struct heartbeat *h, size_t index, uint16_t flags, uint32_t sequence)
{
	const struct proxy_peer peer = h->ops.peer(h->ops.context, index);

	return transmit(h, &peer, flags, sequence);
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
	p->asked = true;
	transmit_to(h, index, 0, ++p->sequence);
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

/* RFC 5847, 3.2: all who may have had sessions with us are told that they are lost. */
static void on_announce(struct wheel_timer *timer, void *context)
{
	struct heartbeat *h = wheel_entry(timer, struct heartbeat, announce);

	(void)context;
	while (h->announced < h->config.peer_count &&
		transmit_to(h, h->announced, FLAGS_HEARTBEAT_U | FLAGS_HEARTBEAT_R, 0) == 0)
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

static void answered(struct heartbeat *h, size_t index, const struct mh *mh)
{
	const struct mh_option *counter = option_find(mh, OPTION_RESTART_COUNTER);
	struct heartbeat_peer *p = &h->peers[index];
	bool back = p->state == HEARTBEAT_LOST;

	if (!(mh->heartbeat.flags & FLAGS_HEARTBEAT_U)) {
		if (!p->asked || mh->heartbeat.sequence != p->sequence)
			return;
		p->asked = false;
	}
	p->missing = 0;
	p->state = HEARTBEAT_REACHABLE;
	if (back)
		h->ops.event(h->ops.context, index, HEARTBEAT_EVENT_BACK);
	if (counter)
		compare(h, index, counter->restart_counter.counter);
	p->heard_ns = h->ops.now_ns(h->ops.context);
}

void heartbeat_receive(
	struct heartbeat *h, size_t index, const struct proxy_peer *from, const struct mh *mh)
{
	if (mh->heartbeat.flags & FLAGS_HEARTBEAT_R)
		answered(h, index, mh);
	else
		transmit(h, from, FLAGS_HEARTBEAT_R, mh->heartbeat.sequence);
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
