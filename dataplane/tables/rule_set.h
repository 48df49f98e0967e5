/*
 * Rule sets: the rules of one subscriber, compiled so that a packet is compared with sixteen of
 * them at once.
 *
 * Layout: a block holds sixteen rules in the order of their priority, one array a field: ports, one
 * 16-bit word of the source address (the one in which the rules differ most), class and protocol;
 * of the fields of 16 bits those that a rule compares, one behind the other. Addresses stand in
 * elements, three in each with how many of their bits count, and those that several rules of a
 * block compare once. Those of the first rule that all else matches are compared, of all packets
 * alike, since a branch by whether a rule matches is often not foreseen; more rules than that, SPI,
 * flow label and ranges that are no prefix are looked at behind a branch. A set of more than one
 * block has an index: for each field, the blocks that have a rule for a value, as a bit set, so
 * that only blocks that may match are looked into.
 *
 * Cost: of up to sixteen rules one cache line, which has protocols as well, one for each other
 * field that they compare, and for addresses one that tells where they are and one of them. Of
 * more, besides, two to three lines of the index for each field and then mostly one block. Who has
 * many packets asks for these lines beforehand (struct rule_search). Memory: 384 octets a block; 64
 * for three addresses or one pair of source and destination, 64 for the rest of a rule that
 * compares more; 7 KiB for the index of a larger set.
 *
 * What readers hold never changes. Writer: the agent thread.
 */
#pragma once

#include <assert.h>
#include <immintrin.h>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_prefetch.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/tables/pool.h"
#include "proto/channel/rule.h"

enum {
	RULE_BLOCK = 16,
	RULE_BLOCKS_MAX = RULE_SUBSCRIBER_MAX / RULE_BLOCK,
	RULE_BOUNDS = 2 * RULE_SUBSCRIBER_MAX, /* each rule begins and ends once */
	RULE_MATCHED = 1 << 8,                 /* in the result: a rule matched */
	RULE_MORE_ADDRESSES = 3,
};

/* A place in an element: of one address, or with the bit of a pair of that of the source, which
 * that of the destination is behind. */
enum rule_place {
	RULE_PLACE_PAIR = 1 << 2,
	RULE_PLACE_SHIFT = 3, /* the element's number is above */
	RULE_PLACE_MASK = (1 << RULE_PLACE_SHIFT) - 1,
};

/* Which fields the rules of a block or an index compare; first those of 16 bits. */
enum rule_dimension_name {
	RULE_BY_SOURCE_PORT,
	RULE_BY_DESTINATION_PORT,
	RULE_BY_SOURCE_WORD,
	RULE_DIMENSIONS,
	RULE_BY_PROTOCOL = RULE_DIMENSIONS,
	RULE_BY_CLASS,
	RULE_BY_MORE,        /* what stands elsewhere */
	RULE_BY_DESTINATION, /* an address there */
	RULE_BY_REST,
};

struct rule_ranges16 {
	uint16_t first[RULE_BLOCK], span[RULE_BLOCK];
};

struct rule_block {
	uint16_t used;       /* rules that there are; bit: place */
	uint16_t with_ports; /* that compare a port */
	uint16_t with_rest;  /* that compare more than prefixes elsewhere */
	uint16_t only4, only6;
	uint8_t uses;              /* bit: enum rule_dimension_name */
	uint8_t word;              /* of the source address, 0 to 7 */
	uint8_t paths[RULE_BLOCK]; /* bits of the subscriber's paths; 0: drop */
	uint8_t spare[4];
	uint8_t protocol_first[RULE_BLOCK], protocol_span[RULE_BLOCK];
	struct rule_ranges16 ranges[RULE_DIMENSIONS]; /* of those that are used, in their order */
	/* Where the addresses are, if any rule here has some: the number of an element and the
	 * place in it (enum rule_place). Of those that there are not, that of the first. */
	uint32_t more[RULE_BLOCK];
	uint8_t class_first[RULE_BLOCK], class_span[RULE_BLOCK];
	uint8_t spare2[28];
	uint32_t link; /* chain of the pool; writer */
} __rte_cache_aligned;
static_assert(sizeof(struct rule_block) == 384, "six cache lines");
static_assert(offsetof(struct rule_block, ranges) == 64, "most of all in the first line");

/* Addresses that rules of a block compare, and how many of their bits. Rules that compare the same
 * ones share them. */
struct rule_more {
	struct in6_addr addresses[RULE_MORE_ADDRESSES];         /* of ranges: the first */
	uint8_t bits[RULE_MORE_ADDRESSES][RULE_ADDRESS_FIELDS]; /* of source and destination */
	uint8_t spare[2];
	uint32_t rest; /* of the one rule here that has a rest */
	uint32_t link; /* chain of the pool; writer */
} __rte_cache_aligned;
static_assert(sizeof(struct rule_more) == 64, "one cache line");

