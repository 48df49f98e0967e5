#include "dataplane/tables/rule_table.h"

#include <errno.h>
#include <rte_common.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/tables/bits.h"
#include "dataplane/tables/hash.h"

enum {
	/* Beyond what all rules need: sets that replace others while those are still being read. */
	SPARE_BLOCKS = 4 * RULE_BLOCKS_MAX,
	MORES = 2, /* elements that a rule needs at most: of its addresses, and of its rest */
	SPARE_MORES = MORES * 2 * RULE_SUBSCRIBER_MAX,
	SPARE_INDEXES = 8,
};

static uint32_t indexes_of(uint32_t capacity)
{
	return capacity / (RULE_BLOCK + 1) + SPARE_INDEXES;
}

static uint64_t hash_of_id(const void *table, uint32_t number)
{
	return table_hash_id(rule_record_at(table, number)->rule.id);
}

int rule_table_init(
	struct rule_table *t, uint32_t capacity, uint32_t most, struct rte_rcu_qsbr *rcu)
{
	*t = (struct rule_table){0};
	/* One without room has an index that nothing is ever put into. */
	if (capacity == 0)
		return sig_index_init(&t->by_id, 1, SIG_INDEX_DENSE);
	most = RTE_MAX(capacity, most);
	if (pool_init(&t->sets.blocks, POOL_ELEMENT(struct rule_block, link),
		    capacity + SPARE_BLOCKS, most + SPARE_BLOCKS, rcu) < 0 ||
		pool_init(&t->sets.mores, POOL_ELEMENT(struct rule_more, link),
			MORES * capacity + SPARE_MORES, MORES * most + SPARE_MORES, rcu) < 0 ||
		pool_init(&t->sets.indexes, POOL_ELEMENT(struct rule_index, link),
			indexes_of(capacity), indexes_of(most), rcu) < 0 ||
		pool_init(&t->records, POOL_ELEMENT(struct rule_record, next), capacity, most,
			rcu) < 0 ||
		sig_index_init(&t->by_id, capacity, SIG_INDEX_DENSE) < 0 ||
		!(t->marks = bits_make(most)) ||
		!(t->image = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*t->image)))) {
		rule_table_destroy(t);
		return -ENOMEM;
	}
	memset(t->image, 0, sizeof(*t->image));
	sig_index_grows(&t->by_id, most, &t->records, hash_of_id, t);
	return 0;
}

void rule_table_destroy(struct rule_table *t)
{
	pool_destroy(&t->sets.blocks);
	pool_destroy(&t->sets.mores);
	pool_destroy(&t->sets.indexes);
	pool_destroy(&t->records);
	sig_index_destroy(&t->by_id);
	bits_free(t->marks);
	free(t->image);
	*t = (struct rule_table){0};
}

size_t rule_table_memory(uint32_t capacity)
{
	if (capacity == 0)
		return 0;
	return room_needed((capacity + (size_t)SPARE_BLOCKS) * sizeof(struct rule_block)) +
	       room_needed((MORES * (size_t)capacity + SPARE_MORES) * sizeof(struct rule_more)) +
	       room_needed(indexes_of(capacity) * sizeof(struct rule_index)) +
	       room_needed(capacity * sizeof(struct rule_record)) +
	       sig_index_needed(capacity, SIG_INDEX_DENSE);
}

static bool has_id(const void *table, uint32_t number, const void *id)
{
	return rule_record_at(table, number)->rule.id == *(const uint64_t *)id;
}

uint32_t rule_table_find(const struct rule_table *t, uint64_t id)
{
	if (!t->image)
		return POOL_NONE;
	return sig_index_find(&t->by_id, table_hash_id(id), has_id, t, &id);
}

/* Puts a record into its place in the chain. */
static void chain(struct rule_table *t, uint32_t number, uint32_t *head)
{
	struct rule_record *record = rule_record_at(t, number);

	while (*head != POOL_NONE && rule_before(&rule_record_at(t, *head)->rule, &record->rule))
		head = &rule_record_at(t, *head)->next;
	record->next = *head;
	*head = number;
}

static unsigned length(const struct rule_table *t, uint32_t head)
{
	unsigned n = 0;

	for (; head != POOL_NONE; head = rule_record_at(t, head)->next)
		n++;
	return n;
}

