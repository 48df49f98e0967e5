/*
 * The gateways as peers: heartbeats (RFC 5847), and messages that are no registrations.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "ctrl/binding/binding.h"
#include "ctrl/signalling/lma/lma_state.h"
#include "ctrl/signalling/proxy/trace_peer.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/status.h"

/* By the addresses that something is registered by, one after the other. */
static struct proxy_peer op_peer(void *context, size_t index, uint32_t missing)
{
	const struct lma *lma = context;
	const struct lma_peer *peer = &lma->config.peers[index];
	const struct lma_peer_state *state = &lma->peer_states[index];
	size_t used = 0, at = state->heard_by;

	for (size_t i = 0; i < peer->address_count; i++)
		used += state->ways[i].active_ns > lma_now(lma);
	for (size_t i = 0, skip = used ? missing % used : 0; used; i++) {
		at = (state->heard_by + i) % peer->address_count;
		if (state->ways[at].active_ns > lma_now(lma) && !skip--)
			break;
	}
	return lma_peer_at(peer, &state->ways[at].own, &peer->addresses[at]);
}

static bool op_each(void *context, size_t index, size_t nth, struct proxy_peer *at)
{
	const struct lma *lma = context;
	const struct lma_peer *peer = &lma->config.peers[index];

	if (nth >= lma->config.address_count * peer->address_count)
		return false;
	*at = lma_peer_at(peer, &lma->config.addresses[nth / peer->address_count],
		&peer->addresses[nth % peer->address_count]);
	return true;
}

static bool op_active(void *context, size_t index)
{
	const struct lma *lma = context;

	for (size_t i = 0; i < lma->config.peers[index].address_count; i++)
		if (lma->peer_states[index].ways[i].active_ns > lma_now(lma))
			return true;
	return false;
}

static int op_send(void *context, const uint8_t *ip, size_t len)
{
	struct lma *lma = context;
	const struct packet_inject inject = {
		.how = PACKET_TO_ROUTE, .length = (uint16_t)len, .frame = ip};
	int error = lma->ops.inject(lma->ops.context, NULL, &inject);

	if (error)
		lma_count(lma, LMA_N_SEND_FAILED);
	return error;
}

static void send_notice(void *context, const uint8_t *ip, size_t len)
{
	op_send(context, ip, len);
}

static uint64_t op_now(void *context)
{
	return lma_now(context);
}

static uint64_t op_real(void *context)
{
	return lma_real(context);
}

/*
 * RFC 5847, 3: a gateway that lost its sessions serves nobody. What it has registered since then is
 * no longer what it lost; the prefixes of the rest are kept for a while, so that nodes get them
 * again when it sees them.
 */
static void forget_sessions(struct lma *lma, size_t index)
{
	const struct lma_peer *peer = &lma->config.peers[index];
	uint64_t since = lma_now(lma) - heartbeat_peer(lma->heartbeat, index)->same_ns;
	uint64_t known = lma_real(lma) - since;
	struct session *next = session_cache_next(lma->cache, NULL), *s;

	while ((s = next)) {
		next = session_cache_next(lma->cache, s);
		if (s->now.life == SESSION_LIVE && !s->running && !s->waiting &&
			s->now.updated_ns <= known && lma_peer_find(lma, &s->now.care_of) == peer)
			lma_leave(lma, s, NULL, NULL);
	}
}

static void op_event(void *context, size_t index, enum heartbeat_event event)
{
	struct lma *lma = context;
	static const enum lma_counter counters[] = {
		[HEARTBEAT_EVENT_LOST] = LMA_N_PEER_LOST,
		[HEARTBEAT_EVENT_BACK] = LMA_N_PEER_BACK,
		[HEARTBEAT_EVENT_RESTARTED] = LMA_N_PEER_RESTARTED,
	};

	lma_count(lma, counters[event]);
	LOG_WARN("lma", "gateway", "name=%s event=%s", LOG_QUOTE(lma->config.peers[index].name),
		heartbeat_event_name(event));
	lma->ops.peer_event(lma->ops.context, &lma->config.peers[index], event);
	if (event == HEARTBEAT_EVENT_RESTARTED)
		forget_sessions(lma, index);
}

