#include "ctrl/signalling/ha.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/ha_check.h"
#include "ctrl/signalling/ha_flow.h"
#include "ctrl/signalling/ha_queue.h"
#include "ctrl/signalling/ha_reply.h"
#include "ctrl/signalling/lifetime.h"
#include "ctrl/signalling/multihoming.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/status.h"

/* Whether the packet came from the home link of its source, not through a tunnel or a router of
 * ours: then its sender's Ethernet address is known. */
static bool from_home_link(const struct signalling *s, const struct receive_packet *packet)
{
	const struct home_prefix *prefix = state_linked_prefix(s, &packet->ip6.src);

	return prefix && packet->from && strcmp(prefix->link->port, packet->punt->port) == 0 &&
	       (!prefix->link->data_plane[0] ||
		       strcmp(prefix->link->data_plane, packet->data_plane) == 0);
}

/* RFC 5568, 6.4.4: that of the node itself. */
static struct mac link_address(const struct mh *mh)
{
	const struct mh_option *o = option_find(mh, OPTION_LINK_ADDRESS);
	struct mac mac = {0};

	if (o && o->link_address.code == CODES_LINK_MN &&
		o->link_address.address.len == sizeof(mac.b))
		memcpy(mac.b, o->link_address.address.at, sizeof(mac.b));
	return mac;
}

/* RFC 6275, 9.5.1, last part: which addresses the message is about. */
static struct ha_update reduce(
	const struct signalling *s, const struct receive_packet *packet, const struct mh *mh)
{
	const struct mh_option *coa = option_find(mh, OPTION_ALTERNATE_COA);
	const struct mh_option *stamp = option_find(mh, OPTION_MESG_ID);
	struct ha_update u = {
		.home = *ip6_packet_effective_src(&packet->ip6),
		.care_of = coa ? coa->alternate_coa.coa : packet->ip6.src,
		.src = packet->ip6.src,
		.agent = packet->ip6.dst,
		.timestamp = stamp ? stamp->mesg_id.timestamp : 0,
		.received_ns = packet->punt->time_ns,
		.sequence = mh->bu.sequence,
		.flags = mh->bu.flags,
		.lifetime = mh->bu.lifetime,
		.by_option = packet->ip6.has_home_address,
		.has_mn_id = option_find(mh, OPTION_MN_ID),
		.has_timestamp = stamp,
		.on_link = from_home_link(s, packet),
		.link = link_address(mh),
	};

	if (u.on_link)
		u.mac = *packet->from;
	snprintf(u.data_plane, sizeof(u.data_plane), "%s", packet->data_plane);
	return u;
}

static void dropped(
	struct signalling *s, const struct ha_update *u, enum signalling_counter counter)
{
	static struct log_limit limit = LOG_LIMIT(5);

	state_count(s, counter);
	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "ha", "dropped", "home=%s coa=%s src=%s reason=%s",
		ADDR_TEXT(&u->home), ADDR_TEXT(&u->care_of), ADDR_TEXT(&u->src),
		signalling_counter_defs[counter].name);
}

static void multicast_count(struct signalling *s, const struct mcast_state_faults *faults)
{
	const struct {
		unsigned records;
		enum signalling_counter counter;
	} all[] = {
		{faults->malformed, SIGNALLING_N_MULTICAST_MALFORMED},
		{faults->unsupported, SIGNALLING_N_MULTICAST_IP4},
		{faults->checksum, SIGNALLING_N_MULTICAST_CHECKSUM},
		{faults->no_group, SIGNALLING_N_MULTICAST_NO_GROUP},
		{faults->scope, SIGNALLING_N_MULTICAST_SCOPE},
		{faults->source, SIGNALLING_N_MULTICAST_SOURCE},
		{faults->full, SIGNALLING_N_MULTICAST_FULL},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].records)
			state_count(s, all[i].counter);
}

/* What the update says of multicast never refuses it: what cannot be taken is left out. */
static struct ha_multicast *multicast_read(struct signalling *s, const struct mh *mh)
{
	struct mcast_state_faults faults;
	struct mcast_state state;
	struct ha_multicast *multicast;
	bool said;

	if (!s->ops.listen)
		return NULL;
	said = mcast_state_read(mh, &state, &faults);
	multicast_count(s, &faults);
	if (!said)
		return NULL;
	multicast = calloc(1, sizeof(*multicast));
	if (!multicast) {
		state_count(s, SIGNALLING_N_NO_MEMORY);
		return NULL;
	}
	multicast->state = state;
	multicast->ip4 = faults.unsupported > 0;
	return multicast;
}

