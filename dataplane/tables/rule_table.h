/*
 * Rules of subscribers: the records of what was set, which only the writer sees, and the sets that
 * they are compiled into, which readers see (rule_set.h).
 *
 * A subscriber with rules has a list of paths (path_table.h) even if it has one path. The list
 * holds the chain of its records, in the order of their priority, and the set made of them. A
 * change of rules becomes visible when the subscriber is written anew with a new set.
 *
 * Memory for a rule: 208 octets and 7.1 in the index by id, and the room for its set: 576 octets
 * on the average of many subscribers with few rules each.
 *
 * Writer: the agent thread.
 */
#pragma once

#include "dataplane/tables/path_table.h"
#include "dataplane/tables/rule_set.h"
#include "dataplane/tables/sig_index.h"

struct rule_record {
	struct object_rule rule;
	uint32_t next; /* of the subscriber; while it is free, chain of the pool */
};

/* A set that is being made: as many blocks and elements as one can have. */
struct rule_image {
	struct rule_block blocks[RULE_BLOCKS_MAX];
	struct rule_more mores[RULE_SUBSCRIBER_MAX];
	struct rule_rest rests[RULE_SUBSCRIBER_MAX];
	struct rule_index index;
	unsigned rules, more_count, rest_count;
	uint8_t filled[RULE_SUBSCRIBER_MAX]; /* addresses in each of mores */
};

struct rule_table {
	struct rule_sets sets;
	struct pool records; /* readers do not look at them: never retired */
	struct sig_index by_id;
	struct pool_watch watch;  /* of records */
	uint64_t *marks;          /* a bit a record: named since the last tables_mark() */
	struct rule_image *image; /* scratch; NULL: there is room for no rule */
};

/* Room for capacity rules at first, perhaps 0, and for `most` in the end. Returns 0 or -ENOMEM.
 * Main thread. */
int rule_table_init(
	struct rule_table *t, uint32_t capacity, uint32_t most, struct rte_rcu_qsbr *rcu);
void rule_table_destroy(struct rule_table *t);

/* Octets in rooms that rule_table_init() will ask for. */
size_t rule_table_memory(uint32_t capacity);

/* Number of the record with this id, or POOL_NONE. */
uint32_t rule_table_find(const struct rule_table *t, uint64_t id);

static inline struct rule_record *rule_record_at(const struct rule_table *t, uint32_t number)
{
	return pool_at(&t->records, number);
}

/*
 * Adds the record of a rule that has none to the chain *head, which may begin with POOL_NONE.
 * Returns its number; -ENOSPC: no room, or the subscriber has RULE_SUBSCRIBER_MAX.
 */
int64_t rule_table_add(struct rule_table *t, const struct object_rule *rule, uint32_t *head);

/* Takes a record out of its chain and frees it. False: it is not in that chain. */
bool rule_table_remove(struct rule_table *t, uint32_t number, uint32_t *head);

/* Frees all records of a chain. */
void rule_table_clear(struct rule_table *t, uint32_t head);

/* Whether a record says just this. */
bool rule_table_same(const struct rule_table *t, uint32_t number, const struct object_rule *rule);

/*
 * Makes the set of a list that is not yet published from the list's records and paths. Rules whose
 * paths the list lacks are not in it; without any, block is POOL_NONE. Waits for readers if need
 * be. Returns 0 or -ENOSPC.
 */
int rule_set_make(struct rule_table *t, const struct path_table *paths, struct path_list *list);

/* Retires the set of a list that no reader can reach any more. */
void rule_set_retire(struct rule_table *t, const struct path_list *list);

/* Whether the set of a list, which may hold anything, is what rule_set_make() would make. */
bool rule_set_is(
	struct rule_table *t, const struct path_table *paths, const struct path_list *list);

/* Whether all numbers that rule_set_retire() would follow are those of elements. */
bool rule_set_is_inside(const struct rule_table *t, const struct path_list *list);

/* The numbers of the elements of a block that is inside, each once; returns how many. */
unsigned rule_block_mores(
	const struct rule_table *t, const struct rule_block *b, uint32_t numbers[2 * RULE_BLOCK]);

/* Whether a chain, which may hold anything, is one of records that are found by their ids, in
 * order, all of this subscriber. */
bool rule_table_is_chain(const struct rule_table *t, uint32_t head, uint64_t subscriber);

/* In rule_compile.c: fills the image from records and paths; the numbers in it count from 0. */
void rule_compile(
	struct rule_table *t, const struct path_table *paths, const struct path_list *list);
