/*
 * From the rules of a subscriber to the blocks and the index that readers look into.
 */
#include "dataplane/tables/rule_table.h"

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

/* The bits in which all addresses of a range agree. */
static struct in6_addr mask_of(const struct rule_addresses *range)
{
	struct in6_addr mask = {0};

	for (unsigned i = 0; i < sizeof(mask); i++) {
		unsigned differ = range->first.s6_addr[i] ^ range->last.s6_addr[i];

		if (differ == 0) {
			mask.s6_addr[i] = UINT8_MAX;
			continue;
		}
		mask.s6_addr[i] = (uint8_t)(UINT8_MAX << (32 - __builtin_clz(differ)));
		break;
	}
	return mask;
}

/* Whether a range holds all addresses that agree with its first in these bits. */
static bool is_prefix(const struct rule_addresses *range)
{
	const struct in6_addr mask = mask_of(range);

	for (unsigned i = 0; i < sizeof(mask); i++)
		if (range->first.s6_addr[i] & ~mask.s6_addr[i] ||
			(range->last.s6_addr[i] | mask.s6_addr[i]) != UINT8_MAX)
			return false;
	return true;
}

static bool needs_rest(const struct object_rule *rule)
{
	for (unsigned field = 0; field < RULE_ADDRESS_FIELDS; field++)
		if (compares(rule, field) && !is_prefix(&rule->selector.addresses[field]))
			return true;
	return compares(rule, RULE_SPI) || compares(rule, RULE_FLOW_LABEL);
}

static void fill_more(struct rule_more *more, const struct object_rule *rule)
{
	const struct rule_selector *s = &rule->selector;
	const struct rule_addresses *source = &s->addresses[RULE_SOURCE];
	const struct rule_addresses *destination = &s->addresses[RULE_DESTINATION];

	memset(more, 0, sizeof(*more));
	more->first = (struct rule_pair){source->first, destination->first};
	more->last = (struct rule_pair){source->last, destination->last};
	if (compares(rule, RULE_SOURCE))
		more->mask.source = mask_of(source);
	if (compares(rule, RULE_DESTINATION))
		more->mask.destination = mask_of(destination);
	more->spi_first = s->numbers[RULE_SPI].first;
	more->spi_last = s->numbers[RULE_SPI].last;
	more->label_first = s->numbers[RULE_FLOW_LABEL].first;
	more->label_last = s->numbers[RULE_FLOW_LABEL].last;
	more->fields = s->fields;
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

static void fill_place(struct rule_image *image, struct rule_block *b, unsigned i,
	const struct object_rule *rule, uint8_t paths)
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
	for (unsigned by = 0; by < RULE_DIMENSIONS; by++) {
		struct range16 range = range_by(rule, by, b->word);

		b->numbers[by].first[i] = range.first;
		b->numbers[by].span[i] = (uint16_t)(range.last - range.first);
		if (!is_full(range))
			b->uses |= (uint8_t)(1 << by);
	}
	fill_small(b, i, rule);
	if (needs_more(rule)) {
		b->with_more |= bit;
		if (needs_rest(rule))
			b->with_rest |= bit;
		b->more[i] = image->more_count;
		fill_more(&image->mores[image->more_count++], rule);
	}
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
	image->more_count = 0;
	for (unsigned i = 0; i < n; i++) {
		struct rule_block *b = &image->blocks[i / RULE_BLOCK];

		if (i % RULE_BLOCK == 0) {
			memset(b, 0, sizeof(*b));
			b->word = word;
		}
		fill_place(image, b, i % RULE_BLOCK, rules[i], bits[i]);
	}
	if (n > RULE_BLOCK)
		fill_index(image, rules, n);
}
