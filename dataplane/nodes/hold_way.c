#include "dataplane/nodes/hold_way.h"

#include <rte_cycles.h>

#include "dataplane/nodes/trace.h"

struct path_hold *hold_way_hold(const struct hold_way *way, uint32_t path)
{
	return path_hold_at(&way->w->tables->paths, path);
}

void hold_way_drop(struct hold_way *way, rte_edge_t edge, struct rte_mbuf *m)
{
	rte_node_enqueue_x1(way->graph, way->node, edge, m);
	way->dropped++;
}

/* What another data plane has sent here is not sent to one (relay.c). */
void hold_way_pass(struct hold_way *way, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	struct meta *meta = meta_of(m);

	if (unlikely(meta->flags & META_RELAYED && entry->relayed && !entry->steered)) {
		hold_way_drop(way, HOLD_TWICE, m);
		return;
	}
	meta->subscriber = subscriber_number(&way->w->tables->subscribers, entry);
	rte_node_enqueue_x1(way->graph, way->node, HOLD_ENCAP, m);
}

/* Whether there are buffers for others if one more packet waits. */
static bool can_spare(const struct rte_mbuf *m)
{
	const struct rte_mempool *pool = m->pool;

	return rte_mempool_get_ops(pool->ops_index)->get_count(pool) >= pool->size / HOLD_RESERVE;
}

void hold_way_put(struct hold_way *way, const struct hold_key *key, struct rte_mbuf *m,
	const struct path_ticket *ticket, uint64_t until)
{
	if (can_spare(m) && hold_put(way->w->hold, key, m, ticket, until)) {
		trace_out(way->w, &m, 1, TRACE_KEPT, 0);
		way->held++;
		return;
	}
	path_hold_leave(hold_way_hold(way, ticket->path), ticket);
	hold_way_drop(way, HOLD_ROOM, m);
}

uint64_t hold_way_until(const struct hold_way *way, const struct path_hold *hold)
{
	return way->w->tsc + rte_get_tsc_hz() / MS_PER_S * hold->ms;
}

const struct subscriber_entry *hold_way_entry(const struct hold_way *way, uint64_t subscriber)
{
	return subscriber_table_by_id(&way->w->tables->subscribers, subscriber);
}

bool hold_way_is_held(const struct hold_way *way, const struct subscriber_entry *entry)
{
	return path_is_held(&way->w->tables->paths, entry->path);
}

void hold_way_count(const struct hold_way *way)
{
	node_count(way->w, WORKER_held, way->held);
	node_count(way->w, WORKER_released, way->released);
}
