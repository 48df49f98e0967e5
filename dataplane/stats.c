#include "dataplane/stats.h"

#include <rte_graph_worker.h>
#include <stdio.h>
#include <string.h>

#include "common/counter.h"

void stats_record(struct update_stat *stat, enum update_stat_group group, const char *name,
	const uint64_t values[])
{
	*stat = (struct update_stat){.group = group, .value_count = update_stat_values(group)};
	snprintf(stat->name, sizeof(stat->name), "%s", name);
	memcpy(stat->values, values, stat->value_count * sizeof(values[0]));
}

static bool take_one(stats_take take, void *context, enum update_stat_group group, const char *name,
	const uint64_t values[])
{
	struct update_stat stat;

	stats_record(&stat, group, name, values);
	return take(&stat, context);
}

static bool take_counters(
	struct worker *const workers[], unsigned count, stats_take take, void *context)
{
	for (int i = 0; i < WORKER_COUNTERS_COUNT; i++) {
		uint64_t sum = 0;

		for (unsigned w = 0; w < count; w++)
			sum += counter_get(&workers[w]->counters[i]);
		if (!take_one(take, context, UPDATE_STAT_COUNTER,
			    worker_counter_name((enum worker_counter)i), &sum))
			return false;
	}
	return true;
}

static bool take_drops(
	struct worker *const workers[], unsigned count, stats_take take, void *context)
{
	for (int i = 0; i < DROP_COUNT; i++) {
		uint64_t sum = 0;

		for (unsigned w = 0; w < count; w++)
			sum += counter_get(&workers[w]->drops[i]);
		if (!take_one(take, context, UPDATE_STAT_DROP,
			    drop_reason_name((enum drop_reason)i), &sum))
			return false;
	}
	return true;
}

/* Calls, packets and cycles of the nodes with this name in the graphs of all workers. */
static void sum_node(
	struct worker *const workers[], unsigned count, const char *name, uint64_t values[3])
{
	for (unsigned w = 0; w < count; w++) {
		const struct rte_node *node =
			rte_graph_node_get_by_name(workers[w]->graph->name, name);

		if (!node)
			continue;
		values[0] += counter_get(&node->total_calls);
		values[1] += counter_get(&node->total_objs);
		values[2] += counter_get(&node->total_cycles);
	}
}

static bool take_nodes(
	struct worker *const workers[], unsigned count, stats_take take, void *context)
{
	rte_graph_off_t offset;
	rte_node_t i;
	struct rte_node *node;

	if (count == 0)
		return true;
	rte_graph_foreach_node(i, offset, workers[0]->graph, node)
	{
		uint64_t values[3] = {0};

		sum_node(workers, count, node->name, values);
		if (values[0] && !take_one(take, context, UPDATE_STAT_NODE, node->name, values))
			return false;
	}
	return true;
}

static bool take_tables(const struct tables *t, stats_take take, void *context)
{
	const struct subscriber_table *s = &t->subscribers;
	const struct path_table *p = &t->paths;
	const struct {
		const char *name;
		uint64_t values[3];
	} tables[] = {
		{"subscribers", {s->subscribers, s->by_id.capacity,
					pool_memory(&s->entries) + sig_index_memory(&s->by_prefix) +
						sig_index_memory(&s->by_id)}},
		{"prefixes", {s->by_prefix.used, s->by_prefix.capacity, 0}},
		{"paths", {p->by_id.used, p->by_id.capacity,
				  pool_memory(&p->paths) + pool_memory(&p->shapes) +
					  pool_memory(&p->lists) + sig_index_memory(&p->by_id)}},
		{"rules", {t->rules.by_id.used, t->rules.by_id.capacity,
				  pool_memory(&t->rules.records) +
					  pool_memory(&t->rules.sets.blocks) +
					  pool_memory(&t->rules.sets.mores) +
					  pool_memory(&t->rules.sets.indexes) +
					  sig_index_memory(&t->rules.by_id)}},
		{"groups", {t->groups.by_id.used, t->groups.by_id.capacity,
				   pool_memory(&t->groups.groups) +
					   sig_index_memory(&t->groups.by_address) +
					   sig_index_memory(&t->groups.by_id)}},
		{"members", {t->groups.members_by_id.used, t->groups.members_by_id.capacity,
				    pool_memory(&t->groups.members) +
					    sig_index_memory(&t->groups.members_by_id)}},
		{"local", {t->local.count, LOCAL_MAX, sizeof(t->local)}},
		{"routes", {t->routes.routes, t->routes.capacity, pool_memory(&t->routes.hops)}},
		{"neighbours", {t->neighbours.index.used, t->neighbours.index.capacity,
				       pool_memory(&t->neighbours.entries) +
					       sig_index_memory(&t->neighbours.index)}},
	};

	for (size_t i = 0; i < RTE_DIM(tables); i++)
		if (!take_one(take, context, UPDATE_STAT_TABLE, tables[i].name, tables[i].values))
			return false;
	return true;
}

bool stats_collect(struct worker *const workers[], unsigned count, const struct tables *tables,
	stats_take take, void *context)
{
	return take_counters(workers, count, take, context) &&
	       take_drops(workers, count, take, context) &&
	       take_nodes(workers, count, take, context) && take_tables(tables, take, context);
}
