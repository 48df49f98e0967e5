/*
 * Whose packet is next: subscribers chosen at random, all alike, by Zipf's law, or with one
 * elephant among them. Constant time whatever the distribution; an open pick is only read, so any
 * number of threads may choose from it, each with its own random numbers.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "tools/pktgen/random.h"

enum pick_kind {
	PICK_UNIFORM,
	PICK_ZIPF,     /* subscriber r has a share proportional to 1 / (r + 1)^exponent */
	PICK_ELEPHANT, /* subscriber 0 has a given share, the others are alike */
	PICK_KINDS
};

/* "uniform", "zipf", "elephant"; NULL-terminated. */
extern const char *const pick_names[PICK_KINDS + 1];

struct pick_config {
	enum pick_kind kind;
	uint32_t count;            /* of subscribers, at least 1 */
	double exponent;           /* Zipf: 0 or more */
	uint32_t elephant_percent; /* 0 to 100 */
};

/* One slot of an alias table: a random number below `keep` (of 2^32) means the slot's own number,
 * any other means `other`. */
struct pick_slot {
	uint32_t keep;
	uint32_t other;
};
static_assert(sizeof(struct pick_slot) == 8, "8 octets a subscriber, for Zipf only");

struct pick {
	enum pick_kind kind;
	uint32_t count;
	uint64_t elephant;       /* of 2^32 */
	struct pick_slot *slots; /* Zipf: count of them */
};

/* Prepares the choice; Zipf's law takes time and memory in proportion to count. Returns 0 or
 * -ENOMEM; the caller ends with pick_close(). */
int pick_open(struct pick *pick, const struct pick_config *config);

/* Frees the table. May be called again, and after a failed pick_open(). */
void pick_close(struct pick *pick);

/* The number of a subscriber, below count. */
static inline uint32_t pick_next(const struct pick *pick, struct random *r)
{
	const uint64_t bits = random_next(r);
	const uint32_t at = random_scale((uint32_t)(bits >> 32), pick->count);
	const uint32_t low = (uint32_t)bits;

	if (pick->kind == PICK_UNIFORM)
		return at;
	if (pick->kind == PICK_ZIPF)
		return low < pick->slots[at].keep ? at : pick->slots[at].other;
	if (low < pick->elephant || pick->count == 1)
		return 0;
	return 1 + random_scale((uint32_t)(bits >> 32), pick->count - 1);
}
