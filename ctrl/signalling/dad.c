#include "ctrl/signalling/dad.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/signalling/ha_queue.h"
#include "ctrl/signalling/link_local.h"
#include "ctrl/signalling/multihoming.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/nd.h"
#include "proto/mobility/status.h"

/* Whether it has to be done, or gone on with. */
static bool is_wanted(const struct signalling *s, const struct binding *b)
{
	return s->config.dad_transmits && !b->unique && state_linked_prefix(s, &b->now.home);
}

/* RFC 4862, 5.4.2. */
static int probe_one(
	struct signalling *s, const struct home_link *link, const struct in6_addr *target)
{
	uint8_t frame[SEND_ETHER_SIZE + ND_PACKET_MAX];
	struct nd_message message;
	struct mac dst;
	ssize_t len;

	nd_dad_probe(target, &message);
	dst = addr_multicast_mac(&message.dst);
	len = nd_encode(&message, frame + SEND_ETHER_SIZE, ND_PACKET_MAX);
	return len < 0 ? (int)len : send_link(s, link, &dst, frame, (size_t)len);
}

static int probe(struct signalling *s, struct binding *b)
{
	const struct home_prefix *prefix = state_linked_prefix(s, &b->now.home);
	struct in6_addr link_local = addr_link_local_of(&b->now.home);
	int err = probe_one(s, prefix->link, &b->now.home);

	if (!err && b->claimed)
		err = probe_one(s, prefix->link, &link_local);
	if (err)
		return err;
	b->probes++;
	wheel_arm(&s->wheel, &b->timer, state_now(s) + s->config.dad_retrans_ms * CLOCK_NS_PER_MS);
	return 0;
}

/* The number of the session by which the home link is reached, 0: by none. */
static uint32_t session_of(struct signalling *s, const struct binding *b)
{
	const struct home_prefix *prefix = state_linked_prefix(s, &b->now.home);
	struct signalling_port port;

	return s->ops.port(s->ops.context, prefix->link, &port) ? 0 : port.session;
}

static int start(struct signalling *s, struct binding *b)
{
	int err;

	wheel_cancel(&s->wheel, &b->timer);
	b->probes = 0;
	b->session = session_of(s, b);
	err = probe(s, b);
	if (err) {
		state_count(s, SIGNALLING_N_DAD_UNSENT);
		return err;
	}
	state_count(s, SIGNALLING_N_DAD_STARTED);
	b->state = BINDING_STATE_DAD;
	return 0;
}

int dad_check(struct signalling *s, struct binding *b, uint16_t flags)
{
	static struct log_limit limit = LOG_LIMIT(5);
	bool had = b->claimed, more;
	int err = link_local_claim(s, b, flags);

	if (err == -EEXIST) {
		state_count(s, SIGNALLING_N_DAD_CLAIMED);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "ha", "link-local-claimed", "home=%s",
			ADDR_TEXT(&b->now.home));
	}
	if (err)
		return err;
	/* A newer update asks for an address more than the detection under way looks for. */
	more = b->claimed && !had;
	if (more)
		b->unique = false;
	if (!is_wanted(s, b))
		return 1;
	return b->state == BINDING_STATE_DAD && !more ? 0 : start(s, b);
}

void dad_timer(struct signalling *s, struct binding *b)
{
	bool more = b->probes < s->config.dad_transmits;
	/* Silence says nothing when nobody may have listened. */
	bool deaf = session_of(s, b) != b->session;

	if (!deaf && more && probe(s, b) == 0)
		return;
	if (deaf || more) {
		state_count(s, SIGNALLING_N_DAD_LOST);
		ha_queue_refuse(s, b, STATUS_BA_RESOURCES);
		return;
	}
	state_count(s, SIGNALLING_N_DAD_PASSED);
	b->unique = true;
	ha_queue_next(s, b);
}

/* Whether the message, from another node, says that its target is in use or about to be (RFC 4862,
 * 5.4.3 and 5.4.4). */
static bool is_rival(const struct nd_message *message)
{
	return message->type == ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT || nd_is_dad(message);
}

/* Whether the packet is from the link that the address is at home on, and not our own. */
static bool from_other(
	struct signalling *s, const struct receive_packet *packet, const struct in6_addr *home)
{
	const struct home_prefix *prefix = state_linked_prefix(s, home);
	struct signalling_port port;

	if (!prefix || !packet->from || strcmp(prefix->link->port, packet->punt->port) != 0)
		return false;
	return s->ops.port(s->ops.context, prefix->link, &port) == 0 &&
	       strcmp(port.data_plane, packet->data_plane) == 0 &&
	       !mac_equal(&port.mac, packet->from);
}

void dad_receive(struct signalling *s, const struct receive_packet *packet)
{
	static struct log_limit limit = LOG_LIMIT(5);
	struct nd_message message;
	struct binding *b;

	if (nd_decode(packet->ip, packet->len, &message) != ND_FAULT_NONE) {
		state_count(s, SIGNALLING_N_ND_MALFORMED);
		return;
	}
	b = addr_is_link_local(&message.target) ? link_local_find(s, packet, &message.target)
						: binding_cache_find(s->cache, &message.target);
	if (!b || !is_rival(&message) || !from_other(s, packet, &b->now.home)) {
		state_count(s, SIGNALLING_N_ND_OTHER);
	} else if (b->state == BINDING_STATE_DAD) {
		state_count(s, SIGNALLING_N_DAD_CONFLICT);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "ha", "address-in-use", "address=%s by=%s",
			ADDR_TEXT(&message.target), MAC_TEXT(packet->from));
		ha_queue_refuse(s, b, STATUS_BA_DAD_FAILED);
	} else if (binding_is_live(b) &&
		   !multihoming_defends_itself(&s->config.multihoming, &b->now, b->more)) {
		state_count(s, SIGNALLING_N_ND_RIVAL);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "ha", "address-claimed", "address=%s by=%s",
			ADDR_TEXT(&message.target), MAC_TEXT(packet->from));
	} else {
		state_count(s, SIGNALLING_N_ND_OTHER);
	}
}