int lma_peer_open(struct lma *lma)
{
	const struct lma_config *c = &lma->config;
	const struct heartbeat_config config = {.peer_count = c->peer_count,
		.interval_ms = c->heartbeat_ms,
		.allowed = c->heartbeats_missed,
		.counter = c->restart_counter,
		.announce = c->restart_fresh};
	const struct heartbeat_ops ops = {.context = lma,
		.peer = op_peer,
		.each = op_each,
		.active = op_active,
		.send = op_send,
		.event = op_event,
		.now_ns = op_now};
	const struct notices_ops notices = {.context = lma,
		.tracer = &lma->tracer,
		.send = send_notice,
		.now_ns = op_now,
		.real_ns = op_real};

	lma->peer_states = calloc(c->peer_count, sizeof(*lma->peer_states));
	if (!lma->peer_states)
		return -ENOMEM;
	for (size_t i = 0; i < c->peer_count; i++) {
		struct lma_peer_way *ways = calloc(c->peers[i].address_count, sizeof(*ways));

		if (!ways)
			return -ENOMEM;
		for (size_t j = 0; j < c->peers[i].address_count; j++)
			ways[j].own = c->addresses[0];
		lma->peer_states[i].ways = ways;
	}
	lma->heartbeat = heartbeat_new(&config, &ops, lma->hmac, &lma->wheel);
	lma->notices = notices_new(&notices, lma->hmac, &lma->wheel);
	return lma->heartbeat && lma->notices ? 0 : -ENOMEM;
}

void lma_peer_close(struct lma *lma)
{
	notices_free(lma->notices);
	heartbeat_free(lma->heartbeat);
	for (size_t i = 0; lma->peer_states && i < lma->config.peer_count; i++)
		free(lma->peer_states[i].ways);
	free(lma->peer_states);
}

struct proxy_peer lma_peer_at(
	const struct lma_peer *peer, const struct in6_addr *own, const struct in6_addr *care_of)
{
	return (struct proxy_peer){.own = *own,
		.address = *care_of,
		.care_of = *care_of,
		.has_key = peer->has_key,
		.spi = peer->spi,
		.key = peer->key};
}

/* Its index; that of the first for one that it has no longer. */
static size_t index_of(const struct lma_peer *peer, const struct in6_addr *address)
{
	for (size_t i = 0; i < peer->address_count; i++)
		if (addr_equal(&peer->addresses[i], address))
			return i;
	return 0;
}

struct proxy_peer lma_peer_of(
	const struct lma *lma, const struct session_record *record, uint32_t tries)
{
	const struct lma_peer *peer = lma_peer_find(lma, &record->care_of);
	size_t heard_by = lma->peer_states[peer - lma->config.peers].heard_by, first = 0;
	const struct session_path *path;

	if (!record->path_count)
		return lma_peer_at(peer, &record->anchor, &record->care_of);
	for (size_t i = 0; i < record->path_count; i++)
		if (addr_equal(&record->paths[i].care_of, &peer->addresses[heard_by]))
			first = i;
	path = &record->paths[(first + tries) % record->path_count];
	return lma_peer_at(peer, &path->anchor, &path->care_of);
}

static struct lma_peer_way *activate(struct lma *lma, const struct lma_peer *peer,
	const struct in6_addr *care_of, const struct in6_addr *own, uint64_t end_ns)
{
	struct lma_peer_state *state = &lma->peer_states[peer - lma->config.peers];
	struct lma_peer_way *way = &state->ways[index_of(peer, care_of)];

	way->own = *own;
	if (end_ns > way->active_ns)
		way->active_ns = end_ns;
	return way;
}

void lma_peer_active(struct lma *lma, const struct session *session)
{
	const struct session_record *now = &session->now;
	const struct lma_peer *peer = lma_peer_find(lma, &now->care_of);
	const struct lma_peer_way *way = NULL;
	struct lma_peer_state *state;
	uint64_t newest = 0;

	if (!peer || now->life != SESSION_LIVE)
		return;
	state = &lma->peer_states[peer - lma->config.peers];
	if (!now->path_count)
		way = activate(lma, peer, &now->care_of, &now->anchor, session->end_ns);
	for (size_t i = 0; i < now->path_count; i++) {
		const struct session_path *path = &now->paths[i];
		uint64_t left = binding_left_ns(
			path->expires_ns, lma_real(lma), binding_lifetime_ns(path->lifetime));
		const struct lma_peer_way *active =
			activate(lma, peer, &path->care_of, &path->anchor, lma_now(lma) + left);

		if (!way || path->timestamp > newest) {
			way = active;
			newest = path->timestamp;
		}
	}
	state->heard_by = (size_t)(way - state->ways);
}

