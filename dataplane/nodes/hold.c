/* hold: what has waited goes on to encap, or to decap once more, or is dropped. */
#include "dataplane/nodes/hold.h"

#include "dataplane/nodes/budget.h"
#include "dataplane/nodes/decap.h"
#include "dataplane/nodes/hold_way.h"

enum edge {
	HOLD_DECAP = HOLD_PASS_EDGES,
	HOLD_LATE,
	HOLD_EDGES,
};

/* The first packet of a queue, out of it. False: it was the last. */
static bool take(struct hold_way *way, struct hold_queue *q, struct hold_packet *packet)
{
	const bool more = hold_take(way->w->hold, q, packet);

	path_hold_leave(hold_way_hold(way, packet->ticket.path), &packet->ticket);
	return more;
}

static bool may_go(struct hold_way *way)
{
	return budget_take(&way->w->hold_budget, way->w->tsc);
}

/* As many of a queue as may go on in this walk: to the subscriber by the entry that it has now. */
static void drain(struct hold_way *way, struct hold_queue *q, const struct subscriber_entry *entry)
{
	struct hold_packet packet;
	bool more = true;

	while (more && may_go(way)) {
		more = take(way, q, &packet);
		hold_way_pass(way, packet.m, entry);
		way->released++;
	}
}

/* All of a queue, for nobody any more. */
static void abandon(struct hold_way *way, struct hold_queue *q)
{
	struct hold_packet packet;
	bool more;

	do {
		more = take(way, q, &packet);
		hold_way_drop(way, HOLD_GONE, packet.m);
	} while (more);
}

/* All of a queue, for a subscriber that has another held path by now. */
static void renew(struct hold_way *way, struct hold_queue *q, const struct subscriber_entry *entry)
{
	const struct hold_key key = q->key;
	struct hold_packet packet;

	for (uint32_t n = q->count; n > 0; n--) {
		take(way, q, &packet);
		if (path_hold_enter(hold_way_hold(way, entry->path), entry->path, &packet.ticket) ==
				PATH_HOLD_WAIT &&
			hold_put(way->w->hold, &key, packet.m, &packet.ticket, packet.until))
			continue;
		hold_way_drop(way, HOLD_FULL, packet.m);
	}
}

/* What a subscriber's packets waited for has come to an end. */
static void settle(struct hold_way *way, struct hold_queue *q)
{
	const struct subscriber_entry *entry = hold_way_entry(way, q->key.id);

	if (!entry)
		abandon(way, q);
	else if (hold_way_is_held(way, entry))
		renew(way, q, entry);
	else
		drain(way, q, entry);
}

/* As many of a queue as may go on in this walk to decap, which may know what to do with them now.
 */
static void open_room(struct hold_way *way, struct hold_queue *q)
{
	struct hold_packet packet;
	bool more = true;

	while (more && may_go(way)) {
		more = take(way, q, &packet);
		meta_of(packet.m)->subscriber = HOLD_OPENED;
		rte_node_enqueue_x1(way->graph, way->node, HOLD_DECAP, packet.m);
		way->released++;
	}
}

/* Those of a queue that have waited too long. */
static void expire(struct hold_way *way, struct hold_queue *q)
{
	struct hold_packet packet;

	while (hold_first(way->w->hold, q)->until <= way->w->tsc) {
		const bool more = take(way, q, &packet);

		hold_way_drop(way, HOLD_LATE, packet.m);
		if (!more)
			return;
	}
}

static void look(struct hold_way *way, struct hold_queue *q)
{
	const struct hold_packet *first = hold_first(way->w->hold, q);

	if (q->key.prefix && decap_attached(way->w, first->m))
		open_room(way, q);
	else if (!q->key.prefix &&
		 !path_hold_lasts(hold_way_hold(way, first->ticket.path), &first->ticket))
		settle(way, q);
	else
		expire(way, q);
}

static uint16_t hold_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct hold_way way = {w, graph, node, 0, 0, 0};

	RTE_SET_USED(objs);
	RTE_SET_USED(n);
	if (likely(hold_waiting(w->hold) == 0))
		return 0;
	for (uint32_t looks = RTE_MIN(hold_queues(w->hold), (uint32_t)HOLD_LOOKS); looks > 0;
		looks--) {
		struct hold_queue *q = hold_turn(w->hold);

		if (!q)
			break;
		look(&way, q);
	}
	hold_way_count(&way);
	w->busy += way.released + way.dropped;
	return (uint16_t)(way.released + way.dropped);
}

static struct rte_node_register hold_node = {
	.name = "hold",
	.flags = RTE_NODE_SOURCE_F,
	.process = hold_process,
	.init = node_init,
	.nb_edges = HOLD_EDGES,
	.next_nodes =
		{HOLD_PASS_NEXT_NODES, [HOLD_DECAP] = "decap", [HOLD_LATE] = "drop_hold_late"},
};
RTE_NODE_REGISTER(hold_node)
