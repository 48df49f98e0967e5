#include "ctrl/signalling/ha_reply.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/ha_flow.h"
#include "ctrl/signalling/multihoming.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"

enum { TAIL_OPTIONS = 3 }; /* at most, behind those of BIDs and tunnels */

/* The counter of each refusal. */
static const struct {
	uint8_t status;
	enum signalling_counter counter;
} refusals[] = {
	{STATUS_BA_PROHIBITED, SIGNALLING_N_REFUSED_PROHIBITED},
	{STATUS_BA_RESOURCES, SIGNALLING_N_REFUSED_RESOURCES},
	{STATUS_BA_NO_HOME_REGISTRATION, SIGNALLING_N_REFUSED_NO_HOME},
	{STATUS_BA_NOT_HOME_SUBNET, SIGNALLING_N_REFUSED_SUBNET},
	{STATUS_BA_NOT_HOME_AGENT, SIGNALLING_N_REFUSED_AGENT},
	{STATUS_BA_DAD_FAILED, SIGNALLING_N_REFUSED_DAD},
	{STATUS_BA_SEQUENCE, SIGNALLING_N_REFUSED_SEQUENCE},
	{STATUS_BA_TYPE_CHANGE, SIGNALLING_N_REFUSED_TYPE},
	{STATUS_BA_MCOA_NOTCOMPLETE, SIGNALLING_N_REFUSED_BIDS},
	{STATUS_BA_MOBILE_ROUTER, SIGNALLING_N_REFUSED_ROUTER},
	{STATUS_BA_MCOA_MALFORMED, SIGNALLING_N_REFUSED_MALFORMED},
	{STATUS_BA_MCOA_NON_MCOA, SIGNALLING_N_REFUSED_NON_MCOA},
	{STATUS_BA_MCOA_PROHIBITED, SIGNALLING_N_REFUSED_MCOA},
	{STATUS_BA_MCOA_UNKNOWN_COA, SIGNALLING_N_REFUSED_UNKNOWN_COA},
	{STATUS_BA_MCOA_BULK_PROHIBITED, SIGNALLING_N_REFUSED_BULK},
	{STATUS_BA_MCOA_SIMULTANEOUS, SIGNALLING_N_REFUSED_AT_HOME},
	{STATUS_BA_ID_MISMATCH, SIGNALLING_N_REFUSED_TIMESTAMP},
	{STATUS_BA_MESG_ID_REQUIRED, SIGNALLING_N_REFUSED_NO_STAMP},
	{STATUS_BA_AUTH_FAIL, SIGNALLING_N_REFUSED_AUTH},
	{STATUS_BA_INVALID_COA, SIGNALLING_N_REFUSED_CARE_OF},
};

static enum signalling_counter counter_of(uint8_t status)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].status == status)
			return refusals[i].counter;
	return SIGNALLING_N_REFUSED_UNSPECIFIED;
}

/* RFC 4285, 6: a valid timestamp returns as it came; of another only the low half, so that the
 * node can match it, and the high half is our time of day, so that it can set its clock. */
static uint64_t timestamp_for(const struct signalling *s, const struct ha_update *u, uint8_t status)
{
	uint64_t own = clock_ntp_from_ns(state_real(s));

	if (status != STATUS_BA_ID_MISMATCH)
		return u->timestamp;
	return (own & 0xffffffff00000000) | (u->timestamp & 0xffffffff);
}

/* draft-sarikaya-mext-multicastdmm-04, 9; draft-sarikaya-dmm-dmipv6-00, 8. */
static void add_tunnel(
	const struct signalling *s, const struct binding_record *bound, struct mh *mh)
{
	struct mh_option *option;
	struct in6_addr address;

	if (!bound || bound->at_home || s->config.tunnel_option == OPTION_PAD1 ||
		!s->ops.tunnel_address(s->ops.context, bound->data_plane, &address))
		return;
	option = option_add(mh, s->config.tunnel_option);
	if (!option)
		return;
	if (s->config.tunnel_option == OPTION_HA_TUNNEL)
		option->ip6.address = address;
	else
		option->alternate_coa.coa = address;
}

/* What an accepted registration is answered with: the records of its BIDs. */
struct answered {
	const struct ha_bids *bids;
	const struct ha_request *r; /* NULL: nothing is bound, or one binding, `only` */
	const struct binding_record *only;
	bool own_status;              /* the options have statuses of their own */
	const struct ha_flows *flows; /* NULL: none */
};

static const struct binding_record *bound_of(const struct answered *a, const struct ha_bid *bid)
{
	if (!a->r || !status_ba_accepted(bid->status))
		return NULL;
	return ha_request_record(a->r, bid->bid);
}

