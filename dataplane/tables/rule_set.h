/*
 * Rule sets: the rules of one subscriber, compiled so that a packet is compared with sixteen of
 * them at once.
 *
 * Layout: a block holds sixteen rules in the order of their priority, one array a field: ports, one
 * 16-bit word of the source address (the one in which the rules differ most), class and protocol.
 * Where a rule compares more (whole addresses, SPI, flow label) the rest of it stands in an element
 * of its own, and is looked at only for rules that all the rest of which matches.
 * A set of more than one block has an index: for each field, the blocks that have a rule for a
 * value, as a bit set, so that only blocks that may match are looked into.
 *
 * Cost: of up to sixteen rules two cache lines and one more for each field that they compare; of
 * more, besides, two to three lines of the index for each field and then mostly one block. Memory:
 * 384 octets a block, 128 for a rule with a whole address, 7 KiB for the index of a larger set.
 *
 * What readers hold never changes. Writer: the agent thread.
 */
#pragma once

#include <assert.h>
#include <rte_common.h>
#include <smmintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables/pool.h"
#include "proto/channel/rule.h"

enum {
	RULE_BLOCK = 16,
	RULE_BLOCKS_MAX = RULE_SUBSCRIBER_MAX / RULE_BLOCK,
	RULE_BOUNDS = 2 * RULE_SUBSCRIBER_MAX, /* each rule begins and ends once */
	RULE_MATCHED = 1 << 8,                 /* in the result: a rule matched */
};

/* Which 16-bit fields the rules of a block or an index compare. */
enum rule_dimension_name {
	RULE_BY_SOURCE_PORT,
	RULE_BY_DESTINATION_PORT,
	RULE_BY_SOURCE_WORD,
	RULE_DIMENSIONS,
	RULE_BY_SMALL = RULE_DIMENSIONS, /* class or protocol */
};

struct rule_ranges16 {
	uint16_t first[RULE_BLOCK], span[RULE_BLOCK];
};

struct rule_block {
	uint16_t used;       /* rules that there are; bit: place */
	uint16_t with_ports; /* that compare a port */
	uint16_t with_more;
	uint16_t only4, only6;
	uint8_t uses;              /* bit: enum rule_dimension_name */
	uint8_t word;              /* of the source address, 0 to 7 */
	uint8_t paths[RULE_BLOCK]; /* bits of the subscriber's paths; 0: drop */
	uint32_t link;             /* chain of the pool; writer */
	uint8_t spare[32];
	struct rule_ranges16 numbers[RULE_DIMENSIONS];
	uint8_t class_first[RULE_BLOCK], class_span[RULE_BLOCK];
	uint8_t protocol_first[RULE_BLOCK], protocol_span[RULE_BLOCK];
	uint32_t more[RULE_BLOCK];
} __rte_cache_aligned;
static_assert(sizeof(struct rule_block) == 384, "six cache lines");

/* Ends of ranges, as numbers. */
struct rule_wide {
	unsigned __int128 first, last;
};

struct rule_more {
	struct rule_wide source;
	uint32_t spi_first, spi_last;
	uint32_t label_first, label_last;
	uint32_t fields; /* of struct rule_selector; those that are not looked at here too */
	uint32_t link;   /* chain of the pool; writer */
	uint8_t spare[8];
	struct rule_wide destination;
} __rte_cache_aligned;
static_assert(sizeof(struct rule_more) == 128, "two cache lines");

/* masks[i]: blocks with a rule for values from bounds[i - 1] to below bounds[i]. */
struct rule_dimension {
	uint16_t pivots[RULE_BOUNDS / RULE_BLOCK]; /* every sixteenth of the bounds */
	uint16_t bounds[RULE_BOUNDS];              /* ascending; those not used are the largest */
	uint16_t masks[RULE_BOUNDS + 32];
};

