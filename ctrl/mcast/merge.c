#include "ctrl/mcast/merge.h"

#include <string.h>

enum { SOURCES_MAX = MCAST_STATE_SPACE / sizeof(struct in6_addr) };

/* Sources that are chosen from records. */
struct chosen {
	unsigned count;
	struct in6_addr sources[SOURCES_MAX];
};

/* Those of a record that another one names, or does not. */
static void choose(struct chosen *chosen, const struct mcast_record *from,
	const struct mcast_record *other, bool named)
{
	chosen->count = 0;
	for (unsigned i = 0; i < from->source_count; i++) {
		const uint8_t *source = from->sources + i * sizeof(struct in6_addr);

		if (mcast_record_has(other, source) == named)
			memcpy(&chosen->sources[chosen->count++], source, sizeof(struct in6_addr));
	}
}

static void add_included(struct mcast_state *into, const struct mcast_record *record)
{
	struct mcast_record all = {.type = MCAST_TO_EXCLUDE, .group = record->group};
	struct mcast_record more = *record;

	more.type = MCAST_ALLOW_NEW;
	if (mcast_state_apply(into, &more))
		mcast_state_apply(into, &all);
}

void merge_add(
	struct mcast_state *into, const struct in6_addr *group, const struct mcast_state *listener)
{
	struct mcast_record before, record, result = {.type = MCAST_TO_EXCLUDE};
	struct chosen chosen;
	bool excluded, excludes;

	if (!mcast_state_find(listener, group, &record))
		return;
	if (!mcast_state_find(into, group, &before)) {
		mcast_state_apply(into, &record);
		return;
	}
	excluded = before.type == MCAST_IS_EXCLUDE;
	excludes = record.type == MCAST_IS_EXCLUDE;
	if (!excluded && !excludes) {
		add_included(into, &record);
		return;
	}
	if (excluded)
		choose(&chosen, &before, &record, excludes);
	else
		choose(&chosen, &record, &before, false);
	result.group = group->s6_addr;
	result.source_count = (uint16_t)chosen.count;
	result.sources = chosen.sources[0].s6_addr;
	mcast_state_apply(into, &result);
}
