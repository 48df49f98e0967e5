/*
 * Changes of rules. Several come together, and what readers see is made anew when all are there.
 */
#include <errno.h>

#include "dataplane/tables/bits.h"
#include "dataplane/tables/tables.h"

/* The rules of a subscriber are to be made anew. */
static void unsettle(struct tables *t, uint64_t subscriber)
{
	for (uint32_t i = t->unsettled_count; i-- > 0;)
		if (t->unsettled[i] == subscriber)
			return;
	if (t->unsettled_count == TABLES_UNSETTLED_MAX)
		tables_settle(t);
	t->unsettled[t->unsettled_count++] = subscriber;
}

void tables_settle(struct tables *t)
{
	for (uint32_t i = 0; i < t->unsettled_count; i++) {
		const uint32_t *head = subscriber_table_rules(&t->subscribers, t->unsettled[i]);

		/* Replacing a set has room kept for it. */
		if (head)
			subscriber_table_renew(&t->subscribers, t->unsettled[i], *head);
	}
	t->unsettled_count = 0;
}

/* Adds a rule to a subscriber that has no list of paths yet: it gets one. */
static int add_first(struct tables *t, const struct object_rule *object)
{
	uint32_t head = POOL_NONE;
	int64_t number = rule_table_add(&t->rules, object, &head);
	int err;

	if (number < 0)
		return (int)number;
	err = subscriber_table_renew(&t->subscribers, object->subscriber, head);
	if (err < 0)
		rule_table_clear(&t->rules, head);
	return err;
}

static int add(struct tables *t, const struct object_rule *object)
{
	uint32_t *head = subscriber_table_rules(&t->subscribers, object->subscriber);
	int64_t number;

	if (!head)
		return add_first(t, object);
	number = rule_table_add(&t->rules, object, head);
	if (number < 0)
		return (int)number;
	unsettle(t, object->subscriber);
	return 0;
}

int tables_set_rule(struct tables *t, const struct object_rule *object)
{
	uint32_t number = rule_table_find(&t->rules, object->id);
	struct object_rule before;
	int err;

	if (!subscriber_table_by_id(&t->subscribers, object->subscriber))
		return -ENOENT;
	if (number == POOL_NONE)
		return add(t, object);
	if (rule_table_same(&t->rules, number, object)) {
		bits_set(t->rules.marks, number);
		return 0;
	}
	before = rule_record_at(&t->rules, number)->rule;
	tables_delete_rule(t, object->id);
	err = add(t, object);
	/* Its room is free again, unless it was another subscriber's that has too many. */
	if (err < 0)
		add(t, &before);
	return err;
}

void tables_delete_rule(struct tables *t, uint64_t id)
{
	uint32_t number = rule_table_find(&t->rules, id), *head;
	uint64_t subscriber;

	if (number == POOL_NONE)
		return;
	subscriber = rule_record_at(&t->rules, number)->rule.subscriber;
	head = subscriber_table_rules(&t->subscribers, subscriber);
	if (!head || !rule_table_remove(&t->rules, number, head)) {
		t->damaged = true;
		return;
	}
	unsettle(t, subscriber);
}

uint32_t tables_sweep_rules(struct tables *t)
{
	const struct sig_index *index = &t->rules.by_id;
	uint32_t removed = 0;

	for (size_t place = 0; place < sig_index_places(index); place++) {
		uint32_t number = sig_index_at(index, place);

		if (number == SIG_INDEX_NONE || bits_test(t->rules.marks, number) ||
			!object_buckets_have(
				&t->marked, rule_record_at(&t->rules, number)->rule.id))
			continue;
		tables_delete_rule(t, rule_record_at(&t->rules, number)->rule.id);
		removed++;
	}
	return removed;
}
