/*
 * From the rules of a subscriber to the blocks and the index that readers look into.
 */
#include "dataplane/tables/rule_table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORDS = 8, /* of an address */
	FULL = UINT16_MAX,
};

struct range16 {
	uint16_t first, last;
};

static bool compares(const struct object_rule *rule, enum rule_field field)
{
	return rule->selector.fields >> field & 1;
}

/* The paths of a rule that the list has, by place. */
static uint8_t paths_of(const struct path_table *paths, const struct path_list *list,
	const struct object_rule *rule)
{
	uint8_t bits = 0;

	for (unsigned i = 0; i < rule->path_count; i++)
		for (unsigned k = 0; k < list->count; k++)
			if (path_at(paths, list->paths[k])->id == rule->paths[i])
				bits |= (uint8_t)(1 << k);
	return bits;
}

/* Of a rule that leads to one path, the bits of those that it may lead to, in their order, each a
 * rule of its own. Returns their number. */
static unsigned choices_of(const struct path_table *paths, const struct path_list *list,
	const struct object_rule *rule, uint8_t bits[RULE_PATHS_MAX])
{
	unsigned n = 0;

	if (rule->action != RULE_TO_FIRST) {
		bits[0] = paths_of(paths, list, rule);
		return bits[0] || rule->action == RULE_DROP;
	}
	for (unsigned i = 0; i < rule->path_count; i++)
		for (unsigned k = 0; k < list->count; k++)
			if (path_at(paths, list->paths[k])->id == rule->paths[i] &&
				n < RULE_PATHS_MAX)
				bits[n++] = (uint8_t)(1 << k);
	return n;
}

/* The values that one word of a source can have. Words behind one that can have several can have
 * any. */
static struct range16 word_range(const struct object_rule *rule, unsigned word)
{
	const struct rule_addresses *range = &rule->selector.addresses[RULE_SOURCE];

	if (!compares(rule, RULE_SOURCE) ||
		memcmp(&range->first, &range->last, word * sizeof(uint16_t)) != 0)
		return (struct range16){0, FULL};
	return (struct range16){rule_word(&range->first, word), rule_word(&range->last, word)};
}

static struct range16 port_range(const struct object_rule *rule, enum rule_field field)
{
	if (!compares(rule, field))
		return (struct range16){0, FULL};
	return (struct range16){(uint16_t)rule->selector.numbers[field].first,
		(uint16_t)rule->selector.numbers[field].last};
}

static struct range16 range_by(
	const struct object_rule *rule, enum rule_dimension_name by, unsigned word)
{
	switch (by) {
	case RULE_BY_SOURCE_PORT:
		return port_range(rule, RULE_SOURCE_PORT);
	case RULE_BY_DESTINATION_PORT:
		return port_range(rule, RULE_DESTINATION_PORT);
	default:
		return word_range(rule, word);
	}
}

