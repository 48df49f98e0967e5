/* hold_take: a packet for a subscriber that is on no link waits. */
#include "dataplane/nodes/hold_way.h"

/* A packet of a subscriber, by a held path of it; false: it has ended. */
static bool wait_for(struct hold_way *way, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct hold_key key = {.id = entry->id};
	struct path_hold *hold = hold_way_hold(way, entry->path);
	struct path_ticket ticket = {0};

	switch (path_hold_enter(hold, entry->path, &ticket)) {
	case PATH_HOLD_WAIT:
		hold_way_put(way, &key, m, &ticket, hold_way_until(way, hold));
		return true;
	case PATH_HOLD_FULL:
		hold_way_drop(way, HOLD_FULL, m);
		return true;
	case PATH_HOLD_OVER:
		break;
	}
	return false;
}

/* A packet of a subscriber by a held path that has ended; by it, `now` is how the subscriber is
 * found by its id. Behind what has not gone on yet, the packet still waits. */
static void follow(struct hold_way *way, struct rte_mbuf *m, const struct subscriber_entry *entry,
	const struct subscriber_entry *now)
{
	const struct hold_key key = {.id = entry->id};
	struct path_hold *hold = hold_way_hold(way, entry->path);
	struct path_ticket ticket;

	if (!hold_find(way->w->hold, &key)) {
		hold_way_pass(way, m, now);
		return;
	}
	ticket = path_hold_follow(hold, entry->path);
	hold_way_put(way, &key, m, &ticket, hold_way_until(way, hold));
}

static void take_one(struct hold_way *way, struct rte_mbuf *m)
{
	const struct subscriber_entry *entry =
		subscriber_at(&way->w->tables->subscribers, meta_of(m)->subscriber);
	const struct subscriber_entry *now;

	if (wait_for(way, m, entry))
		return;
	now = hold_way_entry(way, entry->id);
	if (now && !hold_way_is_held(way, now))
		follow(way, m, entry, now);
	else if (!now || !wait_for(way, m, now))
		hold_way_drop(way, HOLD_GONE, m);
}

static uint16_t take_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct hold_way way = {node_worker(node), graph, node, 0, 0, 0};

	for (uint16_t i = 0; i < n; i++)
		take_one(&way, objs[i]);
	hold_way_count(&way);
	return n;
}

static struct rte_node_register take_node = {
	.name = "hold_take",
	.process = take_process,
	.init = node_init,
	.nb_edges = HOLD_PASS_EDGES,
	.next_nodes = {HOLD_PASS_NEXT_NODES},
};
RTE_NODE_REGISTER(take_node)
