#include "ctrl/signalling/signalling.h"
#include "ctrl/binding/care_of_index.h"
#include "ctrl/signalling/claim.h"

#include <errno.h>
#include <stdlib.h>

#include "ctrl/binding/flow.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/ha_queue.h"
#include "ctrl/signalling/lifetime.h"
#include "ctrl/signalling/link_local.h"
#include "ctrl/signalling/revocation.h"
#include "ctrl/signalling/state.h"

const char *signalling_event_name(enum signalling_event_kind kind)
{
	static const char *const names[] = {
		[SIGNALLING_REGISTERED] = "registered",
		[SIGNALLING_REFRESHED] = "refreshed",
		[SIGNALLING_MOVED] = "moved",
		[SIGNALLING_REDIRECTED] = "redirected",
		[SIGNALLING_DEREGISTERED] = "deregistered",
		[SIGNALLING_EXPIRED] = "expired",
		[SIGNALLING_CLEARED] = "cleared",
		[SIGNALLING_REFUSED] = "refused",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)kind < count && names[kind] ? names[kind] : "unknown";
}

struct signalling *signalling_new(const struct signalling_config *config,
	const struct signalling_ops *ops, struct subscriber_db *subscribers)
{
	struct signalling *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = *config;
	s->ops = *ops;
	s->subscribers = subscribers;
	s->hmac = hmac_new();
	s->cache = s->hmac ? binding_cache_new(config->max_bindings) : NULL;
	s->care_of = s->cache ? care_of_index_new(config->max_bindings) : NULL;
	if (!s->care_of) {
		int err = errno;

		binding_cache_free(s->cache);
		hmac_free(s->hmac);
		free(s);
		errno = err;
		return NULL;
	}
	wheel_init(&s->wheel, state_now(s), s);
	token_bucket_fill(&s->errors, config->errors_per_second, state_now(s));
	token_bucket_fill(&s->forged, config->errors_per_second, state_now(s));
	return s;
}

void signalling_free(struct signalling *s)
{
	struct binding *b = NULL;

	if (!s)
		return;
	while ((b = binding_cache_next(s->cache, b)))
		ha_queue_forget(s, b);
	link_local_free(s);
	revocation_free(s);
	binding_cache_free(s->cache);
	care_of_index_free(s->care_of);
	while (s->requests) {
		struct ha_request *next = s->requests->next;

		free(s->requests);
		s->requests = next;
	}
	hmac_free(s->hmac);
	free(s);
}

int signalling_add_role(struct signalling *s, const struct signalling_role *role)
{
	if (s->role_count == SIGNALLING_ROLES_MAX)
		return -ENOSPC;
	s->roles[s->role_count++] = *role;
	return 0;
}

struct wheel *signalling_wheel(struct signalling *s)
{
	return &s->wheel;
}

/* Whether a record of the store is still of somebody whom we serve. */
static bool is_served(const struct signalling *s, const struct in6_addr *home)
{
	return home_prefix_find(&s->config.policy, home) &&
	       subscriber_db_find_home(s->subscribers, home, NULL);
}

/* Whether the link-local address that it may have defended is still its own. */
static bool keeps_link_local(struct signalling *s, struct binding *b)
{
	return b->now.life != BINDING_LIVE || link_local_claim(s, b, b->now.flags) == 0;
}

/* A further record of a home address behind those that it has. */
static int restore_further(
	struct signalling *s, struct binding *b, const struct binding_record *record)
{
	unsigned count = binding_count(b);
	const struct binding_record *last = binding_record_at(b, count - 1);
	struct binding_more *more;

	if (record->bid == last->bid)
		return -EEXIST;
	if (record->bid < last->bid || !last->bid || count == BINDING_MAX ||
		record->life != BINDING_LIVE || b->now.life != BINDING_LIVE ||
		record->subscriber_id != b->now.subscriber_id)
		return -EINVAL;
	more = realloc(b->more, sizeof(*more) + count * sizeof(more->further[0]));
	if (!more)
		return -ENOMEM;
	b->more = more;
	more->count = count;
	more->further[count - 1] =
		(struct binding_further){.now = *record, .end_ns = lifetime_end_ns(s, record)};
	claim_note_record(s, b, record);
	return 0;
}

