#include "ctrl/signalling/ha_check.h"

#include <string.h>

#include "common/clock.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/association.h"
#include "ctrl/signalling/multihoming.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/auth.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/status.h"

enum { WAITING_MAX = 2 * BINDING_MAX }; /* Binding Updates of one home address */

typedef struct ha_verdict check_fn(struct ha_check *c);

static struct ha_verdict pass(void)
{
	return (struct ha_verdict){.outcome = HA_PASS};
}

static struct ha_verdict drop(enum signalling_counter counter)
{
	return (struct ha_verdict){.outcome = HA_DROP, .counter = counter};
}

static struct ha_verdict refuse(uint8_t status)
{
	return (struct ha_verdict){.outcome = HA_REFUSE, .status = status};
}

static bool is_home_registration(const struct ha_check *c)
{
	return c->update->flags & FLAGS_BU_H;
}

/* The answer goes to the source, which must be one node (RFC 6275, 9.5.4). */
static struct ha_verdict check_source(struct ha_check *c)
{
	if (!addr_is_unicast_routable(&c->update->src))
		return drop(SIGNALLING_N_BU_SOURCE);
	return pass();
}

/* "MUST be silently discarded" (RFC 6275, 6.1.7); so must a home address (9.5.1), which is the
 * source or was looked at with the header chain. */
static struct ha_verdict check_care_of(struct ha_check *c)
{
	if (!addr_is_unicast_routable(&c->update->care_of))
		return drop(SIGNALLING_N_BU_CARE_OF);
	return pass();
}

/* Without H it needs nonces and a token that we never gave out (RFC 6275, 9.5.1). One that proves
 * its node goes on: there may be a home registration (status 139). */
static struct ha_verdict check_correspondent(struct ha_check *c)
{
	if (!is_home_registration(c) && !auth_find(c->mh, OPTION_AUTH_MN_HA))
		return drop(SIGNALLING_N_BU_CORRESPONDENT);
	return pass();
}

/* RFC 6275, 9.5.1: must not be there when H is set. */
static struct ha_verdict check_nonce_indices(struct ha_check *c)
{
	if (is_home_registration(c) && option_find(c->mh, OPTION_NONCE_INDICES))
		return drop(SIGNALLING_N_BU_NONCE);
	return pass();
}

/* Nearly all are: it spares another look into a large table. */
static bool is_named(const struct subscriber *subscriber, const struct mh_option *id)
{
	return subscriber && subscriber->mn_id_len == id->mn_id.id.len &&
	       memcmp(subscriber->mn_id, id->mn_id.id.at, id->mn_id.id.len) == 0;
}

/* RFC 4285, 4: the node names itself; one that does not is known by its home address. */
static struct ha_verdict check_subscriber(struct ha_check *c)
{
	const struct mh_option *id = option_find(c->mh, OPTION_MN_ID);
	struct subscriber *owner;

	owner = subscriber_db_find_home(c->s->subscribers, &c->update->home, NULL);
	c->owner = owner;
	if (!id || (id->mn_id.subtype == OPTION_MN_ID_NAI && is_named(owner, id)))
		c->subscriber = owner;
	else if (id->mn_id.subtype == OPTION_MN_ID_NAI)
		c->subscriber =
			subscriber_db_find(c->s->subscribers, id->mn_id.id.at, id->mn_id.id.len);
	if (!c->subscriber)
		return drop(SIGNALLING_N_BU_UNKNOWN);
	if (owner == c->subscriber)
		c->binding = binding_cache_find(c->s->cache, &c->update->home);
	return pass();
}

static struct association association_of(const struct ha_check *c)
{
	return (struct association){.has_key = c->subscriber->auth != SUBSCRIBER_AUTH_NONE,
		.spi = c->subscriber->spi,
		.key = c->subscriber->key,
		.coa = c->update->care_of,
		.home = c->update->home};
}