/* The binding whose tunnel ends where those of all BIDs end that have one; NULL: they end at
 * several places. */
static const struct binding_record *common_tunnel(const struct answered *a)
{
	const struct binding_record *first = NULL;

	for (unsigned i = 0; i < a->bids->count; i++) {
		const struct binding_record *bound = bound_of(a, &a->bids->at[i]);

		if (bound && bound->at_home)
			continue;
		if (bound && first && bound->data_plane != first->data_plane)
			return NULL;
		if (bound)
			first = bound;
	}
	return first;
}

/* All BIDs of the update come back (RFC 5648, 6.2), in a message that may not have room for more
 * than they take. */
static void add_bids(const struct signalling *s, const struct answered *a, struct mh *mh)
{
	const struct binding_record *common = a->bids ? common_tunnel(a) : a->only;
	unsigned left = a->bids ? a->bids->count : 0;

	add_tunnel(s, common, mh);
	for (unsigned i = 0; i < left; i++) {
		const struct ha_bid *bid = &a->bids->at[i];
		struct mh_option *option = option_add(mh, OPTION_BID);

		if (!option)
			return;
		option->bid.bid = bid->bid;
		option->bid.priority = bid->priority;
		option->bid.home = bid->home;
		option->bid.status =
			a->own_status || bid->status == STATUS_BA_MCOA_RETURNHOME ? bid->status : 0;
		if (!common && mh->option_count + (left - i) + TAIL_OPTIONS <= MH_OPTIONS_MAX)
			add_tunnel(s, bound_of(a, bid), mh);
	}
}

/* Options in the order of RFC 4285, 5.1: the authentication option last. */
static int add_options(const struct signalling *s, const struct ha_update *u,
	const struct subscriber *subscriber, struct mh *mh)
{
	struct mh_option *option;

	if (u->has_mn_id) {
		option = option_add(mh, OPTION_MN_ID);
		option->mn_id.subtype = OPTION_MN_ID_NAI;
		option->mn_id.id.at = (const uint8_t *)subscriber->mn_id;
		option->mn_id.id.len = subscriber->mn_id_len;
	}
	if (u->has_timestamp) {
		option = option_add(mh, OPTION_MESG_ID);
		option->mesg_id.timestamp = timestamp_for(s, u, mh->ba.status);
	}
	return subscriber->auth == SUBSCRIBER_AUTH_REQUIRED ? auth_add(mh, subscriber->spi) : 0;
}

/*
 * To where the update came from, with a type 2 routing header unless the home address itself was
 * the source (RFC 6275, 9.5.4). A node at home is answered on its link, at the Ethernet address
 * that it spoke from: as long as its address is defended nobody could be asked for it (10.3.2).
 */
static void deliver(struct signalling *s, const struct ha_update *u,
	const struct subscriber *subscriber, const struct mh *mh)
{
	static struct log_limit limit = LOG_LIMIT(1);
	const struct home_prefix *prefix = state_linked_prefix(s, &u->src);
	struct ip6_build head = {
		.src = u->agent,
		.dst = u->src,
		.routing2 = u->by_option ? &u->home : NULL,
	};
	struct mh_packet_key key = {
		.hmac = s->hmac, .key = subscriber->key, .coa = u->care_of, .hoa = u->home};
	uint8_t frame[SEND_ETHER_SIZE + MH_PACKET_MAX];
	uint8_t *ip = frame + SEND_ETHER_SIZE;
	const struct option_numbers numbers = state_numbers(s);
	ssize_t len = mh_packet_encode_with(&numbers, &head, mh,
		subscriber->auth == SUBSCRIBER_AUTH_REQUIRED ? &key : NULL, ip, MH_PACKET_MAX);

	if (len < 0) {
		state_count(s, SIGNALLING_N_SEND_FAILED);
		LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "ha", "encode-failed", "home=%s error=%zd",
			ADDR_TEXT(&u->home), len);
		return;
	}
	tracer_tell(&s->tracer, &(struct tracer_item){.kind = TRACER_SENT,
					.what = "binding-acknowledgement",
					.outcome = status_ba_name(mh->ba.status),
					.data_plane = u->data_plane[0] ? u->data_plane : NULL,
					.mn_id = subscriber->mn_id,
					.home = &u->home,
					.care_of = &u->care_of,
					.octets = ip,
					.len = (size_t)len});
	if (u->on_link && prefix) {
		send_link(s, prefix->link, &u->mac, frame, (size_t)len);
	} else {
		send_route(s, u->data_plane[0] ? u->data_plane : NULL, ip, (size_t)len);
	}
}