static int by_value(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static bool is_full(struct range16 range)
{
	return range.first == 0 && range.last == FULL;
}

/* How many rules a word tells apart. */
static unsigned distinct(const struct object_rule *const rules[], unsigned n, unsigned word)
{
	uint16_t firsts[RULE_SUBSCRIBER_MAX] = {0};
	unsigned count = 0, found = 0;

	for (unsigned i = 0; i < n; i++) {
		struct range16 range = word_range(rules[i], word);

		if (!is_full(range))
			firsts[count++] = range.first;
	}
	qsort(firsts, count, sizeof(firsts[0]), by_value);
	for (unsigned i = 0; i < count; i++)
		found += i == 0 || firsts[i] != firsts[i - 1];
	return found;
}

static uint8_t best_word(const struct object_rule *const rules[], unsigned n)
{
	unsigned best = 0;
	uint8_t word = 0;

	for (uint8_t i = 0; i < WORDS; i++) {
		unsigned found = distinct(rules, n, i);

		if (found && found >= best) {
			best = found;
			word = i;
		}
	}
	return word;
}

/* Whether a block cannot hold all that a rule compares. */
static bool needs_more(const struct object_rule *rule)
{
	return compares(rule, RULE_SOURCE) || compares(rule, RULE_DESTINATION) ||
	       compares(rule, RULE_SPI) || compares(rule, RULE_FLOW_LABEL);
}

/* How many bits, from the first on, all addresses of a range agree in. */
static uint8_t bits_of(const struct rule_addresses *range)
{
	for (unsigned i = 0; i < sizeof(range->first); i++) {
		unsigned differ = range->first.s6_addr[i] ^ range->last.s6_addr[i];

		if (differ)
			return (uint8_t)(CHAR_BIT * i + (unsigned)__builtin_clz(differ) - 24);
	}
	return CHAR_BIT * sizeof(range->first);
}

/* Whether a range holds all addresses that agree with its first in these bits. */
static bool is_prefix(const struct rule_addresses *range)
{
	const unsigned bits = bits_of(range);

	for (unsigned i = 0; i < sizeof(range->first); i++) {
		unsigned left = bits > CHAR_BIT * i ? bits - CHAR_BIT * i : 0;
		uint8_t behind = (uint8_t)(UINT8_MAX >> RTE_MIN(left, (unsigned)CHAR_BIT));

		if (range->first.s6_addr[i] & behind || (range->last.s6_addr[i] & behind) != behind)
			return false;
	}
	return true;
}

static bool needs_rest(const struct object_rule *rule)
{
	for (unsigned field = 0; field < RULE_ADDRESS_FIELDS; field++)
		if (compares(rule, field) && !is_prefix(&rule->selector.addresses[field]))
			return true;
	return compares(rule, RULE_SPI) || compares(rule, RULE_FLOW_LABEL);
}

/* The addresses of a rule as they stand in an element. */
struct want {
	struct in6_addr addresses[RULE_ADDRESS_FIELDS];
	uint8_t bits[RULE_ADDRESS_FIELDS];
	unsigned count; /* of addresses; at least one, of which no bit need count */
	bool rest;
};

static struct want want_of(const struct object_rule *rule)
{
	struct want want = {.rest = needs_rest(rule)};

	for (unsigned field = 0; field < RULE_ADDRESS_FIELDS; field++)
		if (compares(rule, field)) {
			want.bits[field] = bits_of(&rule->selector.addresses[field]);
			want.addresses[want.count++] = rule->selector.addresses[field].first;
		}
	want.count = RTE_MAX(want.count, 1u);
	return want;
}

/* Whether the addresses stand in an element at a place, or could. */
static bool is_at(const struct rule_more *more, unsigned place, const struct want *want)
{
	return memcmp(&more->addresses[place], want->addresses,
		       want->count * sizeof(want->addresses[0])) == 0 &&
	       memcmp(more->bits[place], want->bits, sizeof(want->bits)) == 0;
}

/* Where the addresses stand in the elements from `from` on, or POOL_NONE. */
static uint32_t find_place(const struct rule_image *image, unsigned from, const struct want *want)
{
	for (unsigned i = from; i < image->more_count; i++) {
		const struct rule_more *more = &image->mores[i];

		if (want->rest && more->rest != POOL_NONE)
			continue;
		for (unsigned place = 0; place + want->count <= image->filled[i]; place++)
			if (is_at(more, place, want))
				return i << RULE_PLACE_SHIFT | place;
	}
	return POOL_NONE;
}

/* Puts them into an element that has room for them, or a new one. Returns where. */
static uint32_t take_place(struct rule_image *image, unsigned from, const struct want *want)
{
	struct rule_more *more;
	unsigned i = from, place;

	while (i < image->more_count && (image->filled[i] + want->count > RULE_MORE_ADDRESSES ||
						(want->rest && image->mores[i].rest != POOL_NONE)))
		i++;
	more = &image->mores[i];
	if (i == image->more_count) {
		memset(more, 0, sizeof(*more));
		more->rest = POOL_NONE;
		image->filled[i] = 0;
		image->more_count++;
	}
	place = image->filled[i];
	image->filled[i] = (uint8_t)(place + want->count);
	memcpy(&more->addresses[place], want->addresses, want->count * sizeof(want->addresses[0]));
	memcpy(more->bits[place], want->bits, sizeof(want->bits));
	return i << RULE_PLACE_SHIFT | place;
}

static void fill_rest(struct rule_rest *rest, const struct rule_selector *s)
{
	memset(rest, 0, sizeof(*rest));
	for (unsigned field = 0; field < RULE_ADDRESS_FIELDS; field++)
		rest->last[field] = s->addresses[field].last;
	rest->spi_first = s->numbers[RULE_SPI].first;
	rest->spi_last = s->numbers[RULE_SPI].last;
	rest->label_first = s->numbers[RULE_FLOW_LABEL].first;
	rest->label_last = s->numbers[RULE_FLOW_LABEL].last;
	rest->fields = s->fields;
}

/* What a block, whose elements are those from `from` on, has no room for. Returns where it is. */
static uint32_t fill_more(struct rule_image *image, unsigned from, const struct object_rule *rule)
{
	const struct want want = want_of(rule);
	uint32_t at = find_place(image, from, &want);

	if (at == POOL_NONE)
		at = take_place(image, from, &want);
	if (want.rest) {
		image->mores[at >> RULE_PLACE_SHIFT].rest = image->rest_count;
		fill_rest(&image->rests[image->rest_count++], &rule->selector);
	}
	return at | (want.count > 1 ? RULE_PLACE_PAIR : 0);
}

static void fill_small(struct rule_block *b, unsigned i, const struct object_rule *rule)
{
	const struct rule_range *numbers = rule->selector.numbers;

	b->class_span[i] = b->protocol_span[i] = UINT8_MAX;
	if (compares(rule, RULE_CLASS)) {
		b->class_first[i] = (uint8_t)numbers[RULE_CLASS].first;
		b->class_span[i] = (uint8_t)(numbers[RULE_CLASS].last - numbers[RULE_CLASS].first);
		b->uses |= 1 << RULE_BY_CLASS;
	}
	if (compares(rule, RULE_PROTOCOL)) {
		b->protocol_first[i] = (uint8_t)numbers[RULE_PROTOCOL].first;
		b->protocol_span[i] =
			(uint8_t)(numbers[RULE_PROTOCOL].last - numbers[RULE_PROTOCOL].first);
		b->uses |= 1 << RULE_BY_PROTOCOL;
	}
}

static void fill_place(
	struct rule_block *b, unsigned i, const struct object_rule *rule, uint8_t paths)
{
	const uint16_t bit = (uint16_t)(1u << i);

	b->used |= bit;
	b->paths[i] = paths;
	if (compares(rule, RULE_SOURCE_PORT) || compares(rule, RULE_DESTINATION_PORT))
		b->with_ports |= bit;
	if (rule->selector.version == 4)
		b->only4 |= bit;
	if (rule->selector.version == 6)
		b->only6 |= bit;
	fill_small(b, i, rule);
	if (needs_more(rule))
		b->uses |= 1 << RULE_BY_MORE;
	if (compares(rule, RULE_DESTINATION))
		b->uses |= 1 << RULE_BY_DESTINATION;
	if (needs_rest(rule)) {
		b->uses |= 1 << RULE_BY_REST;
		b->with_rest |= bit;
	}
}

/* The ranges by one field of the rules of a block. False: it is compared by none. */
static bool fill_ranges(struct rule_ranges16 *ranges, const struct object_rule *const rules[],
	unsigned n, enum rule_dimension_name by, unsigned word)
{
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		struct range16 range = range_by(rules[i], by, word);

		ranges->first[i] = range.first;
		ranges->span[i] = (uint16_t)(range.last - range.first);
		any |= !is_full(range);
	}
	return any;
}

