#include "ctrl/signalling/multihoming.h"

#include <errno.h>
#include <stdlib.h>

#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/claim.h"
#include "ctrl/signalling/ha_set.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/status.h"

enum { COA_NONE = 4, COA_IP4 = 8 }; /* lengths of the option (RFC 5648, 4.3) */

int multihoming_read(const struct mh *mh, struct ha_bids **bids)
{
	unsigned count = 0;

	*bids = NULL;
	for (unsigned i = 0; i < mh->option_count; i++)
		count += mh->options[i].type == OPTION_BID &&
			 mh->options[i].state != OPTION_MISPLACED;
	if (!count)
		return 0;
	*bids = calloc(1, sizeof(**bids) + count * sizeof((*bids)->at[0]));
	if (!*bids)
		return -ENOMEM;
	for (unsigned i = 0; i < mh->option_count; i++) {
		const struct mh_option *o = &mh->options[i];
		struct ha_bid *to = &(*bids)->at[(*bids)->count];

		if (o->type != OPTION_BID || o->state == OPTION_MISPLACED)
			continue;
		(*bids)->count++;
		to->malformed = o->state == OPTION_MALFORMED;
		if (to->malformed)
			continue;
		to->bid = o->bid.bid;
		to->priority = o->bid.priority;
		to->home = o->bid.home;
		to->len = o->raw.len;
		to->coa = o->bid.coa.ip6;
	}
	return 0;
}

bool multihoming_is_partial(const struct ha_bids *bids)
{
	for (unsigned i = 0; i < bids->count; i++)
		if (!status_ba_accepted(bids->at[i].status))
			return true;
	return false;
}

bool multihoming_names_home(const struct ha_bids *bids)
{
	for (unsigned i = 0; bids && i < bids->count; i++)
		if (bids->at[i].home)
			return true;
	return false;
}

uint8_t multihoming_success(const struct ha_bids *bids)
{
	for (unsigned i = 0; bids && i < bids->count; i++)
		if (bids->at[i].status)
			return bids->at[i].status;
	return STATUS_BA_ACCEPTED;
}

bool multihoming_defends_itself(const struct multihoming_policy *policy,
	const struct binding_record *now, const struct binding_more *more)
{
	bool at_home = now->at_home;

	for (unsigned i = 0; more && i < more->count; i++)
		at_home |= more->further[i].now.at_home;
	return at_home && policy->home == MULTIHOMING_HOME_ND;
}

/* Whether an option before this one names the same binding, or another home binding: there is one
 * at a time (RFC 5648, 5.6.3). */
static bool is_repeated(const struct ha_bids *bids, unsigned i)
{
	for (unsigned j = 0; j < i; j++)
		if (bids->at[j].bid == bids->at[i].bid || (bids->at[j].home && bids->at[i].home))
			return true;
	return false;
}

/* What is wrong with an option itself, whatever it asks for; 0: nothing. */
static uint8_t check_option(struct signalling *s, const struct ha_bids *bids, unsigned i)
{
	const struct ha_bid *bid = &bids->at[i];

	if (bid->bid == 0) {
		state_count(s, SIGNALLING_N_BID_ZERO);
		return STATUS_BA_MCOA_MALFORMED;
	}
	if (is_repeated(bids, i)) {
		state_count(s, SIGNALLING_N_BID_REPEATED);
		return STATUS_BA_MCOA_MALFORMED;
	}
	if (bid->len == COA_IP4) {
		state_count(s, SIGNALLING_N_BID_IP4);
		return STATUS_BA_INVALID_COA;
	}
	if (bid->len != COA_NONE && !addr_is_unicast_routable(&bid->coa)) {
		state_count(s, SIGNALLING_N_BID_ADDRESS);
		return STATUS_BA_MCOA_MALFORMED;
	}
	return 0;
}

/* A registration being worked out. */
struct work {
	struct signalling *s;
	struct ha_request *r;
	const struct binding *b;
	const struct subscriber *subscriber;
	struct ha_set set;
};

/* The binding that an option names, as it is before the registration; NULL: there is none. */
static const struct binding_record *known(const struct work *w, const struct ha_bid *bid)
{
	return w->b->now.life == BINDING_LIVE ? binding_record_of(w->b, bid->bid) : NULL;
}

/* The tunnel must lead away from us, to nobody's home, and to nobody else: an address that the node
 * has not shown to be its own must not be that of another (RFC 5648, 10). */