/* Takes an update that has passed all tests. */
static void take(struct signalling *s, struct ha_check *c, struct ha_update *u)
{
	struct binding *b = c->binding;
	struct ha_request *request = ha_request_new(s, u->lifetime ? HA_REGISTER : HA_DEREGISTER);
	struct ha_flows *flows = NULL;
	bool room = request && ha_flow_read(c->mh, &flows) == 0;

	if (room && !b) {
		b = binding_cache_add(s->cache, &u->home, u->bids ? u->bids->at[0].bid : 0);
		if (b)
			lifetime_init(b);
	}
	if (!room || !b) {
		free(flows);
		ha_request_free(s, request);
		state_count(s, SIGNALLING_N_NO_MEMORY);
		ha_refuse(s, u, c->subscriber, STATUS_BA_RESOURCES, u->sequence);
		return;
	}
	if (c->stamped)
		c->subscriber->last_timestamp = u->timestamp;
	if (u->bids && option_find(c->mh, OPTION_ALTERNATE_COA))
		state_count(s, SIGNALLING_N_BID_ALTERNATE);
	b->sequence = u->sequence;
	request->update = *u;
	request->update.stamped = c->stamped;
	request->update.multicast = multicast_read(s, c->mh);
	request->update.flows = flows;
	u->bids = NULL;
	ha_queue_put(s, b, request);
}

/* Tells who traces its subscriber what became of a Binding Update. Whose it claims to be counts as
 * well: that it is not is what one may want to know. */
static void trace(
	const struct ha_check *c, const struct receive_packet *packet, const char *outcome)
{
	const struct subscriber *subscriber = c->subscriber;

	if (!subscriber)
		subscriber = subscriber_db_find_home(c->s->subscribers, &c->update->home, NULL);
	if (subscriber)
		tracer_tell(&c->s->tracer, &(struct tracer_item){.kind = TRACER_RECEIVED,
						   .what = "binding-update",
						   .outcome = outcome,
						   .data_plane = packet->data_plane,
						   .mn_id = subscriber->mn_id,
						   .home = &c->update->home,
						   .care_of = &c->update->care_of,
						   .octets = packet->ip,
						   .len = packet->len});
}

static const char *outcome_of(const struct ha_verdict *verdict)
{
	if (verdict->outcome == HA_DROP)
		return signalling_counter_defs[verdict->counter].name;
	return verdict->outcome == HA_PASS ? "taken" : status_ba_name(verdict->status);
}

void ha_receive(struct signalling *s, const struct receive_packet *packet, const struct mh *mh)
{
	struct ha_update u = reduce(s, packet, mh);
	struct ha_check c = {.s = s, .octets = receive_mh(packet), .mh = mh, .update = &u};
	struct ha_verdict verdict;

	if (multihoming_read(mh, &u.bids)) {
		state_count(s, SIGNALLING_N_NO_MEMORY);
		return;
	}
	verdict = ha_check(&c);
	if (s->tracer.fn)
		trace(&c, packet, outcome_of(&verdict));
	switch (verdict.outcome) {
	case HA_PASS:
		take(s, &c, &u);
		break;
	case HA_DROP:
		dropped(s, &u, verdict.counter);
		break;
	case HA_REFUSE:
		ha_refuse(s, &u, c.subscriber, verdict.status,
			verdict.status == STATUS_BA_SEQUENCE ? c.binding->sequence : u.sequence);
		break;
	}
	free(u.bids);
}

struct ha_request *ha_request_new(struct signalling *s, enum ha_request_kind kind)
{
	struct ha_request *request = s->requests;

	if (request)
		s->requests = request->next;
	else
		request = malloc(sizeof(*request));
	if (request)
		*request = (struct ha_request){.kind = kind};
	return request;
}

void ha_request_free(struct signalling *s, struct ha_request *request)
{
	if (!request)
		return;
	free(request->update.bids);
	free(request->update.flows);
	free(request->update.multicast);
	free(request->more);
	request->next = s->requests;
	s->requests = request;
}

const struct binding_record *ha_request_record(const struct ha_request *r, uint16_t bid)
{
	if (r->to.bid == bid)
		return &r->to;
	for (unsigned i = 0; r->more && i < r->more->count; i++)
		if (r->more->further[i].now.bid == bid)
			return &r->more->further[i].now;
	return NULL;
}

uint16_t ha_request_granted(const struct ha_request *r)
{
	for (unsigned i = 0; r->more && i < r->more->count; i++)
		if (r->changed >> (i + 1) & 1)
			return r->more->further[i].now.lifetime;
	return r->to.lifetime;
}

uint32_t ha_max_lifetime(const struct signalling *s, const struct subscriber *subscriber)
{
	uint32_t own = subscriber->max_lifetime_s;

	return own && own < s->config.max_lifetime_s ? own : s->config.max_lifetime_s;
}