/* One block; n: of rules, RULE_BLOCK at most. */
static void fill_block(struct rule_image *image, struct rule_block *b,
	const struct object_rule *const rules[], const uint8_t paths[], unsigned n, uint8_t word)
{
	const unsigned from = image->more_count;
	unsigned used = 0;

	memset(b, 0, sizeof(*b));
	b->word = word;
	for (unsigned i = 0; i < n; i++)
		fill_place(b, i, rules[i], paths[i]);
	for (unsigned i = 0; b->uses & 1 << RULE_BY_MORE && i < RULE_BLOCK; i++)
		b->more[i] = i < n ? fill_more(image, from, rules[i]) : b->more[0];
	for (unsigned by = 0; by < RULE_DIMENSIONS; by++)
		if (fill_ranges(&b->ranges[used], rules, n, by, word)) {
			b->uses |= (uint8_t)(1 << by);
			used++;
		}
	for (; used < RULE_DIMENSIONS; used++)
		memset(&b->ranges[used], 0, sizeof(b->ranges[used]));
}

/* The blocks of rules for which a value is in range, one rule of each block being enough. */
static void fill_dimension(struct rule_dimension *d, const struct object_rule *const rules[],
	unsigned n, enum rule_dimension_name by, unsigned word)
{
	unsigned count = 0, at = 0;

	for (unsigned i = 0; i < n; i++) {
		struct range16 range = range_by(rules[i], by, word);

		if (range.first > 0)
			d->bounds[count++] = range.first;
		if (range.last < FULL)
			d->bounds[count++] = (uint16_t)(range.last + 1);
	}
	qsort(d->bounds, count, sizeof(d->bounds[0]), by_value);
	for (unsigned i = 0; i < count; i++)
		if (at == 0 || d->bounds[i] != d->bounds[at - 1])
			d->bounds[at++] = d->bounds[i];
	for (unsigned i = at; i < RULE_BOUNDS; i++)
		d->bounds[i] = FULL;
	for (unsigned i = 0; i < RULE_BOUNDS / RULE_BLOCK; i++)
		d->pivots[i] = d->bounds[i * RULE_BLOCK];
	for (unsigned i = 0; i < n; i++) {
		struct range16 range = range_by(rules[i], by, word);

		for (unsigned k = 0; k <= at; k++) {
			uint16_t value = k ? d->bounds[k - 1] : 0;

			if (value >= range.first && value <= range.last)
				d->masks[k] |= (uint16_t)(1u << i / RULE_BLOCK);
		}
	}
	/* The largest value counts all that are not used as well. */
	for (unsigned i = at + 1; i <= RULE_BOUNDS; i++)
		d->masks[i] = d->masks[at];
}