struct rule_index {
	uint32_t blocks[RULE_BLOCKS_MAX];
	uint8_t count; /* of blocks */
	uint8_t uses;
	uint8_t word;
	uint8_t spare;
	uint32_t link; /* chain of the pool; writer */
	uint8_t spare2[56];
	struct rule_dimension dimensions[RULE_DIMENSIONS];
	uint16_t protocols[256]; /* blocks with a rule for it */
} __rte_cache_aligned;

/* What rules look at in a packet, as numbers. */
struct rule_key {
	unsigned __int128 source, destination;
	uint32_t spi, label;
	uint16_t ports[2]; /* source, destination */
	uint8_t class;     /* without its two low bits */
	uint8_t protocol;
	uint8_t version;
	uint8_t has; /* bit 1 << enum rule_field; of both ports or none */
};

/* Pools of what readers see. */
struct rule_sets {
	struct pool blocks, mores, indexes;
};

static inline uint16_t rule_word(unsigned __int128 address, unsigned word)
{
	return (uint16_t)(address >> (112 - 16 * word));
}

/* Which of sixteen ranges hold a value. */
static inline uint32_t rule_in16(const struct rule_ranges16 *ranges, uint16_t value)
{
	const __m128i *first = (const __m128i *)(const void *)ranges->first;
	const __m128i *span = (const __m128i *)(const void *)ranges->span;
	const __m128i v = _mm_set1_epi16((short)value);
	__m128i a = _mm_sub_epi16(v, _mm_load_si128(first));
	__m128i b = _mm_sub_epi16(v, _mm_load_si128(first + 1));

	a = _mm_cmpeq_epi16(_mm_min_epu16(a, _mm_load_si128(span)), a);
	b = _mm_cmpeq_epi16(_mm_min_epu16(b, _mm_load_si128(span + 1)), b);
	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
}

static inline uint32_t rule_in8(
	const uint8_t first[RULE_BLOCK], const uint8_t span[RULE_BLOCK], uint8_t value)
{
	__m128i a = _mm_sub_epi8(
		_mm_set1_epi8((char)value), _mm_load_si128((const __m128i *)(const void *)first));

	a = _mm_cmpeq_epi8(_mm_min_epu8(a, _mm_load_si128((const __m128i *)(const void *)span)), a);
	return (uint32_t)_mm_movemask_epi8(a);
}

static inline bool rule_more_matches(const struct rule_more *more, const struct rule_key *key)
{
	const uint32_t fields = more->fields;

	if (fields & ~(uint32_t)key->has)
		return false;
	if (fields & 1 << RULE_SOURCE &&
		(key->source < more->source.first || key->source > more->source.last))
		return false;
	if (fields & 1 << RULE_DESTINATION && (key->destination < more->destination.first ||
						      key->destination > more->destination.last))
		return false;
	if (fields & 1 << RULE_SPI && (key->spi < more->spi_first || key->spi > more->spi_last))
		return false;
	return !(fields & 1 << RULE_FLOW_LABEL) ||
	       (key->label >= more->label_first && key->label <= more->label_last);
}

/* The first rule of a block that matches and drops, or leads to a path of `up`: its paths, of
 * these, and RULE_MATCHED; or 0. */