int64_t rule_table_add(struct rule_table *t, const struct object_rule *rule, uint32_t *head)
{
	uint32_t number;

	if (!t->image || sig_index_make_room(&t->by_id) < 0 ||
		length(t, *head) >= RULE_SUBSCRIBER_MAX)
		return -ENOSPC;
	number = pool_take(&t->records);
	if (number == POOL_NONE)
		return -ENOSPC;
	rule_record_at(t, number)->rule = *rule;
	if (sig_index_insert(&t->by_id, table_hash_id(rule->id), number) < 0) {
		pool_return(&t->records, number);
		return -ENOSPC;
	}
	chain(t, number, head);
	bits_set(t->marks, number);
	return number;
}

/* Frees a record that is in no chain. */
static void forget(struct rule_table *t, uint32_t number)
{
	sig_index_remove(&t->by_id, table_hash_id(rule_record_at(t, number)->rule.id), number);
	pool_watch_tell(&t->watch, number, POOL_NONE);
	pool_return(&t->records, number);
}

bool rule_table_remove(struct rule_table *t, uint32_t number, uint32_t *head)
{
	while (*head != number && *head != POOL_NONE)
		head = &rule_record_at(t, *head)->next;
	if (*head != number)
		return false;
	*head = rule_record_at(t, number)->next;
	forget(t, number);
	return true;
}

void rule_table_clear(struct rule_table *t, uint32_t head)
{
	for (uint32_t next; head != POOL_NONE; head = next) {
		next = rule_record_at(t, head)->next;
		forget(t, head);
	}
}

static size_t encode(uint8_t buf[OBJECT_WIRE_MAX], const struct object_rule *rule)
{
	const struct object object = {
		.kind = OBJECT_RULE, .op = OBJECT_SET, .id = rule->id, .rule = *rule};
	struct writer w;

	writer_init(&w, buf, OBJECT_WIRE_MAX);
	return object_encode(&w, &object) == 0 ? writer_len(&w) : 0;
}

bool rule_table_same(const struct rule_table *t, uint32_t number, const struct object_rule *rule)
{
	uint8_t a[OBJECT_WIRE_MAX], b[OBJECT_WIRE_MAX];
	size_t len = encode(a, &rule_record_at(t, number)->rule);

	return len == encode(b, rule) && memcmp(a, b, len) == 0;
}

/* An element, after waiting for readers if need be. */
static uint32_t take(struct pool *pool)
{
	uint32_t number = pool_take(pool);

	if (number == POOL_NONE) {
		pool_reclaim(pool, true);
		number = pool_take(pool);
	}
	return number;
}

static unsigned blocks_of(const struct rule_image *image)
{
	return (image->rules + RULE_BLOCK - 1) / RULE_BLOCK;
}

/* Takes count elements; all or none. */
static int take_all(struct pool *pool, uint32_t numbers[], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		numbers[i] = take(pool);
		if (numbers[i] == POOL_NONE) {
			while (i > 0)
				pool_return(pool, numbers[--i]);
			return -ENOSPC;
		}
	}
	return 0;
}

/* The numbers in the image count from 0; these are those of the pools. */
static void place_block(struct rule_block *b, const uint32_t mores[])
{
	for (unsigned i = 0; b->uses & 1 << RULE_BY_MORE && i < RULE_BLOCK; i++)
		b->more[i] = mores[b->more[i] >> RULE_PLACE_SHIFT] << RULE_PLACE_SHIFT |
			     (b->more[i] & RULE_PLACE_MASK);
}

/* mores: where those of the image are to be, and behind them its rests. */
static void publish_mores(struct rule_table *t, const uint32_t mores[])
{
	const struct rule_image *image = t->image;
	const uint32_t *rests = mores + image->more_count;

	for (unsigned i = 0; i < image->more_count; i++) {
		struct rule_more *more = pool_at(&t->sets.mores, mores[i]);

		*more = image->mores[i];
		if (more->rest != POOL_NONE)
			more->rest = rests[more->rest];
	}
	for (unsigned i = 0; i < image->rest_count; i++)
		*(struct rule_rest *)pool_at(&t->sets.mores, rests[i]) = image->rests[i];
}

static void publish(struct rule_table *t, struct path_list *list, const uint32_t blocks[],
	const uint32_t mores[])
{
	struct rule_image *image = t->image;
	unsigned count = blocks_of(image);

	publish_mores(t, mores);
	for (unsigned i = 0; i < count; i++) {
		place_block(&image->blocks[i], mores);
		*(struct rule_block *)pool_at(&t->sets.blocks, blocks[i]) = image->blocks[i];
	}
	list->block = blocks[0];
	if (count > 1) {
		memcpy(image->index.blocks, blocks, count * sizeof(blocks[0]));
		*(struct rule_index *)pool_at(&t->sets.indexes, list->index) = image->index;
	}
}