static int restore_first(struct signalling *s, const struct binding_record *record)
{
	struct binding *b = binding_cache_add(s->cache, &record->home, record->bid);

	if (!b)
		return -ENOMEM;
	lifetime_init(b);
	b->now = *record;
	b->sequence = record->sequence;
	b->end_ns = lifetime_end_ns(s, record);
	claim_note_record(s, b, record);
	if (!is_served(s, &record->home) || !keeps_link_local(s, b))
		b->end_ns = state_now(s);
	return 0;
}

int signalling_restore(struct signalling *s, const struct binding_record *record)
{
	struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &record->home, NULL);
	struct binding *b = binding_cache_find(s->cache, &record->home);
	int error;

	if (record->life == BINDING_NONE)
		return -EINVAL;
	error = b ? restore_further(s, b, record) : restore_first(s, record);
	if (error)
		return error;
	b = binding_cache_find(s->cache, &record->home);
	binding_cache_reserve(s->cache, record);
	if (record->life == BINDING_LIVE) {
		s->live++;
		state_count(s, SIGNALLING_N_RESTORED);
	}
	if (subscriber && record->timestamp &&
		(!subscriber->last_timestamp ||
			(int64_t)(record->timestamp - subscriber->last_timestamp) > 0))
		subscriber->last_timestamp = record->timestamp;
	lifetime_stop(s, b);
	lifetime_rest(s, b);
	return 0;
}

void signalling_expect_records(
	const struct signalling *s, const struct binding_record records[], unsigned count)
{
	enum { PIECE = 32 };
	uint64_t hashes[PIECE];

	for (; count; records += PIECE, count -= count < PIECE ? count : PIECE) {
		unsigned most = count < PIECE ? count : PIECE;

		for (unsigned i = 0; i < most; i++) {
			hashes[i] = addr_hash(&records[i].home);
			care_of_index_expect(s->care_of, &records[i].care_of);
		}
		binding_cache_expect(s->cache, hashes, most);
		subscriber_db_expect(s->subscribers, hashes, most);
	}
}

int signalling_restore_flow(
	struct signalling *s, const struct in6_addr *home, const struct flow_binding *flow)
{
	struct binding *b = binding_cache_find(s->cache, home);
	unsigned count = b && b->flows ? b->flows->count : 0;
	struct flow_set *set;

	if (!b || b->now.life != BINDING_LIVE)
		return -ENOENT;
	for (unsigned i = 0; i < count; i++)
		if (b->flows->at[i].fid == flow->fid)
			return -EEXIST;
	set = flow_set_new(count + 1);
	if (!set)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		flow_set_put(set, &b->flows->at[i]);
	flow_set_put(set, flow);
	free(b->flows);
	b->flows = set;
	return 0;
}

int signalling_clear(struct signalling *s, const struct in6_addr *home, uint16_t bid,
	signalling_done *done, void *done_context)
{
	struct binding *b = binding_cache_find(s->cache, home);
	struct ha_request *request;

	if (!b || (!binding_is_live(b) && !b->running && !b->waiting))
		return 0;
	if (bid && !binding_record_of(b, bid))
		return 0;
	if (b->waiting && b->waiting->kind == HA_CLEAR)
		return -EBUSY;
	request = ha_request_new(s, HA_CLEAR);
	if (!request)
		return -ENOMEM;
	request->bid = bid;
	request->done = done;
	request->done_context = done_context;
	ha_queue_put(s, b, request);
	return 1;
}

struct binding_cache *signalling_cache(struct signalling *s)
{
	return s->cache;
}

const struct binding *signalling_tunnel_of(
	const struct signalling *s, const struct in6_addr *care_of, const struct in6_addr *inner)
{
	return claim_tunnel_of(s, care_of, inner);
}

size_t signalling_live(const struct signalling *s)
{
	return s->live;
}

json_t *signalling_counters(const struct signalling *s)
{
	return counter_json(signalling_counter_defs, s->counters, SIGNALLING_COUNTERS);
}

const uint64_t *signalling_values(const struct signalling *s)
{
	return s->counters;
}

const struct histogram *signalling_answers(const struct signalling *s)
{
	return &s->answers;
}

void signalling_set_tracer(struct signalling *s, struct tracer tracer)
{
	s->tracer = tracer;
}
