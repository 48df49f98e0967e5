#include "ctrl/signalling/claim.h"

#include "common/addr.h"
#include "ctrl/binding/care_of_index.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/state.h"

void claim_note(struct signalling *s, struct binding *b, bool bound)
{
	for (unsigned i = 0; b->now.life == BINDING_LIVE && i < binding_count(b); i++) {
		const struct binding_record *record = binding_record_at(b, i);

		if (record->at_home)
			continue;
		if (bound)
			care_of_index_add(s->care_of, &record->care_of, b);
		else
			care_of_index_remove(s->care_of, &record->care_of, b);
	}
}

void claim_note_record(struct signalling *s, struct binding *b, const struct binding_record *record)
{
	if (record->life == BINDING_LIVE && !record->at_home)
		care_of_index_add(s->care_of, &record->care_of, b);
}

struct claim {
	const struct signalling *s;
	const struct subscriber *subscriber;
	const struct in6_addr *care_of;
};

static bool is_from(const struct binding *b, const struct in6_addr *care_of)
{
	for (unsigned i = 0; i < binding_count(b); i++)
		if (addr_equal(&binding_record_at(b, i)->care_of, care_of))
			return true;
	return false;
}

static bool is_another(void *context, const struct binding *b)
{
	const struct claim *claim = context;

	return is_from(b, claim->care_of) && subscriber_db_find_home(claim->s->subscribers,
						     &b->now.home, NULL) != claim->subscriber;
}

bool claim_is_of_another(const struct signalling *s, const struct subscriber *subscriber,
	const struct in6_addr *care_of)
{
	struct claim claim = {s, subscriber, care_of};

	return care_of_index_find(s->care_of, care_of, is_another, &claim);
}

/* Who is bound from a care-of address. */
struct bound {
	const struct in6_addr *care_of, *link_local;
	const struct binding *last;
	unsigned count;
};

static bool has_link_local(void *context, const struct binding *b)
{
	struct bound *bound = context;
	struct in6_addr own;

	if (!is_from(b, bound->care_of))
		return false;
	own = addr_link_local_of(&b->now.home);
	bound->count += bound->last != b;
	bound->last = b;
	return addr_equal(&own, bound->link_local);
}

const struct binding *claim_tunnel_of(
	const struct signalling *s, const struct in6_addr *care_of, const struct in6_addr *inner)
{
	struct bound bound = {.care_of = care_of, .link_local = inner};
	const struct binding *b = binding_cache_find(s->cache, inner);

	if (!addr_is_link_local(inner))
		return b && binding_is_live(b) && is_from(b, care_of) ? b : NULL;
	b = care_of_index_find(s->care_of, care_of, has_link_local, &bound);
	if (b)
		return b;
	return bound.count == 1 ? bound.last : NULL;
}