int rule_set_make(struct rule_table *t, const struct path_table *paths, struct path_list *list)
{
	uint32_t blocks[RULE_BLOCKS_MAX], mores[MORES * RULE_SUBSCRIBER_MAX];
	struct rule_image *image = t->image;
	unsigned count;

	list->block = list->index = POOL_NONE;
	if (list->rules == POOL_NONE)
		return 0;
	rule_compile(t, paths, list);
	if (image->rules == 0)
		return 0;
	count = blocks_of(image);
	if (count > 1) {
		list->index = take(&t->sets.indexes);
		if (list->index == POOL_NONE)
			return -ENOSPC;
	}
	if (take_all(&t->sets.blocks, blocks, count) < 0)
		goto no_blocks;
	if (take_all(&t->sets.mores, mores, image->more_count + image->rest_count) < 0)
		goto no_mores;
	publish(t, list, blocks, mores);
	return 0;
no_mores:
	while (count > 0)
		pool_return(&t->sets.blocks, blocks[--count]);
no_blocks:
	if (list->index != POOL_NONE)
		pool_return(&t->sets.indexes, list->index);
	list->index = POOL_NONE;
	return -ENOSPC;
}

/* The numbers of the blocks of a list's set; returns how many. */
static unsigned list_blocks(
	const struct rule_table *t, const struct path_list *list, uint32_t blocks[RULE_BLOCKS_MAX])
{
	const struct rule_index *x;

	if (list->block == POOL_NONE)
		return 0;
	blocks[0] = list->block;
	if (list->index == POOL_NONE)
		return 1;
	x = pool_at(&t->sets.indexes, list->index);
	memcpy(blocks, x->blocks, sizeof(x->blocks));
	return x->count;
}

/* Adds a number to those that there are, if it is not among them. */
static unsigned add_once(uint32_t numbers[], unsigned n, uint32_t number)
{
	for (unsigned i = 0; i < n; i++)
		if (numbers[i] == number)
			return n;
	numbers[n] = number;
	return n + 1;
}

unsigned rule_block_mores(
	const struct rule_table *t, const struct rule_block *b, uint32_t numbers[2 * RULE_BLOCK])
{
	unsigned n = 0;

	for (unsigned i = 0; b->uses & 1 << RULE_BY_MORE && i < RULE_BLOCK; i++) {
		n = add_once(numbers, n, b->more[i] >> RULE_PLACE_SHIFT);
		if (b->with_rest >> i & 1)
			n = add_once(numbers, n, rule_more_at(&t->sets, b->more[i])->rest);
	}
	return n;
}

void rule_set_retire(struct rule_table *t, const struct path_list *list)
{
	uint32_t blocks[RULE_BLOCKS_MAX], mores[MORES * RULE_BLOCK];
	unsigned count = list_blocks(t, list, blocks);

	for (unsigned i = 0; i < count; i++) {
		const struct rule_block *b = pool_at(&t->sets.blocks, blocks[i]);

		for (unsigned k = rule_block_mores(t, b, mores); k > 0; k--)
			pool_retire(&t->sets.mores, mores[k - 1]);
		pool_retire(&t->sets.blocks, blocks[i]);
	}
	if (list->index != POOL_NONE)
		pool_retire(&t->sets.indexes, list->index);
}

/* The same of the elements of a block. */
static bool is_block_inside(const struct rule_table *t, const struct rule_block *b)
{
	const uint32_t fresh = t->sets.mores.fresh;

	for (unsigned i = 0; b->uses & 1 << RULE_BY_MORE && i < RULE_BLOCK; i++)
		if (b->more[i] >> RULE_PLACE_SHIFT >= fresh ||
			(b->with_rest >> i & 1 &&
				rule_more_at(&t->sets, b->more[i])->rest >= fresh))
			return false;
	return true;
}