static void reply(struct signalling *s, const struct ha_update *u,
	const struct subscriber *subscriber, const struct mh_ba *ba, const struct answered *a)
{
	struct mh mh = {.type = MH_BA, .ba = *ba};
	struct mcast_state_bodies bodies;

	add_bids(s, a, &mh);
	if (a->r && u->multicast) {
		s->ops.served(s->ops.context, &u->home, &u->multicast->state);
		mcast_state_add(&u->multicast->state, &mh, &bodies);
		if (u->multicast->ip4)
			mcast_state_add_no_ip4(&mh);
	}
	ha_flow_reply(a->flows, TAIL_OPTIONS, &mh);
	if (add_options(s, u, subscriber, &mh))
		state_count(s, SIGNALLING_N_SEND_FAILED);
	else
		deliver(s, u, subscriber, &mh);
}

void ha_accept(
	struct signalling *s, const struct ha_request *r, const struct subscriber *subscriber)
{
	const struct ha_update *u = &r->update;
	bool bound = r->kind == HA_REGISTER;
	bool partial = u->bids && multihoming_is_partial(u->bids);
	const struct answered a = {.bids = u->bids,
		.r = bound ? r : NULL,
		.only = bound ? &r->to : NULL,
		.own_status = partial,
		.flows = u->flows};

	state_count(s, SIGNALLING_N_ACCEPTED);
	if (u->received_ns && u->received_ns <= state_now(s))
		histogram_add(&s->answers, state_now(s) - u->received_ns);
	if (partial)
		state_count(s, SIGNALLING_N_PARTIAL);
	reply(s, u, subscriber,
		&(struct mh_ba){.status = partial ? STATUS_BA_MCOA_NOTCOMPLETE
						  : multihoming_success(u->bids),
			.sequence = u->sequence,
			.lifetime = bound ? ha_request_granted(r) : 0},
		&a);
}

/* The live bindings of an entry as if an update had named their BIDs. */
static int name_bids(const struct binding *b, struct ha_request *r)
{
	struct ha_bids *bids;

	r->to = b->now;
	r->more = b->more;
	if (!b->now.bid)
		return 0;
	bids = calloc(1, sizeof(*bids) + binding_count(b) * sizeof(bids->at[0]));
	if (!bids)
		return -ENOMEM;
	bids->count = binding_count(b);
	for (unsigned i = 0; i < bids->count; i++)
		bids->at[i] = (struct ha_bid){.bid = binding_record_at(b, i)->bid,
			.priority = binding_record_at(b, i)->priority,
			.home = binding_record_at(b, i)->at_home};
	r->update.bids = bids;
	return 0;
}

int ha_reply_tell(struct signalling *s, const struct binding *b)
{
	const struct binding_record *heard = binding_last_heard(b);
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &b->now.home, NULL);
	uint64_t left_s = binding_remaining_s(heard, state_real(s));
	struct ha_request r = {.update = {.home = b->now.home,
				       .care_of = heard->care_of,
				       .src = heard->care_of,
				       .agent = heard->agent,
				       .timestamp = clock_ntp_from_ns(state_real(s)),
				       .by_option = true,
				       .has_mn_id = true,
				       .has_timestamp = true}};

	if (!subscriber || subscriber->auth != SUBSCRIBER_AUTH_REQUIRED)
		return -ENOENT;
	if (name_bids(b, &r))
		return -ENOMEM;
	reply(s, &r.update, subscriber,
		&(struct mh_ba){.status = STATUS_BA_ACCEPTED,
			.sequence = b->now.sequence,
			.lifetime = (uint16_t)(left_s / BINDING_LIFETIME_UNIT)},
		&(struct answered){.bids = r.update.bids, .r = &r, .only = &r.to});
	free(r.update.bids);
	return 0;
}

void ha_refuse(struct signalling *s, const struct ha_update *update,
	const struct subscriber *subscriber, uint8_t status, uint16_t sequence)
{
	static struct log_limit limit = LOG_LIMIT(5);
	struct signalling_event event = {
		.kind = SIGNALLING_REFUSED,
		.subscriber = subscriber,
		.home = update->home,
		.care_of = update->care_of,
		.status = status,
	};

	state_count(s, counter_of(status));
	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "ha", "refused",
		"mn=%s home=%s coa=%s status=%u why=%s", LOG_QUOTE(subscriber->mn_id),
		ADDR_TEXT(&update->home), ADDR_TEXT(&update->care_of), status,
		LOG_QUOTE(status_ba_name(status)));
	reply(s, update, subscriber, &(struct mh_ba){.status = status, .sequence = sequence},
		&(struct answered){
			.bids = update->bids, .own_status = status == STATUS_BA_MCOA_NOTCOMPLETE});
	s->ops.event(s->ops.context, &event);
}