static void fill_index(
	struct rule_image *image, const struct object_rule *const rules[], unsigned n)
{
	struct rule_index *x = &image->index;

	memset(x, 0, sizeof(*x));
	x->count = (uint8_t)((n + RULE_BLOCK - 1) / RULE_BLOCK);
	x->word = image->blocks[0].word;
	for (unsigned i = 0; i < x->count; i++) {
		x->blocks[i] = i;
		x->uses |= image->blocks[i].uses;
	}
	for (unsigned by = 0; by < RULE_DIMENSIONS; by++)
		if (x->uses & 1 << by)
			fill_dimension(&x->dimensions[by], rules, n, by, x->word);
	for (unsigned i = 0; i < n; i++) {
		const struct rule_range *range = &rules[i]->selector.numbers[RULE_PROTOCOL];
		bool any = !compares(rules[i], RULE_PROTOCOL);

		for (unsigned p = any ? 0 : range->first; p <= (any ? UINT8_MAX : range->last); p++)
			x->protocols[p] |= (uint16_t)(1u << i / RULE_BLOCK);
	}
}

void rule_compile(
	struct rule_table *t, const struct path_table *paths, const struct path_list *list)
{
	const struct object_rule *rules[RULE_SUBSCRIBER_MAX];
	uint8_t bits[RULE_SUBSCRIBER_MAX];
	struct rule_image *image = t->image;
	unsigned n = 0;
	uint8_t word;

	for (uint32_t i = list->rules; i != POOL_NONE; i = rule_record_at(t, i)->next) {
		const struct object_rule *rule = &rule_record_at(t, i)->rule;
		uint8_t choices[RULE_PATHS_MAX];
		unsigned count = choices_of(paths, list, rule, choices);

		for (unsigned k = 0; k < count && n < RULE_SUBSCRIBER_MAX; k++) {
			bits[n] = choices[k];
			rules[n++] = rule;
		}
	}
	word = best_word(rules, n);
	image->rules = n;
	image->more_count = image->rest_count = 0;
	for (unsigned i = 0; i < n; i += RULE_BLOCK)
		fill_block(image, &image->blocks[i / RULE_BLOCK], &rules[i], &bits[i],
			RTE_MIN(n - i, (unsigned)RULE_BLOCK), word);
	if (n > RULE_BLOCK)
		fill_index(image, rules, n);
}