/* RFC 4285, 5 and 5.1: the option is there, at its place, and names an association that we have. */
static struct ha_verdict check_association(struct ha_check *c)
{
	static const enum signalling_counter counters[ASSOCIATION_RESULTS] = {
		[ASSOCIATION_ABSENT] = SIGNALLING_N_BU_AUTH_ABSENT,
		[ASSOCIATION_ORDER] = SIGNALLING_N_BU_AUTH_ORDER,
		[ASSOCIATION_SPI] = SIGNALLING_N_BU_SPI,
	};
	const struct association a = association_of(c);
	enum association_result result = association_name(&a, c->mh);

	return result == ASSOCIATION_GOOD ? pass() : drop(counters[result]);
}

/* RFC 4285, 5.1.1: who is refused here need not be who it says, and is not to be flooded. */
static struct ha_verdict check_authenticator(struct ha_check *c)
{
	const struct association a = association_of(c);

	if (association_check(&a, c->s->hmac, c->octets, c->mh) == ASSOCIATION_GOOD)
		return pass();
	return token_bucket_take(&c->s->forged, c->s->config.errors_per_second, state_now(c->s))
		       ? refuse(STATUS_BA_AUTH_FAIL)
		       : drop(SIGNALLING_N_BU_FORGED);
}

static bool same(const struct ha_request *request, const struct ha_update *u)
{
	const struct ha_update *r;

	if (!request || (request->kind != HA_REGISTER && request->kind != HA_DEREGISTER))
		return false;
	r = &request->update;
	return r->sequence == u->sequence && r->timestamp == u->timestamp &&
	       r->lifetime == u->lifetime && r->flags == u->flags &&
	       addr_equal(&r->care_of, &u->care_of) && addr_equal(&r->src, &u->src);
}

/* A copy of a message that will be answered is no replay: it would only be refused for its age. */
static struct ha_verdict check_repeated(struct ha_check *c)
{
	if (!c->binding)
		return pass();
	if (same(c->binding->running, c->update))
		return drop(SIGNALLING_N_BU_REPEATED);
	for (const struct ha_request *r = c->binding->waiting; r; r = r->next)
		if (same(r, c->update))
			return drop(SIGNALLING_N_BU_REPEATED);
	return pass();
}

/* The latest timestamp accepted from the node. A deleted binding still knows it when the subscriber
 * was taken away and added again. */
static uint64_t last_timestamp(const struct ha_check *c)
{
	uint64_t last = c->subscriber->last_timestamp;
	uint64_t bound = c->binding ? c->binding->now.timestamp : 0;

	return !last || (bound && clock_ntp_diff_ns(bound, last) > 0) ? bound : last;
}

/* RFC 4285, 6: close enough to our clock, and later than all that were accepted. */
static struct ha_verdict check_timestamp(struct ha_check *c)
{
	int64_t window = (int64_t)c->s->config.timestamp_window_ms * (int64_t)CLOCK_NS_PER_MS;
	uint64_t last = last_timestamp(c);
	int64_t ahead;

	c->stamped = c->subscriber->auth == SUBSCRIBER_AUTH_REQUIRED &&
		     c->subscriber->replay == SUBSCRIBER_REPLAY_TIMESTAMP;
	if (!c->stamped)
		return pass();
	if (!c->update->has_timestamp)
		return refuse(STATUS_BA_MESG_ID_REQUIRED);
	ahead = clock_ntp_diff_ns(c->update->timestamp, clock_ntp_from_ns(state_real(c->s)));
	if (ahead > window || ahead < -window)
		return refuse(STATUS_BA_ID_MISMATCH);
	/* As numbers: two stamps may differ by less than the nanosecond of clock_ntp_diff_ns(). */
	if (last && (int64_t)(c->update->timestamp - last) <= 0)
		return refuse(STATUS_BA_ID_MISMATCH);
	return pass();
}

/* RFC 6275, 9.5.1; not with timestamps (RFC 4285, 7). */
static struct ha_verdict check_sequence(struct ha_check *c)
{
	if (c->stamped || !c->binding)
		return pass();
	if (!binding_sequence_newer(c->update->sequence, c->binding->sequence))
		return refuse(STATUS_BA_SEQUENCE);
	return pass();
}

