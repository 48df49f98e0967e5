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
