#include "ctrl/signalling/ha_queue.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/dad.h"
#include "ctrl/signalling/ha_change.h"
#include "ctrl/signalling/ha_flow.h"
#include "ctrl/signalling/ha_reply.h"
#include "ctrl/signalling/ha_set.h"
#include "ctrl/signalling/lifetime.h"
#include "ctrl/signalling/multihoming.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/status.h"

/* Before an end that the store refused is tried again. */
#define RETRY_NS CLOCK_NS_PER_S

/* An error of the commit, as counter and as status for the mobile node. */
struct failure {
	int error;
	enum signalling_counter counter;
	uint8_t status;
};

static const struct failure failures[] = {
	{-EIO, SIGNALLING_N_COMMIT_STORE, STATUS_BA_RESOURCES},
	{-ENOTCONN, SIGNALLING_N_COMMIT_NO_DP, STATUS_BA_RESOURCES},
	{-ENOSPC, SIGNALLING_N_COMMIT_TABLE, STATUS_BA_RESOURCES},
	{-ETIMEDOUT, SIGNALLING_N_COMMIT_TIMEOUT, STATUS_BA_RESOURCES},
	{-ENOMEM, SIGNALLING_N_NO_MEMORY, STATUS_BA_RESOURCES},
	{0, SIGNALLING_N_COMMIT_OTHER, STATUS_BA_UNSPECIFIED},
};

static const struct failure *failure_of(int error)
{
	const struct failure *f = failures;

	while (f->error && f->error != error)
		f++;
	return f;
}

static bool is_update(const struct ha_request *r)
{
	return r->kind == HA_REGISTER || r->kind == HA_DEREGISTER;
}

static bool is_first(const struct binding *b, const struct ha_request *r)
{
	return r->kind == HA_REGISTER && b->now.life != BINDING_LIVE;
}

static signalling_done committed;

/* What a node listens to goes to the store and to data planes together with its bindings. */
static void listen_to(struct signalling *s, const struct binding *b, struct ha_request *r)
{
	struct ha_multicast *multicast = r->update.multicast;
	unsigned wanted;

	if (r->kind != HA_REGISTER || !multicast || multicast->running)
		return;
	wanted = multicast->state.count;
	multicast->running = true;
	s->ops.listen(s->ops.context, &b->now.home, b->now.subscriber_id, &multicast->state,
		&multicast->before);
	state_count(s, SIGNALLING_N_MULTICAST);
	if (multicast->state.count < wanted)
		state_count(s, SIGNALLING_N_MULTICAST_REFUSED);
}

/* It could not become a fact: the binding stays what it was. */
static void failed(struct signalling *s, struct binding *b, const struct ha_request *r, int error,
	const struct subscriber *subscriber)
{
	static struct log_limit limit = LOG_LIMIT(5);
	const struct failure *f = failure_of(error);

	if (r->update.multicast && r->update.multicast->running)
		s->ops.listen(s->ops.context, &b->now.home, b->now.subscriber_id,
			&r->update.multicast->before, NULL);
	state_count(s, f->counter);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "ha", "commit-failed", "home=%s coa=%s error=%s",
		ADDR_TEXT(&b->now.home), ADDR_TEXT(&r->to.care_of), strerrorname_np(-error));
	if (!is_update(r))
		lifetime_retry(s, b, RETRY_NS);
	else if (subscriber)
		ha_refuse(s, &r->update, subscriber, f->status, r->update.sequence);
	else
		state_count(s, SIGNALLING_N_BU_GONE);
}

/* The flow bindings follow, and the node is answered: the bindings are what the request made. */
static void finish_flows(struct ha_request *r)
{
	struct signalling *s = r->owner;
	struct binding *b = r->binding;
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &b->now.home, NULL);
	struct ha_request made = *r;

	made.to = b->now;
	made.more = b->more;
	if (is_update(r) && subscriber)
		ha_accept(s, &made, subscriber);
	else if (is_update(r))
		state_count(s, SIGNALLING_N_BU_GONE);
	b->running = NULL;
	if (r->done)
		r->done(r->done_context, 0);
	ha_request_free(s, r);
	ha_queue_next(s, b);
}

/* The end of a request, with its answer. False: it goes on with its flow bindings. */
static bool finish(struct signalling *s, struct binding *b, struct ha_request *r, int error)
{
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &b->now.home, NULL);

	b->running = NULL;
	s->starting -= r->fresh;
	if (error)
		failed(s, b, r, error, subscriber);
	else
		ha_change_apply(s, b, r, subscriber);
	if (!error && ha_flow_concerns(b, r)) {
		b->running = r;
		ha_flow_begin(s, b, r, finish_flows);
		return false;
	}
	if (r->done)
		r->done(r->done_context, error);
	ha_request_free(s, r);
	return true;
}

/* The record number i of what it makes of the bindings; NULL behind the last. */
static struct binding_record *record_at(struct ha_request *r, unsigned i)
{
	if (i == 0)
		return &r->to;
	return r->more && i <= r->more->count ? &r->more->further[i - 1].now : NULL;
}

