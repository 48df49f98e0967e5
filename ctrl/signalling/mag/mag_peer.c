/*
 * The anchors as peers: heartbeats (RFC 5847), update notifications (RFC 7077), and messages that
 * answer no registration.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ctrl/signalling/mag/mag_state.h"
#include "ctrl/signalling/proxy/trace_peer.h"
#include "ctrl/signalling/receive.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"

struct proxy_peer mag_peer_at(const struct mag_anchor *anchor, const struct in6_addr *own)
{
	return (struct proxy_peer){.own = *own,
		.address = anchor->address,
		.care_of = *own,
		.has_key = anchor->has_key,
		.spi = anchor->spi,
		.key = anchor->key};
}

/* Whether something is registered with this anchor by a path. */
static bool is_used(const struct mag *mag, const struct mag_anchor *anchor, size_t way)
{
	uint8_t bid = mag->config.paths[way].bid;

	for (const struct mag_attachment *a = NULL; (a = mag_next(mag, a));) {
		if (a->anchor != anchor || !mag_is_served(a))
			continue;
		if (!a->now.path_count && a->way == way)
			return true;
		for (size_t i = 0; i < a->now.path_count; i++)
			if (a->now.paths[i].bid == bid)
				return true;
	}
	return false;
}

/* The anchor knows what is registered by the address of a path, and may be out of reach by another:
 * so first by the way that it was heard by last. */
struct proxy_peer mag_peer_by(
	const struct mag *mag, const struct mag_anchor *anchor, uint32_t tries)
{
	size_t count = mag->config.path_count, first = mag->heard_by[anchor - mag->config.anchors];
	size_t used = 0, ways[SESSION_PATHS_MAX];

	for (size_t i = 0; i < count; i++)
		if (is_used(mag, anchor, (first + i) % count))
			ways[used++] = (first + i) % count;
	return mag_peer_at(anchor,
		used ? &mag->config.paths[ways[tries % used]].address : &mag->config.address);
}

/* An authentic message of an anchor came to this address of ours. */
void mag_peer_heard(struct mag *mag, const struct mag_anchor *anchor, const struct in6_addr *own)
{
	for (size_t i = 0; i < mag->config.path_count; i++)
		if (addr_equal(&mag->config.paths[i].address, own))
			mag->heard_by[anchor - mag->config.anchors] = (uint8_t)i;
}

static struct proxy_peer op_peer(void *context, size_t index, uint32_t missing)
{
	const struct mag *mag = context;

	return mag_peer_by(mag, &mag->config.anchors[index], missing);
}

static bool op_each(void *context, size_t index, size_t nth, struct proxy_peer *peer)
{
	const struct mag *mag = context;
	const struct mag_config *c = &mag->config;

	if (nth >= (c->path_count ? c->path_count : 1))
		return false;
	*peer = mag_peer_at(
		&c->anchors[index], c->path_count ? &c->paths[nth].address : &c->address);
	return true;
}

static bool op_active(void *context, size_t index)
{
	const struct mag *mag = context;

	for (const struct mag_attachment *a = NULL; (a = mag_next(mag, a));)
		if (mag_is_served(a) && a->anchor == &mag->config.anchors[index])
			return true;
	return false;
}

static int op_send(void *context, const uint8_t *ip, size_t len)
{
	struct mag *mag = context;
	const struct packet_inject inject = {
		.how = PACKET_TO_ROUTE, .length = (uint16_t)len, .frame = ip};
	int error = mag->ops.inject(mag->ops.context, &inject);

	if (error)
		mag_count(mag, MAG_N_SEND_FAILED);
	return error;
}

static void send_notice(void *context, const uint8_t *ip, size_t len)
{
	op_send(context, ip, len);
}

static uint64_t op_now(void *context)
{
	return mag_now(context);
}

static uint64_t op_real(void *context)
{
	return mag_real(context);
}

/* Its anchor is asked again at once. The attachment may be gone afterwards. */
static void renew(struct mag *mag, struct mag_attachment *a)
{
	if (!mag_is_served(a) || a->leaves)
		return;
	mag_delegation_retry(a, true);
	a->refresh_ns = mag_now(mag);
	mag_go_on(mag, a);
}

static void op_event(void *context, size_t index, enum heartbeat_event event)
{
	static const enum mag_counter counters[] = {
		[HEARTBEAT_EVENT_LOST] = MAG_N_PEER_LOST,
		[HEARTBEAT_EVENT_BACK] = MAG_N_PEER_BACK,
		[HEARTBEAT_EVENT_RESTARTED] = MAG_N_PEER_RESTARTED,
	};
	struct mag *mag = context;
	const struct mag_anchor *anchor = &mag->config.anchors[index];
	struct mag_attachment *a, *next;

	mag_count(mag, counters[event]);
	LOG_WARN("mag", "anchor", "name=%s event=%s", LOG_QUOTE(anchor->name),
		heartbeat_event_name(event));
	mag->ops.peer_event(mag->ops.context, anchor, event);
	if (event == HEARTBEAT_EVENT_RESTARTED)
		mag_gre_forget(mag, anchor);
	/* RFC 5847, 3: the sessions are to be there again. */
	HASH_ITER (hh, mag->attachments, a, next)
		if (event == HEARTBEAT_EVENT_RESTARTED && a->anchor == anchor)
			renew(mag, a);
}

