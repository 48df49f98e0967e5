/*
 * Rule sets: the rules of one subscriber, compiled so that a packet is compared with sixteen of
 * them at once.
 *
 * Layout: a block holds sixteen rules in the order of their priority, one array a field: ports, one
 * 16-bit word of the source address (the one in which the rules differ most), class and protocol.
 * Where a rule compares more (whole addresses, SPI, flow label) the rest of it stands in an element
 * of its own, and is looked at only for rules that all the rest of which matches. Of the first of
 * these addresses are compared under a mask, of all packets alike, since a branch by whether a rule
 * matches is often not foreseen; SPI, flow label and ranges that are no prefix are looked at behind
 * a branch.
 * A set of more than one block has an index: for each field, the blocks that have a rule for a
 * value, as a bit set, so that only blocks that may match are looked into.
 *
 * Cost: of up to sixteen rules one cache line, which has protocols as well, one for each other
 * field that they compare, and for rules with a whole address two more; about 15 cycles, and 10 to
 * 15 more for a whole address. Of more, besides, two to three lines of the index for each field and
 * then mostly one block. Who has many packets asks for these lines beforehand (struct rule_search).
 * Memory: 384 octets a block, 128 for a rule with a whole address, 7 KiB for the index of a larger
 * set.
 *
 * What readers hold never changes. Writer: the agent thread.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_prefetch.h>
#include <smmintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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
	RULE_BY_PROTOCOL = RULE_DIMENSIONS,
	RULE_BY_CLASS,
};

struct rule_ranges16 {
	uint16_t first[RULE_BLOCK], span[RULE_BLOCK];
};

struct rule_block {
	uint16_t used;       /* rules that there are; bit: place */
	uint16_t with_ports; /* that compare a port */
	uint16_t with_more;  /* that compare what stands elsewhere */
	uint16_t with_rest;  /* of these, those with more than addresses under a mask */
	uint16_t only4, only6;
	uint8_t uses;              /* bit: enum rule_dimension_name */
	uint8_t word;              /* of the source address, 0 to 7 */
	uint8_t paths[RULE_BLOCK]; /* bits of the subscriber's paths; 0: drop */
	uint8_t spare[2];
	uint8_t protocol_first[RULE_BLOCK], protocol_span[RULE_BLOCK];
	struct rule_ranges16 numbers[RULE_DIMENSIONS];
	uint8_t class_first[RULE_BLOCK], class_span[RULE_BLOCK];
	uint32_t link; /* chain of the pool; writer */
	uint8_t spare2[28];
	uint32_t more[RULE_BLOCK]; /* of a rule without, if another has any, that of another */
} __rte_cache_aligned;
static_assert(sizeof(struct rule_block) == 384, "six cache lines");

/* As in an IPv6 header. */
struct rule_pair {
	struct in6_addr source, destination;
};

