#include "ctrl/signalling/ha_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ha_set_init(struct ha_set *set, const struct binding *b)
{
	set->count = b->now.life == BINDING_LIVE ? binding_count(b) : 0;
	set->changed = 0;
	for (unsigned i = 0; i < set->count; i++)
		set->records[i] = *binding_record_at(b, i);
}

struct binding_record *ha_set_find(struct ha_set *set, uint16_t bid)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->records[i].bid == bid)
			return &set->records[i];
	return NULL;
}

/* The bits below one stay, it and those above move up. */
static uint8_t bits_open(uint8_t bits, unsigned at)
{
	unsigned below = (1u << at) - 1;

	return (uint8_t)((bits & below) | (bits & ~below) << 1);
}

static uint8_t bits_close(uint8_t bits, unsigned at)
{
	unsigned below = (1u << at) - 1;

	return (uint8_t)((bits & below) | (bits >> 1 & ~below));
}

int ha_set_put(struct ha_set *set, const struct binding_record *record)
{
	unsigned at = 0;

	while (at < set->count && set->records[at].bid < record->bid)
		at++;
	if (at == set->count || set->records[at].bid != record->bid) {
		if (set->count == BINDING_MAX)
			return -ENOSPC;
		memmove(&set->records[at + 1], &set->records[at],
			(set->count - at) * sizeof(*record));
		set->changed = bits_open(set->changed, at);
		set->count++;
	}
	set->records[at] = *record;
	set->changed |= (uint8_t)(1u << at);
	return 0;
}

void ha_set_remove(struct ha_set *set, const struct binding_record *record)
{
	unsigned at = (unsigned)(record - set->records);

	set->count--;
	memmove(&set->records[at], &set->records[at + 1], (set->count - at) * sizeof(*record));
	set->changed = bits_close(set->changed, at);
}

int ha_set_give(const struct ha_set *set, struct ha_request *r)
{
	r->to = set->records[0];
	r->changed = set->changed;
	if (set->count == 1)
		return 0;
	r->more = malloc(sizeof(*r->more) + (set->count - 1) * sizeof(r->more->further[0]));
	if (!r->more)
		return -ENOMEM;
	r->more->count = set->count - 1;
	for (unsigned i = 1; i < set->count; i++)
		r->more->further[i - 1] = (struct binding_further){.now = set->records[i]};
	return 0;
}