int mag_peer_open(struct mag *mag)
{
	const struct mag_config *c = &mag->config;
	const struct heartbeat_config config = {.peer_count = c->anchor_count,
		.interval_ms = c->heartbeat_ms,
		.allowed = c->heartbeats_missed,
		.counter = c->restart_counter,
		.announce = c->restart_fresh};
	const struct heartbeat_ops ops = {.context = mag,
		.peer = op_peer,
		.each = op_each,
		.active = op_active,
		.send = op_send,
		.event = op_event,
		.now_ns = op_now};
	const struct notices_ops notices = {.context = mag,
		.tracer = &mag->tracer,
		.send = send_notice,
		.now_ns = op_now,
		.real_ns = op_real};

	mag->indicated = calloc(c->anchor_count, sizeof(*mag->indicated));
	mag->heard_by = calloc(c->anchor_count, sizeof(*mag->heard_by));
	mag->clocks = calloc(c->anchor_count, sizeof(*mag->clocks));
	mag->gre_known = calloc(c->anchor_count, sizeof(*mag->gre_known));
	if (!mag->indicated || !mag->gre_known || !mag->clocks || !mag->heard_by)
		return -ENOMEM;
	mag_clock_open(mag);
	mag->heartbeat = heartbeat_new(&config, &ops, mag->hmac, &mag->wheel);
	mag->notices = notices_new(&notices, mag->hmac, &mag->wheel);
	return mag->heartbeat && mag->notices ? 0 : -ENOMEM;
}

void mag_peer_close(struct mag *mag)
{
	notices_free(mag->notices);
	heartbeat_free(mag->heartbeat);
	free(mag->indicated);
	free(mag->gre_known);
	free(mag->clocks);
	free(mag->heard_by);
}

const struct heartbeat_peer *mag_peer_heartbeat(const struct mag *mag, size_t index)
{
	return heartbeat_peer(mag->heartbeat, index);
}

const struct mag_anchor *mag_anchor_next(const struct mag *mag, size_t index)
{
	return index < mag->config.anchor_count ? &mag->config.anchors[index] : NULL;
}

const struct mag_anchor *mag_anchor_find(const struct mag *mag, const char *name)
{
	for (size_t i = 0; i < mag->config.anchor_count; i++)
		if (strcmp(mag->config.anchors[i].name, name) == 0)
			return &mag->config.anchors[i];
	return NULL;
}

/* Whether an attachment is one of those that a message of an anchor names. */
bool mag_is_named(
	const struct mag_attachment *a, const struct mag_anchor *anchor, const struct mh *mh)
{
	const struct mh_option *mn = option_find(mh, OPTION_MN_ID);
	const struct mh_option *o = option_find(mh, OPTION_HOME_NETWORK_PREFIX);
	const struct session_mn_id id = {
		mn ? mn->mn_id.subtype : 0, mn ? mn->mn_id.id.len : 0, mn ? mn->mn_id.id.at : NULL};
	bool found = !o;

	if (!id.len || a->anchor != anchor || !session_mn_id_equal(&id, &a->now.mn_id))
		return false;
	for (; o; o = option_next(mh, o)) {
		const struct prefix6 prefix = prefix6_of(&o->prefix.prefix, o->prefix.len);

		for (size_t i = 0; i < a->now.prefix_count; i++)
			found |= prefix6_compare(&prefix, &a->now.prefixes[i]) == 0;
	}
	return found;
}

/* RFC 7077, 6.1: what can be done. The rest asks for parameters that there are not here. */
static uint8_t follow(struct mag *mag, const struct mag_anchor *anchor, const struct mh *mh)
{
	struct mag_attachment *a, *next;
	bool found = false;

	switch (mh->upn.reason) {
	case CODES_UPN_REREGISTER:
		break;
	case CODES_UPN_SESSION:
		return CODES_UPA_SESSION;
	case CODES_UPN_VENDOR:
		return CODES_UPA_VENDOR;
	default:
		return CODES_UPA_UNSPECIFIED;
	}
	HASH_ITER (hh, mag->attachments, a, next)
		if (mag_is_named(a, anchor, mh)) {
			found = true;
			renew(mag, a);
		}
	return found ? CODES_UPA_SUCCESS : CODES_UPA_NOT_ATTACHED;
}

void mag_answer(struct mag *mag, const struct proxy_peer *peer, struct mh *mh,
	const struct session_mn_id *mn_id)
{
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len = proxy_peer_encode(peer, mag->hmac, mh, buf, sizeof(buf));

	if (len < 0) {
		mag_count(mag, MAG_N_SEND_FAILED);
		return;
	}
	trace_peer(&mag->tracer, &(struct trace_peer){.kind = TRACER_SENT,
					 .mh = mh,
					 .care_of = &peer->care_of,
					 .mn_id = mn_id,
					 .octets = buf,
					 .len = (size_t)len});
	mag_send(mag, buf, (size_t)len);
}