/* What a block has no room for. All but the rest of few rules is in the first line. */
struct rule_more {
	struct rule_pair first, mask; /* mask: of the bits that all addresses of the range share */
	struct rule_pair last;
	uint32_t spi_first, spi_last;
	uint32_t label_first, label_last;
	uint32_t fields; /* of struct rule_selector; those that are not looked at here too */
	uint32_t link;   /* chain of the pool; writer */
	uint8_t spare[8];
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

/* What rules look at in a packet; numbers in host order. */
struct rule_key {
	const uint8_t *addresses; /* a struct rule_pair on any boundary, of the packet itself */
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

/* An address, on any boundary, as a number. */
static inline unsigned __int128 rule_number(const void *address)
{
	uint64_t hi, lo;

	memcpy(&hi, address, sizeof(hi));
	memcpy(&lo, (const uint8_t *)address + sizeof(hi), sizeof(lo));
	return (unsigned __int128)rte_be_to_cpu_64(hi) << 64 | rte_be_to_cpu_64(lo);
}

/* One of its eight words. */
static inline uint16_t rule_word(const void *address, unsigned word)
{
	rte_be16_t at;

	memcpy(&at, (const uint8_t *)address + word * sizeof(at), sizeof(at));
	return rte_be_to_cpu_16(at);
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

/* Whether addresses are like others in the bits of a mask. No branch. */
static inline bool rule_masked(const struct rule_more *more, const uint8_t *addresses)
{
	const __m128i *first = (const __m128i *)(const void *)&more->first;
	const __m128i *mask = (const __m128i *)(const void *)&more->mask;
	const __m128i *at = (const __m128i *)(const void *)addresses;
	__m128i a = _mm_xor_si128(_mm_loadu_si128(at), _mm_load_si128(first));
	__m128i b = _mm_xor_si128(_mm_loadu_si128(at + 1), _mm_load_si128(first + 1));

	a = _mm_and_si128(a, _mm_load_si128(mask));
	b = _mm_and_si128(b, _mm_load_si128(mask + 1));
	a = _mm_or_si128(a, b);
	return _mm_testz_si128(a, a);
}

static inline bool rule_in_wide(
	const struct in6_addr *first, const struct in6_addr *last, const uint8_t *address)
{
	unsigned __int128 number = rule_number(address);

	return number >= rule_number(first) && number <= rule_number(last);
}

static inline bool rule_more_matches(const struct rule_more *more, const struct rule_key *key)
{
	const uint32_t fields = more->fields;
	bool in = rule_masked(more, key->addresses);

	if (fields & ~(uint32_t)key->has)
		return false;
	if (fields & 1 << RULE_SOURCE)
		in &= rule_in_wide(&more->first.source, &more->last.source, key->addresses);
	if (fields & 1 << RULE_DESTINATION)
		in &= rule_in_wide(&more->first.destination, &more->last.destination,
			key->addresses + sizeof(struct in6_addr));
	if (fields & 1 << RULE_SPI)
		in &= key->spi >= more->spi_first && key->spi <= more->spi_last;
	if (fields & 1 << RULE_FLOW_LABEL)
		in &= key->label >= more->label_first && key->label <= more->label_last;
	return in;
}

/* The rules of a block that match, or would if the rest of them does that stands elsewhere. */
static inline uint32_t rule_block_match(const struct rule_block *b, const struct rule_key *key)
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
			&b->numbers[RULE_BY_SOURCE_WORD], rule_word(key->addresses, b->word));
	if (b->uses & 1 << RULE_BY_CLASS)
		found &= rule_in8(b->class_first, b->class_span, key->class);
	return found & rule_in8(b->protocol_first, b->protocol_span, key->protocol);
}

/* Asks for the lines of a block that may be looked at. Which are, its first one tells; to wait for
 * it would cost more than to ask for all but the rarest. */
static inline void rule_block_prefetch(const struct rule_block *b)
{
	rte_prefetch0(b);
	for (unsigned i = 0; i < RULE_DIMENSIONS; i++)
		rte_prefetch0(&b->numbers[i]);
	rte_prefetch0(b->more);
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
			&x->dimensions[RULE_BY_SOURCE_WORD], rule_word(key->addresses, x->word));
	if (x->uses & 1 << RULE_BY_PROTOCOL)
		blocks &= x->protocols[key->protocol];
	return blocks;
}

/*
 * Looking for the rule of a packet in steps, between which memory comes while other packets are
 * looked at: rule_search_begin(); rule_search_next() if it goes on; rule_search_end(), which does
 * all that is left. After the first two, rule_search_ahead() asks for what comes next.
 */
struct rule_search {
	const struct rule_block *block;
	uint32_t found; /* its rules that may match */
	uint32_t left;  /* bits of the index: blocks that are to be looked into after it */
	const struct rule_index *index;
};

/* block and index are those of a path list. Any registered reader. */
static inline void rule_search_begin(const struct rule_sets *sets, uint32_t block, uint32_t index,
	const struct rule_key *key, struct rule_search *s)
{
	if (likely(index == POOL_NONE)) {
		s->index = NULL;
		s->block = pool_at(&sets->blocks, block);
		s->found = rule_block_match(s->block, key);
		s->left = 0;
		return;
	}
	s->block = NULL;
	s->index = pool_at(&sets->indexes, index);
	s->found = 0;
	s->left = rule_index_find(s->index, key);
}

/* Whether there is a block to look into before anything is known. */
static inline bool rule_search_goes_on(const struct rule_search *s)
{
	return unlikely(s->left) && s->found == 0;
}