static uint8_t check_care_of(
	const struct work *w, const struct ha_bid *bid, const struct in6_addr *care_of)
{
	const struct binding_record *now = known(w, bid);
	struct signalling *s = w->s;

	if (home_prefix_care_of(&s->config.policy, care_of) != HOME_CARE_OF_GOOD) {
		state_count(s, SIGNALLING_N_BID_TAKEN);
		return STATUS_BA_INVALID_COA;
	}
	if (addr_equal(care_of, &w->r->update.src) || (now && addr_equal(care_of, &now->care_of)) ||
		!claim_is_of_another(s, w->subscriber, care_of))
		return 0;
	state_count(s, SIGNALLING_N_BID_OF_ANOTHER);
	return STATUS_BA_INVALID_COA;
}

/* Its care-of address (RFC 5648, 6.2), or the status with which it has none. */
static uint8_t find_care_of(struct work *w, const struct ha_bid *bid, struct in6_addr *care_of)
{
	const struct binding_record *now = known(w, bid);

	if (bid->len != COA_NONE) {
		*care_of = bid->coa;
		return bid->home ? 0 : check_care_of(w, bid, care_of);
	}
	if (!now) {
		state_count(w->s, SIGNALLING_N_BID_UNKNOWN);
		return STATUS_BA_MCOA_UNKNOWN_COA;
	}
	*care_of = now->care_of;
	return 0;
}

/* The Ethernet address of a node on its home link: as it says, as it sends, or as it is known. */
static struct mac home_mac(const struct work *w, const struct binding_record *now)
{
	static const struct mac none;
	const struct ha_update *u = &w->r->update;

	if (!mac_equal(&u->link, &none))
		return u->link;
	if (u->on_link)
		return u->mac;
	return now && now->at_home ? now->mac : none;
}

/* Whether it may be at home and away at once, and says right where it is (RFC 5648, 5.6.3); 0, or
 * the status of the option. */
static uint8_t check_home(const struct work *w, const struct ha_bid *bid)
{
	static const struct mac none;
	const struct binding_record *now = known(w, bid);
	struct mac mac = home_mac(w, now);

	if (w->s->config.multihoming.home == MULTIHOMING_HOME_REFUSED ||
		!state_linked_prefix(w->s, &w->r->update.home)) {
		state_count(w->s, SIGNALLING_N_BID_AT_HOME);
		return STATUS_BA_MCOA_SIMULTANEOUS;
	}
	if (bid->len == COA_NONE ? now && !now->at_home
				 : !addr_equal(&bid->coa, &w->r->update.home)) {
		state_count(w->s, SIGNALLING_N_BID_ADDRESS);
		return STATUS_BA_MCOA_MALFORMED;
	}
	if (mac_equal(&mac, &none) || mac.b[0] & 1) {
		state_count(w->s, SIGNALLING_N_BID_NO_LINK);
		return STATUS_BA_UNSPECIFIED;
	}
	return 0;
}

/* Makes the record of a home binding, of which there is one. */
static void come_home(struct work *w, struct binding_record *to)
{
	const struct binding_record *now = binding_record_of(w->b, to->bid);

	to->mac = home_mac(w, w->b->now.life == BINDING_LIVE ? now : NULL);
	to->at_home = 1;
	for (unsigned i = w->set.count; i-- > 0;)
		if (w->set.records[i].at_home && w->set.records[i].bid != to->bid)
			ha_set_remove(&w->set, &w->set.records[i]);
}

/* Registers one care-of address; 0 or another success, or the status with which its option is
 * refused. */
static uint8_t register_one(struct work *w, unsigned i)
{
	const struct ha_update *u = &w->r->update;
	const struct ha_bid *bid = &u->bids->at[i];
	struct binding_record base = w->b->now, to;
	const struct binding_record *now = known(w, bid);
	struct in6_addr care_of;
	uint8_t status = check_option(w->s, u->bids, i);

	if (!status && bid->home)
		status = check_home(w, bid);
	if (!status)
		status = find_care_of(w, bid, &care_of);
	if (status)
		return status;
	if (!ha_set_find(&w->set, bid->bid) &&
		w->set.count >=
			subscriber_max_bindings(w->subscriber, w->s->config.multihoming.max)) {
		state_count(w->s, SIGNALLING_N_BID_LIMIT);
		return STATUS_BA_RESOURCES;
	}
	if (now) {
		base = *now;
	} else if (base.life == BINDING_LIVE || base.bid != bid->bid) {
		base.bid = bid->bid;
		base.path_id = binding_cache_path_id(w->s->cache);
	}
	ha_register(w->s, &base, u, ha_max_lifetime(w->s, w->subscriber), &to);
	if (!now || !addr_equal(&now->care_of, &care_of))
		to.registered_ns = to.updated_ns;
	to.care_of = care_of;
	to.priority = bid->priority & 0x7f;
	to.at_home = 0;
	to.mac = (struct mac){0};
	if (bid->home)
		come_home(w, &to);
	w->r->fresh += !now;
	if (ha_set_put(&w->set, &to))
		return STATUS_BA_RESOURCES;
	return to.at_home && w->s->config.multihoming.home == MULTIHOMING_HOME_PROXY
		       ? STATUS_BA_MCOA_RETURNHOME
		       : 0;
}