/* The data plane of one of them. A home binding beside others, whose home link nobody serves, has
 * none for as long: it is left out. */
static int choose_one(const struct signalling *s, const struct ha_request *r,
	struct binding_record *to, uint64_t *servers)
{
	int server;

	if (to->at_home)
		server = s->ops.choose_home(s->ops.context, &to->home, r->tried, &to->data_plane);
	else
		server = s->ops.choose(s->ops.context, &to->care_of, r->tried, &to->data_plane);
	if (server >= 0)
		*servers |= 1ull << server;
	return to->at_home && r->more && server == -ENOTCONN ? 0 : server;
}

/* Data planes for the bindings that need one, none that was tried. 0, or why there is not. */
static int choose(struct signalling *s, struct ha_request *r)
{
	struct binding_record *to;

	r->servers = 0;
	for (unsigned i = 0; (to = record_at(r, i)); i++) {
		uint64_t before = to->data_plane;
		int server;

		if (r->kind == HA_REGISTER && !(r->changed >> i & 1))
			continue;
		server = choose_one(s, r, to, &r->servers);
		if (server < 0)
			return server;
		if (r->kind == HA_REDIRECT && (!r->more || before != to->data_plane))
			r->changed |= (uint8_t)(1u << i);
	}
	return 0;
}

/* Gives it to the commit, with data planes that were not tried. 0, or why it cannot be. */
static int start(struct signalling *s, struct binding *b, struct ha_request *r)
{
	struct binding_record room[2][BINDING_MAX];
	struct binding_list good = binding_list(&b->now, b->more, room[0]);
	struct binding_list to;

	if (r->kind == HA_REGISTER || r->kind == HA_REDIRECT) {
		int err = choose(s, r);

		if (err)
			return err;
	}
	to = binding_list(&r->to, r->more, room[1]);
	to.changed = r->changed;
	listen_to(s, b, r);
	return s->ops.commit(s->ops.context, &good, &to, committed, r);
}

/* Whether the next data plane does what the one before could not. */
static bool try_next(struct signalling *s, struct binding *b, struct ha_request *r, int error)
{
	int culprit = -ENOENT;

	if (r->kind != HA_REGISTER && r->kind != HA_REDIRECT)
		return false;
	if (error != -ETIMEDOUT && error != -ENOTCONN && error != -ENOSPC)
		return false;
	if (r->servers & (r->servers - 1))
		culprit = s->ops.culprit(s->ops.context);
	r->tried |= culprit < 0 ? r->servers : 1ull << culprit;
	if (start(s, b, r))
		return false;
	state_count(s, SIGNALLING_N_NEXT_DP);
	return true;
}

static void committed(void *context, int error)
{
	struct ha_request *r = context;
	struct signalling *s = r->owner;
	struct binding *b = r->binding;

	if (error && try_next(s, b, r, error))
		return;
	if (finish(s, b, r, error))
		ha_queue_next(s, b);
}

/* The end of a request that never got to the commit: an update is refused, and what was to end is
 * not there. */
static void turn_away(struct signalling *s, struct binding *b, struct ha_request *r, uint8_t status)
{
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &b->now.home, NULL);

	if (is_update(r) && subscriber)
		ha_refuse(s, &r->update, subscriber, status, r->update.sequence);
	else if (is_update(r))
		state_count(s, SIGNALLING_N_BU_GONE);
	if (r->done)
		r->done(r->done_context, 0);
	ha_request_free(s, r);
}

/* A registration without BIDs: there is this binding then and no other (RFC 5648, 6.2). */
static void register_only(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber)
{
	struct binding_record now = b->now;

	now.bid = 0;
	now.priority = 0;
	now.at_home = 0;
	now.mac = (struct mac){0};
	r->changed = 1;
	r->fresh = now.life != BINDING_LIVE;
	ha_register(s, &now, &r->update, ha_max_lifetime(s, subscriber), &r->to);
}

static uint8_t prepare_registration(struct signalling *s, struct binding *b, struct ha_request *r)
{
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &b->now.home, NULL);
	uint8_t status = 0;

	if (!subscriber)
		return STATUS_BA_NOT_HOME_AGENT;
	if (r->update.bids)
		status = multihoming_register(s, b, r, subscriber);
	else
		register_only(s, b, r, subscriber);
	if (!status && r->fresh && s->live + s->starting + r->fresh > s->config.max_bindings) {
		state_count(s, SIGNALLING_N_FULL);
		status = STATUS_BA_RESOURCES;
	}
	if (status)
		r->fresh = 0;
	return status;
}

/* Whether a binding ends by a request that its node did not send. */
static bool has_to_end(
	const struct signalling *s, const struct binding *b, unsigned i, const struct ha_request *r)
{
	if (r->kind == HA_EXPIRE)
		return state_now(s) >= binding_end_at(b, i);
	return !r->bid || binding_record_at(b, i)->bid == r->bid;
}

