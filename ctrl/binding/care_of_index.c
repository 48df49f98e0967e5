#include "ctrl/binding/care_of_index.h"

#include <stdlib.h>

#include "common/addr.h"

enum { PLACES_MIN = 256, PLACES_PER_BINDING = 2 };

struct place {
	uint64_t hash;     /* of the care-of address */
	struct binding *b; /* NULL: free */
};

struct care_of_index {
	struct place *places;
	size_t mask; /* places - 1 */
	size_t count;
};

struct care_of_index *care_of_index_new(size_t expected)
{
	struct care_of_index *index = calloc(1, sizeof(*index));
	size_t places = PLACES_MIN;

	if (!index)
		return NULL;
	while (places / PLACES_PER_BINDING < expected &&
		places < SIZE_MAX / 2 / sizeof(struct place))
		places *= 2;
	index->places = calloc(places, sizeof(*index->places));
	if (!index->places) {
		free(index);
		return NULL;
	}
	index->mask = places - 1;
	return index;
}

void care_of_index_free(struct care_of_index *index)
{
	if (!index)
		return;
	free(index->places);
	free(index);
}

void care_of_index_add(
	struct care_of_index *index, const struct in6_addr *care_of, struct binding *b)
{
	const uint64_t hash = addr_hash(care_of);
	size_t at = (size_t)hash & index->mask;

	if (index->count == index->mask)
		return;
	while (index->places[at].b)
		at = (at + 1) & index->mask;
	index->places[at] = (struct place){hash, b};
	index->count++;
}

void care_of_index_expect(const struct care_of_index *index, const struct in6_addr *care_of)
{
	__builtin_prefetch(&index->places[addr_hash(care_of) & index->mask], 1);
}

/* How far a place is behind that which an element would like to have. */
static size_t distance(const struct care_of_index *index, size_t at)
{
	return (at - (size_t)index->places[at].hash) & index->mask;
}

/* Those behind a place that has become free move up, as far as they may. */
static void close_gap(struct care_of_index *index, size_t gap)
{
	for (size_t at = (gap + 1) & index->mask; index->places[at].b;
		at = (at + 1) & index->mask) {
		if (distance(index, at) < ((at - gap) & index->mask))
			continue;
		index->places[gap] = index->places[at];
		gap = at;
	}
	index->places[gap] = (struct place){0};
}

void care_of_index_remove(
	struct care_of_index *index, const struct in6_addr *care_of, const struct binding *b)
{
	const uint64_t hash = addr_hash(care_of);
	size_t at = (size_t)hash & index->mask;

	for (; index->places[at].b; at = (at + 1) & index->mask) {
		if (index->places[at].hash != hash || index->places[at].b != b)
			continue;
		close_gap(index, at);
		index->count--;
		return;
	}
}

const struct binding *care_of_index_find(const struct care_of_index *index,
	const struct in6_addr *care_of, bool (*accept)(void *context, const struct binding *b),
	void *context)
{
	const uint64_t hash = addr_hash(care_of);

	for (size_t at = (size_t)hash & index->mask; index->places[at].b;
		at = (at + 1) & index->mask)
		if (index->places[at].hash == hash && accept(context, index->places[at].b))
			return index->places[at].b;
	return NULL;
}