static inline uint32_t rule_block_match(const struct rule_sets *sets, const struct rule_block *b,
	uint8_t up, const struct rule_key *key)
{
	uint32_t found = b->used & ~(key->version == 6 ? b->only4 : b->only6);

	if (!(key->has & 1 << RULE_SOURCE_PORT)) {
		found &= ~(uint32_t)b->with_ports;
	} else {
		if (b->uses & 1 << RULE_BY_SOURCE_PORT)
			found &= rule_in16(&b->numbers[RULE_BY_SOURCE_PORT], key->ports[0]);
		if (b->uses & 1 << RULE_BY_DESTINATION_PORT)
			found &= rule_in16(&b->numbers[RULE_BY_DESTINATION_PORT], key->ports[1]);
	}
	if (b->uses & 1 << RULE_BY_SOURCE_WORD)
		found &= rule_in16(
			&b->numbers[RULE_BY_SOURCE_WORD], rule_word(key->source, b->word));
	if (b->uses & 1 << RULE_BY_SMALL)
		found &= rule_in8(b->class_first, b->class_span, key->class) &
			 rule_in8(b->protocol_first, b->protocol_span, key->protocol);
	for (; found; found &= found - 1) {
		unsigned i = (unsigned)__builtin_ctz(found);

		if (b->paths[i] && !(b->paths[i] & up))
			continue;
		if (!(b->with_more >> i & 1) ||
			rule_more_matches(pool_at(&sets->mores, b->more[i]), key))
			return (b->paths[i] & up) | RULE_MATCHED;
	}
	return 0;
}

/* Of sixteen bounds, how many are not above a value. */
static inline unsigned rule_count16(const uint16_t bounds[RULE_BLOCK], uint16_t value)
{
	const __m128i *at = (const __m128i *)(const void *)bounds;
	const __m128i v = _mm_set1_epi16((short)value);
	__m128i a = _mm_load_si128(at), b = _mm_load_si128(at + 1);

	a = _mm_cmpeq_epi16(_mm_min_epu16(a, v), a);
	b = _mm_cmpeq_epi16(_mm_min_epu16(b, v), b);
	return (unsigned)__builtin_popcount((unsigned)_mm_movemask_epi8(_mm_packs_epi16(a, b)));
}

/* The blocks that have a rule for a value. */
static inline uint32_t rule_dimension_find(const struct rule_dimension *d, uint16_t value)
{
	unsigned group = rule_count16(d->pivots, value) + rule_count16(d->pivots + 16, value);

	if (group == 0)
		return d->masks[0];
	group = (group - 1) * RULE_BLOCK;
	return d->masks[group + rule_count16(d->bounds + group, value)];
}

/* The blocks of a set that may have a rule for a packet. */
static inline uint32_t rule_index_find(const struct rule_index *x, const struct rule_key *key)
{
	uint32_t blocks = UINT32_MAX >> (32 - x->count);

	for (unsigned i = 0; i < RULE_DIMENSIONS - 1; i++)
		if (x->uses & 1 << i && key->has & 1 << RULE_SOURCE_PORT)
			blocks &= rule_dimension_find(&x->dimensions[i], key->ports[i]);
	if (x->uses & 1 << RULE_BY_SOURCE_WORD)
		blocks &= rule_dimension_find(
			&x->dimensions[RULE_BY_SOURCE_WORD], rule_word(key->source, x->word));
	if (x->uses & 1 << RULE_BY_SMALL)
		blocks &= x->protocols[key->protocol];
	return blocks;
}

/*
 * The first rule of a set that matches, but for those that lead only to paths that are not in `up`:
 * bits of the subscriber's paths of these (none: drop) and RULE_MATCHED; 0 if none does. block and
 * index are those of a path list. Any registered reader.
 */
static inline uint32_t rule_set_match_up(const struct rule_sets *sets, uint32_t block,
	uint32_t index, uint8_t up, const struct rule_key *key)
{
	const struct rule_index *x;

	if (likely(index == POOL_NONE))
		return rule_block_match(sets, pool_at(&sets->blocks, block), up, key);
	x = pool_at(&sets->indexes, index);
	for (uint32_t left = rule_index_find(x, key); left; left &= left - 1) {
		uint32_t found = rule_block_match(
			sets, pool_at(&sets->blocks, x->blocks[__builtin_ctz(left)]), up, key);

		if (found)
			return found;
	}
	return 0;
}

/* The same, whatever paths it leads to. */
static inline uint32_t rule_set_match(
	const struct rule_sets *sets, uint32_t block, uint32_t index, const struct rule_key *key)
{
	return rule_set_match_up(sets, block, index, UINT8_MAX, key);
}