/* What few rules compare. */
struct rule_rest {
	struct in6_addr last[RULE_ADDRESS_FIELDS]; /* of the ranges of addresses */
	uint32_t spi_first, spi_last;
	uint32_t label_first, label_last;
	uint32_t fields; /* of struct rule_selector; those that are not looked at here too */
	uint8_t spare[8];
	uint32_t link; /* chain of the pool; writer */
} __rte_cache_aligned;
static_assert(sizeof(struct rule_rest) == 64, "one cache line");
static_assert(offsetof(struct rule_rest, link) == offsetof(struct rule_more, link), "one pool");

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
	const uint8_t *addresses; /* source and destination on any boundary, of the packet itself */
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
#if defined(__AVX2__) && defined(__BMI2__)
	const __m256i *at = (const __m256i *)(const void *)ranges;
	__m256i a = _mm256_sub_epi16(_mm256_set1_epi16((short)value), _mm256_load_si256(at));

	a = _mm256_cmpeq_epi16(_mm256_min_epu16(a, _mm256_load_si256(at + 1)), a);
	return _pext_u32((uint32_t)_mm256_movemask_epi8(a), 0x55555555);
#else
	const __m128i *first = (const __m128i *)(const void *)ranges->first;
	const __m128i *span = (const __m128i *)(const void *)ranges->span;
	const __m128i v = _mm_set1_epi16((short)value);
	__m128i a = _mm_sub_epi16(v, _mm_load_si128(first));
	__m128i b = _mm_sub_epi16(v, _mm_load_si128(first + 1));

	a = _mm_cmpeq_epi16(_mm_min_epu16(a, _mm_load_si128(span)), a);
	b = _mm_cmpeq_epi16(_mm_min_epu16(b, _mm_load_si128(span + 1)), b);
	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
#endif
}

static inline uint32_t rule_in8(
	const uint8_t first[RULE_BLOCK], const uint8_t span[RULE_BLOCK], uint8_t value)
{
	__m128i a = _mm_sub_epi8(
		_mm_set1_epi8((char)value), _mm_load_si128((const __m128i *)(const void *)first));

	a = _mm_cmpeq_epi8(_mm_min_epu8(a, _mm_load_si128((const __m128i *)(const void *)span)), a);
	return (uint32_t)_mm_movemask_epi8(a);
}

/* The first so many bits of an address. */
static inline __m128i rule_mask(uint8_t bits)
{
	const __m128i before =
		_mm_setr_epi8(0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120);
	const __m128i masks = _mm_setr_epi8(0, (char)0x80, (char)0xc0, (char)0xe0, (char)0xf0,
		(char)0xf8, (char)0xfc, (char)0xfe, -1, -1, -1, -1, -1, -1, -1, -1);
	__m128i left = _mm_subs_epu8(_mm_set1_epi8((char)bits), before);

	return _mm_shuffle_epi8(masks, _mm_min_epu8(left, _mm_set1_epi8(8)));
}

/* The element of a rule of a block; at: of its more. */
static inline const struct rule_more *rule_more_at(const struct rule_sets *sets, uint32_t at)
{
	const uint8_t *base = sets->mores.base;

	return (const void *)(base + (size_t)(at >> RULE_PLACE_SHIFT) * sizeof(struct rule_more));
}

/* Whether the source is that of a rule, in as many bits as it compares; and if any rule of its
 * block compares a destination, whether that is, too. */
static inline bool rule_masked(
	const struct rule_more *more, uint32_t at, bool both, const uint8_t *addresses)
{
	const unsigned source = at & (RULE_PLACE_PAIR - 1);
	const __m128i *column = (const __m128i *)(const void *)more->addresses;
	const __m128i *packet = (const __m128i *)(const void *)addresses;
	const uint8_t *bits = more->bits[source];
	__m128i a = _mm_xor_si128(_mm_loadu_si128(packet), _mm_load_si128(column + source));

	a = _mm_and_si128(a, rule_mask(bits[RULE_SOURCE]));
	if (both) {
		const unsigned destination = source + (at / RULE_PLACE_PAIR & 1);
		__m128i b = _mm_xor_si128(
			_mm_loadu_si128(packet + 1), _mm_load_si128(column + destination));

		b = _mm_and_si128(b, rule_mask(bits[RULE_DESTINATION]));
		a = _mm_or_si128(a, b);
	}
	return _mm_testz_si128(a, a);
}

static inline bool rule_in_wide(
	const struct in6_addr *first, const struct in6_addr *last, const uint8_t *address)
{
	unsigned __int128 number = rule_number(address);

	return number >= rule_number(first) && number <= rule_number(last);
}