static uint8_t prepare_end(struct signalling *s, struct binding *b, struct ha_request *r)
{
	struct ha_set set;

	if (b->now.life != BINDING_LIVE)
		return STATUS_BA_NOT_HOME_AGENT;
	if (r->kind == HA_DEREGISTER && r->update.bids)
		return multihoming_deregister(s, b, r);
	ha_set_init(&set, b);
	for (unsigned i = 0; r->kind != HA_DEREGISTER && i < binding_count(b); i++)
		if (has_to_end(s, b, i, r))
			ha_set_remove(&set, ha_set_find(&set, binding_record_at(b, i)->bid));
	if (r->kind != HA_DEREGISTER && set.count)
		return ha_set_give(&set, r) ? STATUS_BA_RESOURCES : 0;
	ha_deregister(s, &b->now, r->kind == HA_DEREGISTER ? &r->update : NULL, &r->to);
	r->changed = 1;
	return 0;
}

/* What the bindings become, in the request. Returns 0, or the status with which they cannot. */
static uint8_t prepare(struct signalling *s, struct binding *b, struct ha_request *r)
{
	struct ha_set set;

	switch (r->kind) {
	case HA_REGISTER:
		return prepare_registration(s, b, r);
	case HA_REDIRECT:
		ha_set_init(&set, b);
		if (!set.count)
			return STATUS_BA_NOT_HOME_AGENT;
		return ha_set_give(&set, r) ? STATUS_BA_RESOURCES : 0;
	case HA_DEREGISTER:
	case HA_EXPIRE:
	case HA_CLEAR:
		return prepare_end(s, b, r);
	case HA_FORGET:
		r->to = b->now;
		r->to.life = BINDING_NONE;
		r->changed = 1;
		return 0;
	case HA_NOTHING:
		break;
	}
	return STATUS_BA_UNSPECIFIED;
}

static void run(struct signalling *s, struct binding *b, struct ha_request *r)
{
	uint8_t status;
	int err;

	lifetime_stop(s, b);
	status = prepare(s, b, r);
	if (status) {
		turn_away(s, b, r, status);
		return;
	}
	r->binding = b;
	r->owner = s;
	b->running = r;
	if (is_first(b, r))
		b->state = BINDING_STATE_COMMITTING;
	s->starting += r->fresh;
	err = start(s, b, r);
	if (err)
		finish(s, b, r, err);
}

/* A node at home has the address already, and answers there for it. */
static bool needs_dad(const struct binding *b, const struct ha_request *r)
{
	return is_first(b, r) && !multihoming_names_home(r->update.bids);
}

void ha_queue_next(struct signalling *s, struct binding *b)
{
	while (b->waiting && !b->running) {
		struct ha_request *r = b->waiting;
		int ready = needs_dad(b, r) ? dad_check(s, b, r->update.flags) : 1;

		if (ready == 0)
			return;
		b->waiting = r->next;
		b->unique = false;
		if (ready > 0)
			run(s, b, r);
		else
			turn_away(s, b, r,
				ready == -EEXIST ? STATUS_BA_DAD_FAILED : STATUS_BA_RESOURCES);
	}
	if (!b->running)
		lifetime_rest(s, b);
}

static bool names(const struct ha_bids *bids, uint16_t bid)
{
	for (unsigned i = 0; i < bids->count; i++)
		if (bids->at[i].bid == bid)
			return true;
	return false;
}

/* Whether one that waits has nothing to say any more: its node has sent a newer one about all that
 * it was about. What is no update of its node comes instead of all. */
static bool is_overtaken(const struct ha_request *old, const struct ha_request *new)
{
	const struct ha_bids *before = old->update.bids, *after = new->update.bids;

	if (!is_update(new) || !after)
		return true;
	if (new->kind == HA_REGISTER &&new->update.flags & FLAGS_BU_O)
		return true;
	for (unsigned i = 0; before && i < before->count; i++)
		if (!names(after, before->at[i].bid))
			return false;
	return before;
}

void ha_queue_put(struct signalling *s, struct binding *b, struct ha_request *request)
{
	struct ha_request **at = &b->waiting;

	while (*at) {
		struct ha_request *old = *at;

		if (!is_overtaken(old, request)) {
			at = &old->next;
			continue;
		}
		*at = old->next;
		state_count(s, SIGNALLING_N_BU_SUPERSEDED);
		ha_request_free(s, old);
	}
	request->next = NULL;
	*at = request;
	ha_queue_next(s, b);
}

void ha_queue_refuse(struct signalling *s, struct binding *b, uint8_t status)
{
	struct ha_request *r = b->waiting;

	b->waiting = r->next;
	lifetime_stop(s, b);
	turn_away(s, b, r, status);
	ha_queue_next(s, b);
}

void ha_queue_forget(struct signalling *s, struct binding *b)
{
	lifetime_stop(s, b);
	while (b->waiting) {
		struct ha_request *r = b->waiting;

		b->waiting = r->next;
		ha_request_free(s, r);
	}
	ha_request_free(s, b->running);
	b->running = NULL;
}