const struct heartbeat_peer *lma_peer_heartbeat(const struct lma *lma, size_t index)
{
	return heartbeat_peer(lma->heartbeat, index);
}

const struct lma_peer *lma_peer_next(const struct lma *lma, size_t index)
{
	return index < lma->config.peer_count ? &lma->config.peers[index] : NULL;
}

/* Tells who traces a node what became of a message about it that asks for something. */
static void trace(const struct lma *lma, const struct receive_packet *packet, const struct mh *mh,
	const char *outcome)
{
	if (mh->type != MH_REVOCATION || mh->revocation.type != CODES_REVOCATION_INDICATION)
		return;
	trace_peer(&lma->tracer, &(struct trace_peer){.kind = TRACER_RECEIVED,
					 .mh = mh,
					 .outcome = outcome,
					 .data_plane = packet->data_plane,
					 .care_of = &packet->ip6.src,
					 .octets = packet->ip,
					 .len = packet->len});
}

/* A Binding Error is not signed: it counts for what is under way. */
static void refused(struct lma *lma, const struct lma_peer *peer,
	const struct receive_packet *packet, const struct mh *mh)
{
	if (!notices_answer(lma->notices, packet, mh) &&
		(mh->be.status != STATUS_BE_UNKNOWN_TYPE ||
			!heartbeat_refused(lma->heartbeat, (size_t)(peer - lma->config.peers))))
		lma_count(lma, LMA_N_UNMATCHED);
}

/* Where registrations need no timestamps, neither do indications. */
static void indicated(struct lma *lma, const struct lma_peer *peer, const struct proxy_peer *at,
	const struct receive_packet *packet, const struct mh *mh)
{
	uint64_t *last = &lma->peer_states[peer - lma->config.peers].indicated;

	if (lma->config.timestamps && !proxy_peer_is_fresh(at, mh, lma_real(lma),
					      lma->config.timestamp_window_ms, last)) {
		lma_count(lma, LMA_N_REPLAY);
		trace(lma, packet, mh, lma_counter_defs[LMA_N_REPLAY].name);
	} else {
		trace(lma, packet, mh, "taken");
		lma_revoke_receive(lma, peer, packet, mh);
	}
}

static void heartbeat(struct lma *lma, const struct lma_peer *peer, const struct proxy_peer *at,
	const struct mh *mh)
{
	size_t index = (size_t)(peer - lma->config.peers);

	lma_count(lma, LMA_N_HEARTBEAT);
	switch (heartbeat_receive(lma->heartbeat, index, at, mh)) {
	case HEARTBEAT_TAKEN:
		lma->peer_states[index].heard_by = index_of(peer, &at->address);
		break;
	case HEARTBEAT_UNMATCHED:
		lma_count(lma, LMA_N_UNMATCHED);
		break;
	case HEARTBEAT_OLD:
		lma_count(lma, LMA_N_REPLAY);
		break;
	}
}

void lma_peer_receive(struct lma *lma, const struct receive_packet *packet, const struct mh *mh)
{
	const struct lma_peer *peer = lma_peer_find(lma, &packet->ip6.src);
	struct proxy_peer at;

	if (!peer) {
		lma_count(lma, LMA_N_NOT_PROXY);
		return;
	}
	if (mh->type == MH_BE) {
		refused(lma, peer, packet, mh);
		return;
	}
	at = lma_peer_at(peer, &packet->ip6.dst, &packet->ip6.src);
	if (!proxy_peer_sent(&at, lma->hmac, packet, mh)) {
		lma_count(lma, LMA_N_PEER_AUTH);
		trace(lma, packet, mh, lma_counter_defs[LMA_N_PEER_AUTH].name);
	} else if (mh->type == MH_HEARTBEAT) {
		heartbeat(lma, peer, &at, mh);
	} else if (mh->type == MH_REVOCATION &&
		   mh->revocation.type == CODES_REVOCATION_INDICATION) {
		indicated(lma, peer, &at, packet, mh);
	} else if (mh->type == MH_REVOCATION || mh->type == MH_UPA) {
		lma_count(lma, notices_answer(lma->notices, packet, mh) ? LMA_N_ANSWERED
									: LMA_N_UNMATCHED);
	} else {
		lma_count(lma, LMA_N_NOT_PROXY);
	}
}