/* Whether what few rules compare is in the ranges of one; first: of the addresses. */
static inline bool rule_rest_matches(
	const struct rule_rest *rest, const struct in6_addr first[], const struct rule_key *key)
{
	const uint32_t fields = rest->fields;
	const struct in6_addr *destination = first + (fields >> RULE_SOURCE & 1);
	bool in = true;

	if (fields & ~(uint32_t)key->has)
		return false;
	if (fields & 1 << RULE_SOURCE)
		in &= rule_in_wide(first, &rest->last[RULE_SOURCE], key->addresses);
	if (fields & 1 << RULE_DESTINATION)
		in &= rule_in_wide(destination, &rest->last[RULE_DESTINATION],
			key->addresses + sizeof(struct in6_addr));
	if (fields & 1 << RULE_SPI)
		in &= key->spi >= rest->spi_first && key->spi <= rest->spi_last;
	if (fields & 1 << RULE_FLOW_LABEL)
		in &= key->label >= rest->label_first && key->label <= rest->label_last;
	return in;
}

/* Whether a rule of a block matches in what stands elsewhere. */
static inline bool rule_more_matches(const struct rule_sets *sets, const struct rule_block *b,
	unsigned i, const struct rule_key *key)
{
	const uint32_t at = b->more[i];
	const struct rule_more *more = rule_more_at(sets, at);

	if (!rule_masked(more, at, b->uses & 1 << RULE_BY_DESTINATION, key->addresses))
		return false;
	return !(b->with_rest >> i & 1) ||
	       rule_rest_matches(pool_at(&sets->mores, more->rest),
		       &more->addresses[at & (RULE_PLACE_PAIR - 1)], key);
}

/* The rules of a block that match, or would if the rest of them does that stands elsewhere. */
static inline uint32_t rule_block_match(const struct rule_block *b, const struct rule_key *key)
{
	const struct rule_ranges16 *next = b->ranges;
	uint32_t found = b->used & ~(key->version == 6 ? b->only4 : b->only6);

	if (!(key->has & 1 << RULE_SOURCE_PORT))
		found &= ~(uint32_t)b->with_ports;
	if (b->uses & 1 << RULE_BY_SOURCE_PORT)
		found &= rule_in16(next++, key->ports[0]);
	if (b->uses & 1 << RULE_BY_DESTINATION_PORT)
		found &= rule_in16(next++, key->ports[1]);
	if (b->uses & 1 << RULE_BY_SOURCE_WORD)
		found &= rule_in16(next, rule_word(key->addresses, b->word));
	if (b->uses & 1 << RULE_BY_CLASS)
		found &= rule_in8(b->class_first, b->class_span, key->class);
	return found & rule_in8(b->protocol_first, b->protocol_span, key->protocol);
}

/* Asks for the lines of a block that may be looked at. Which are, its first one tells; to wait for
 * it would cost more than to ask for all but the rarest. */
static inline void rule_block_prefetch(const struct rule_block *b)
{
	rte_prefetch0(b);
	rte_prefetch0(b->ranges);
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
	if (s->block && s->block->uses & 1 << RULE_BY_MORE) {
		uint32_t first = s->found | 1u << (RULE_BLOCK - 1);

		/* No branch: where none is found, of no consequence. */
		rte_prefetch0(rule_more_at(sets, s->block->more[__builtin_ctz(first)]));
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

/* What rule_search_end() says with all paths up, if no more than the first rule found needs to be
 * looked at; addresses as of the key. Not *sure: rule_search_end() is to be asked. That is rare but
 * where few rules compare the rest: mostly not more than one rule is found in a block that does not
 * match. No branch by what is found, since whether any rule matches is often not foreseen. */
static inline uint32_t rule_search_first(const struct rule_sets *sets, const uint8_t *addresses,
	const struct rule_search *s, bool *sure)
{
	const struct rule_block *b = s->block;
	const uint32_t found = s->found, others = (found & (found - 1)) | s->left;
	const unsigned i = (unsigned)__builtin_ctz(found | 1u << (RULE_BLOCK - 1));
	unsigned in = found != 0;

	*sure = !s->left;
	if (!b)
		return 0;
	if (b->uses & 1 << RULE_BY_MORE) {
		const uint32_t at = b->more[i];

		*sure = !(found | s->left);
		if (unlikely(b->uses & 1 << RULE_BY_REST))
			return 0;
		in &= rule_masked(
			rule_more_at(sets, at), at, b->uses & 1 << RULE_BY_DESTINATION, addresses);
	}
	*sure = in | (others == 0);
	return (b->paths[i] | RULE_MATCHED) & -in;
}

/* The first of the rules found that matches as a whole, and drops or leads to a path of `up`. */
static inline uint32_t rule_search_confirm(const struct rule_sets *sets, uint8_t up,
	const struct rule_key *key, const struct rule_search *s)
{
	const struct rule_block *b = s->block;

	for (uint32_t found = s->found; found; found &= found - 1) {
		unsigned i = (unsigned)__builtin_ctz(found);

		if (b->paths[i] && !(b->paths[i] & up))
			continue;
		if (!(b->uses & 1 << RULE_BY_MORE) || rule_more_matches(sets, b, i, key))
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