/* RFC 5648, 5.6.5: a registration that says nothing of home says that the node has left it. */
static void leave_home(struct ha_set *set, const struct ha_bids *bids)
{
	if (multihoming_names_home(bids))
		return;
	for (unsigned i = set->count; i-- > 0;)
		if (set->records[i].at_home)
			ha_set_remove(set, &set->records[i]);
}

/* Refuses all that this node may not do (RFC 5648, 4.4, 6.2 and 10). */
static uint8_t check_policy(const struct work *w)
{
	const struct multihoming_policy *policy = &w->s->config.multihoming;
	const struct ha_update *u = &w->r->update;
	const struct ha_bids *bids = u->bids;

	if (!subscriber_max_bindings(w->subscriber, policy->max))
		return STATUS_BA_MCOA_PROHIBITED;
	for (unsigned i = 0; i < bids->count; i++)
		if (bids->at[i].malformed)
			return STATUS_BA_MCOA_MALFORMED;
	if (bids->count > 1 && !policy->bulk)
		return STATUS_BA_MCOA_BULK_PROHIBITED;
	if (!(u->flags & FLAGS_BU_O) && w->b->now.life == BINDING_LIVE && w->b->now.bid == 0)
		return STATUS_BA_MCOA_NON_MCOA;
	for (unsigned i = 0; i < bids->count && policy->verify_first; i++) {
		const struct ha_bid *bid = &bids->at[i];
		const struct binding_record *now = known(w, bid);

		if (bid->len == COA_NONE ||
			(bid->home ? u->on_link : addr_equal(&bid->coa, &u->src)) ||
			(now && addr_equal(&now->care_of, &bid->coa)))
			continue;
		state_count(w->s, SIGNALLING_N_BID_UNVERIFIED);
		return bids->count > 1 ? STATUS_BA_MCOA_BULK_PROHIBITED : STATUS_BA_INVALID_COA;
	}
	return 0;
}

/* The status of a message of whose options none was accepted: theirs when they agree. */
static uint8_t common_status(const struct ha_bids *bids)
{
	for (unsigned i = 1; i < bids->count; i++)
		if (bids->at[i].status != bids->at[0].status)
			return STATUS_BA_MCOA_NOTCOMPLETE;
	return bids->at[0].status;
}

/* All bindings of the home address share what protects against replay (RFC 5648, 4.1). */
static void share(struct ha_set *set, const struct ha_update *u)
{
	for (unsigned i = 0; i < set->count; i++) {
		set->records[i].sequence = u->sequence;
		set->records[i].timestamp = u->stamped ? u->timestamp : 0;
	}
}

uint8_t multihoming_register(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber)
{
	struct work w = {.s = s, .r = r, .b = b, .subscriber = subscriber};
	struct ha_bids *bids = r->update.bids;
	uint8_t status = check_policy(&w);
	unsigned accepted = 0;

	if (status)
		return status;
	r->fresh = 0;
	ha_set_init(&w.set, b);
	if (r->update.flags & FLAGS_BU_O)
		w.set.count = 0;
	for (unsigned i = 0; i < bids->count; i++) {
		bids->at[i].status = register_one(&w, i);
		accepted += status_ba_accepted(bids->at[i].status);
	}
	if (!accepted)
		return common_status(bids);
	leave_home(&w.set, bids);
	share(&w.set, &r->update);
	return ha_set_give(&w.set, r) ? STATUS_BA_RESOURCES : 0;
}

uint8_t multihoming_deregister(struct signalling *s, struct binding *b, struct ha_request *r)
{
	struct ha_bids *bids = r->update.bids;
	struct binding_record *gone;
	unsigned accepted = 0;
	struct ha_set set;

	for (unsigned i = 0; i < bids->count; i++)
		if (bids->at[i].malformed)
			return STATUS_BA_MCOA_MALFORMED;
	ha_set_init(&set, b);
	for (unsigned i = 0; i < bids->count; i++) {
		bids->at[i].status = check_option(s, bids, i);
		if (bids->at[i].status)
			continue;
		gone = ha_set_find(&set, bids->at[i].bid);
		if (gone) {
			ha_set_remove(&set, gone);
			accepted++;
		} else {
			state_count(s, SIGNALLING_N_BID_UNKNOWN);
			bids->at[i].status = STATUS_BA_NOT_HOME_AGENT;
		}
	}
	if (!accepted)
		return common_status(bids);
	if (!set.count) {
		ha_deregister(s, &b->now, &r->update, &r->to);
		r->changed = 1;
		return 0;
	}
	share(&set, &r->update);
	return ha_set_give(&set, r) ? STATUS_BA_RESOURCES : 0;
}