bool rule_set_is_inside(const struct rule_table *t, const struct path_list *list)
{
	uint32_t blocks[RULE_BLOCKS_MAX];
	unsigned count;

	if (list->block == POOL_NONE)
		return list->index == POOL_NONE;
	if (list->index != POOL_NONE &&
		(list->index >= t->sets.indexes.fresh ||
			((const struct rule_index *)pool_at(&t->sets.indexes, list->index))->count >
				RULE_BLOCKS_MAX))
		return false;
	count = list_blocks(t, list, blocks);
	for (unsigned i = 0; i < count; i++) {
		if (blocks[i] >= t->sets.blocks.fresh ||
			!is_block_inside(t, pool_at(&t->sets.blocks, blocks[i])))
			return false;
	}
	return true;
}

/* Whether two elements are the same but for the pools' own member at link. */
static bool same(const void *a, const void *b, size_t size, size_t link)
{
	const uint8_t *x = a, *y = b;
	size_t behind = link + sizeof(uint32_t);

	return memcmp(x, y, link) == 0 && memcmp(x + behind, y + behind, size - behind) == 0;
}

/* Whether an element that stands at a number, which may be any, is what the image has in this
 * place, with its rest. */
static bool is_more(const struct rule_table *t, uint32_t place, uint32_t number)
{
	struct rule_more want = t->image->mores[place];
	const struct rule_more *more;

	if (number >= t->sets.mores.fresh)
		return false;
	more = pool_at(&t->sets.mores, number);
	if (want.rest != POOL_NONE) {
		if (more->rest >= t->sets.mores.fresh ||
			!same(&t->image->rests[want.rest], pool_at(&t->sets.mores, more->rest),
				sizeof(struct rule_rest), offsetof(struct rule_rest, link)))
			return false;
		want.rest = more->rest;
	}
	return same(&want, more, sizeof(want), offsetof(struct rule_more, link));
}

/* Whether a block is what the image has in its place; its numbers may be anything. */
static bool is_block(const struct rule_table *t, unsigned i, uint32_t number)
{
	struct rule_block want = t->image->blocks[i];
	uint32_t numbers[RULE_SUBSCRIBER_MAX]; /* where those of the image are */
	const struct rule_block *b;

	if (number >= t->sets.blocks.fresh)
		return false;
	b = pool_at(&t->sets.blocks, number);
	memset(numbers, UINT8_MAX, sizeof(numbers));
	for (unsigned k = 0; want.uses & 1 << RULE_BY_MORE && k < RULE_BLOCK; k++) {
		const uint32_t place = want.more[k] >> RULE_PLACE_SHIFT;
		const uint32_t at = b->more[k] >> RULE_PLACE_SHIFT;

		if ((numbers[place] != POOL_NONE && numbers[place] != at) || !is_more(t, place, at))
			return false;
		numbers[place] = at;
		want.more[k] = at << RULE_PLACE_SHIFT | (want.more[k] & RULE_PLACE_MASK);
	}
	return same(&want, b, sizeof(want), offsetof(struct rule_block, link));
}

bool rule_set_is(struct rule_table *t, const struct path_table *paths, const struct path_list *list)
{
	struct rule_index *index;
	unsigned count;

	if (list->rules == POOL_NONE)
		return list->block == POOL_NONE && list->index == POOL_NONE;
	index = &t->image->index;
	rule_compile(t, paths, list);
	count = blocks_of(t->image);
	if (count == 0)
		return list->block == POOL_NONE && list->index == POOL_NONE;
	if (count == 1)
		return list->index == POOL_NONE && is_block(t, 0, list->block);
	if (list->index >= t->sets.indexes.fresh)
		return false;

	const struct rule_index *x = pool_at(&t->sets.indexes, list->index);

	memcpy(index->blocks, x->blocks, count * sizeof(x->blocks[0]));
	if (x->blocks[0] != list->block ||
		!same(index, x, sizeof(*x), offsetof(struct rule_index, link)))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!is_block(t, i, x->blocks[i]))
			return false;
	return true;
}

bool rule_table_is_chain(const struct rule_table *t, uint32_t head, uint64_t subscriber)
{
	const struct object_rule *last = NULL;

	if (head != POOL_NONE && !t->image)
		return false;
	for (unsigned n = 0; head != POOL_NONE; n++) {
		const struct rule_record *record;

		if (n == RULE_SUBSCRIBER_MAX || head >= t->records.fresh)
			return false;
		record = rule_record_at(t, head);
		if (record->rule.subscriber != subscriber || !rule_ok(&record->rule) ||
			rule_table_find(t, record->rule.id) != head ||
			(last && !rule_before(last, &record->rule)))
			return false;
		last = &record->rule;
		head = record->next;
	}
	return true;
}