/* Tells who traces a node what became of a message about it that asks for something. */
static void trace(const struct mag *mag, const struct receive_packet *packet, const struct mh *mh,
	const char *outcome)
{
	if (mh->type != MH_UPN &&
		(mh->type != MH_REVOCATION || mh->revocation.type != CODES_REVOCATION_INDICATION))
		return;
	trace_peer(&mag->tracer, &(struct trace_peer){.kind = TRACER_RECEIVED,
					 .mh = mh,
					 .outcome = outcome,
					 .data_plane = packet->data_plane,
					 .care_of = &packet->ip6.dst,
					 .octets = packet->ip,
					 .len = packet->len});
}

static void notified(struct mag *mag, const struct mag_anchor *anchor,
	const struct proxy_peer *peer, const struct mh *mh)
{
	static struct log_limit limit = LOG_LIMIT(5);
	const struct mh_option *mn = option_find(mh, OPTION_MN_ID);
	struct mh upa = {.type = MH_UPA, .upa = {.sequence = mh->upn.sequence}};

	mag_count(mag, MAG_N_UPN);
	upa.upa.status = follow(mag, anchor, mh);
	if (upa.upa.status)
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "mag", "notification-refused",
			"anchor=%s reason=%u status=%u", LOG_QUOTE(anchor->name), mh->upn.reason,
			upa.upa.status);
	if (!(mh->upn.flags & FLAGS_UPN_A))
		return;
	if (mn)
		option_add(&upa, OPTION_MN_ID)->mn_id = mn->mn_id;
	mag_answer(mag, peer, &upa, NULL);
}

static void heartbeat(
	struct mag *mag, size_t index, const struct proxy_peer *peer, const struct mh *mh)
{
	mag_count(mag, MAG_N_HEARTBEAT);
	switch (heartbeat_receive(mag->heartbeat, index, peer, mh)) {
	case HEARTBEAT_TAKEN:
		mag_peer_heard(mag, &mag->config.anchors[index], &peer->own);
		break;
	case HEARTBEAT_UNMATCHED:
		mag_count(mag, MAG_N_UNMATCHED);
		break;
	case HEARTBEAT_OLD:
		mag_count(mag, MAG_N_REPLAY);
		break;
	}
}

void mag_peer_receive(struct mag *mag, const struct receive_packet *packet, const struct mh *mh)
{
	const struct mag_anchor *anchor = NULL;
	struct proxy_peer peer;
	size_t i = 0;

	while (i < mag->config.anchor_count &&
		!addr_equal(&mag->config.anchors[i].address, &packet->ip6.src))
		i++;
	if (i == mag->config.anchor_count) {
		mag_count(mag, MAG_N_NOT_PROXY);
		return;
	}
	anchor = &mag->config.anchors[i];
	/* It may know any of our addresses (RFC 8278), and is answered from that. */
	peer = mag_peer_at(anchor,
		mag_is_own(mag, &packet->ip6.dst) ? &packet->ip6.dst : &mag->config.address);
	if (mh->type == MH_BE) {
		/* Nobody signs it: it counts for what is under way. */
		if (!notices_answer(mag->notices, packet, mh) &&
			(mh->be.status != STATUS_BE_UNKNOWN_TYPE ||
				!heartbeat_refused(mag->heartbeat, i)))
			mag_count(mag, MAG_N_UNMATCHED);
	} else if (!proxy_peer_sent(&peer, mag->hmac, packet, mh)) {
		mag_count(mag, MAG_N_AUTH);
		trace(mag, packet, mh, mag_counter_defs[MAG_N_AUTH].name);
	} else if (mh->type == MH_HEARTBEAT) {
		heartbeat(mag, i, &peer, mh);
	} else if (mh->type == MH_UPN) {
		trace(mag, packet, mh, "taken");
		notified(mag, anchor, &peer, mh);
	} else if (mh->type == MH_REVOCATION &&
		   mh->revocation.type == CODES_REVOCATION_INDICATION) {
		if (mag->config.timestamp_window_ms &&
			!proxy_peer_is_fresh(&peer, mh, mag_real(mag),
				mag->config.timestamp_window_ms, &mag->indicated[i])) {
			mag_count(mag, MAG_N_REPLAY);
			trace(mag, packet, mh, mag_counter_defs[MAG_N_REPLAY].name);
		} else {
			trace(mag, packet, mh, "taken");
			mag_revoke_receive(mag, anchor, &peer, mh);
		}
	} else if (mh->type != MH_REVOCATION) {
		mag_count(mag, MAG_N_NOT_PROXY);
	} else if (!notices_answer(mag->notices, packet, mh)) {
		mag_count(mag, MAG_N_UNMATCHED);
	}
}