/* RFC 6275, 9.5.1: all that we hold are home registrations. */
static struct ha_verdict check_type(struct ha_check *c)
{
	if (is_home_registration(c))
		return pass();
	if (c->binding && binding_is_live(c->binding))
		return refuse(STATUS_BA_TYPE_CHANGE);
	return drop(SIGNALLING_N_BU_CORRESPONDENT);
}

static struct ha_verdict check_permission(struct ha_check *c)
{
	return c->subscriber->enabled && !c->subscriber->leaving ? pass()
								 : refuse(STATUS_BA_PROHIBITED);
}

/* RFC 3963, 6.2: there are no mobile routers here. */
static struct ha_verdict check_router(struct ha_check *c)
{
	return c->update->flags & FLAGS_BU_R ? refuse(STATUS_BA_MOBILE_ROUTER) : pass();
}

/* RFC 6275, 10.3.1, first test. */
static struct ha_verdict check_supported(struct ha_check *c)
{
	return c->s->config.policy.prefix_count ? pass() : refuse(STATUS_BA_NO_HOME_REGISTRATION);
}

/* RFC 6275, 10.3.1, second test. */
static struct ha_verdict check_home_prefix(struct ha_check *c)
{
	if (!home_prefix_find(&c->s->config.policy, &c->update->home))
		return refuse(STATUS_BA_NOT_HOME_SUBNET);
	return pass();
}

/* The home address must be the one that the security association is for (RFC 6275, 10.3.1). */
static struct ha_verdict check_home_address(struct ha_check *c)
{
	if (c->owner != c->subscriber)
		return refuse(STATUS_BA_NOT_HOME_AGENT);
	return pass();
}

/* RFC 6275, 10.3.1: "MUST be present"; only who deregisters at home may do without (10.3.2), or
 * registers that it is there (RFC 5648, 5.6.3). */
static struct ha_verdict check_option(struct ha_check *c)
{
	if (c->update->lifetime && !c->update->by_option &&
		!multihoming_names_home(c->update->bids))
		return drop(SIGNALLING_N_BU_NO_HOME_ADDRESS);
	return pass();
}

/* The tunnel must lead away from us: status 174 (RFC 6275, 6.1.8). Care-of addresses of options
 * with BIDs are looked at one by one later. */
static struct ha_verdict check_tunnel_end(struct ha_check *c)
{
	if (c->update->lifetime && !c->update->bids &&
		home_prefix_care_of(&c->s->config.policy, &c->update->care_of) != HOME_CARE_OF_GOOD)
		return refuse(STATUS_BA_INVALID_COA);
	return pass();
}

/* RFC 6275, 10.3.2: a binding that is not there, and is not being made, cannot be ended. */
static struct ha_verdict check_bound(struct ha_check *c)
{
	if (c->update->lifetime == 0 && !c->binding)
		return refuse(STATUS_BA_NOT_HOME_AGENT);
	return pass();
}

/* What the operator wishes is not overtaken, and not everything can wait. */
static struct ha_verdict check_busy(struct ha_check *c)
{
	unsigned waiting = 0;

	for (const struct ha_request *r = c->binding ? c->binding->waiting : NULL; r; r = r->next)
		waiting += r->kind == HA_CLEAR ? WAITING_MAX : 1;
	return waiting < WAITING_MAX ? pass() : drop(SIGNALLING_N_BU_BUSY);
}

/* In this order: nothing is answered before the node is known to be genuine, and what RFC 6275,
 * 9.5.1 asks of every Binding Update comes before what 10.3 asks of home registrations. */
static check_fn *const checks[] = {
	check_source,
	check_care_of,
	check_correspondent,
	check_nonce_indices,
	check_subscriber,
	check_association,
	check_authenticator,
	check_repeated,
	check_timestamp,
	check_sequence,
	check_type,
	check_permission,
	check_router,
	check_supported,
	check_home_prefix,
	check_home_address,
	check_option,
	check_tunnel_end,
	check_bound,
	check_busy,
};

struct ha_verdict ha_check(struct ha_check *c)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		struct ha_verdict verdict = checks[i](c);

		if (verdict.outcome != HA_PASS)
			return verdict;
	}
	return pass();
}