/* Asks for what is looked at next. */
static inline void rule_search_ahead(const struct rule_sets *sets, const struct rule_search *s)
{
	if (s->block && s->block->with_more) {
		uint32_t first = s->found | 1u << (RULE_BLOCK - 1);

		/* No branch: where none is found, of no consequence. */
		rte_prefetch0(pool_at(&sets->mores, s->block->more[__builtin_ctz(first)]));
	}
	if (rule_search_goes_on(s))
		rule_block_prefetch(
			pool_at(&sets->blocks, s->index->blocks[__builtin_ctz(s->left)]));
}

/* Goes on to the next block; there must be one. */
static inline void rule_search_next(
	const struct rule_sets *sets, const struct rule_key *key, struct rule_search *s)
{
	s->block = pool_at(&sets->blocks, s->index->blocks[__builtin_ctz(s->left)]);
	s->left &= s->left - 1;
	s->found = rule_block_match(s->block, key);
}

/* The paths of the first of a block's rules in found, and RULE_MATCHED; 0: none. No branch: whether
 * any rule matches is often not foreseen. */
static inline uint32_t rule_block_paths(const struct rule_block *b, uint32_t found)
{
	uint32_t path = b->paths[__builtin_ctz(found | 1u << (RULE_BLOCK - 1))];

	return (path | RULE_MATCHED) & -(uint32_t)(found != 0);
}

/* What rule_search_confirm() says with all paths up. Its one branch is foreseen: mostly not more
 * than one rule is found in a block that does not match. */
static inline uint32_t rule_search_confirm_first(const struct rule_sets *sets,
	const struct rule_key *key, const struct rule_search *s, bool *sure)
{
	const struct rule_block *b = s->block;
	const uint32_t found = s->found, others = found & (found - 1);
	const unsigned i = (unsigned)__builtin_ctz(found | 1u << (RULE_BLOCK - 1));
	const unsigned more = b->with_more >> i & 1, rest = b->with_rest >> i & 1;
	bool in;

	*sure = true;
	if (!b->with_more)
		return rule_block_paths(b, found);
	in = (more == 0) | rule_masked(pool_at(&sets->mores, b->more[i]), key->addresses);
	*sure = (rest == 0) & (in | (others == 0));
	return rule_block_paths(b, found & -(uint32_t)in);
}

/* The first of the rules found that matches as a whole, and drops or leads to a path of `up`. */
static inline uint32_t rule_search_confirm(const struct rule_sets *sets, uint8_t up,
	const struct rule_key *key, const struct rule_search *s)
{
	const struct rule_block *b = s->block;

	if (!b)
		return 0;
	if (up == UINT8_MAX) {
		bool sure;
		uint32_t matched = rule_search_confirm_first(sets, key, s, &sure);

		if (likely(sure))
			return matched;
	}
	for (uint32_t found = s->found; found; found &= found - 1) {
		unsigned i = (unsigned)__builtin_ctz(found);

		if (b->paths[i] && !(b->paths[i] & up))
			continue;
		if (!(b->with_more >> i & 1) ||
			rule_more_matches(pool_at(&sets->mores, b->more[i]), key))
			return (b->paths[i] & up) | RULE_MATCHED;
	}
	return 0;
}

/*
 * The first rule of the set that matches, but for those that lead only to paths that are not in
 * `up`: bits of the subscriber's paths of these (none: drop) and RULE_MATCHED; 0 if none does.
 */
static inline uint32_t rule_search_end(
	const struct rule_sets *sets, uint8_t up, const struct rule_key *key, struct rule_search *s)
{
	for (;;) {
		uint32_t matched = rule_search_confirm(sets, up, key, s);

		if (!s->left || matched)
			return matched;
		rule_search_next(sets, key, s);
	}
}

/* All at once. */
static inline uint32_t rule_set_match_up(const struct rule_sets *sets, uint32_t block,
	uint32_t index, uint8_t up, const struct rule_key *key)
{
	struct rule_search s;

	rule_search_begin(sets, block, index, key, &s);
	return rule_search_end(sets, up, key, &s);
}
