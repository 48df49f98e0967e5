/*
 * punt: packets for control, by class, on the worker's rings to the mirror.
 */
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/trace.h"

enum edge { PUNT_FULL, PUNT_EDGES };

static bool punt_one(struct worker *w, struct rte_mbuf *m)
{
	const struct meta *meta = meta_of(m);
	uint64_t subscriber = 0;

	m->port = meta->port;
	if (meta->flags & META_DECAPSULATED)
		subscriber = subscriber_at(&w->tables->subscribers, meta->subscriber)->id;
	return mirror_punt(w->queue, m, (enum mirror_class)meta->punt_class,
		(enum packet_reason)meta->punt_reason, subscriber, w->tsc);
}

static uint16_t punt_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	uint16_t done = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (punt_one(w, objs[i])) {
			trace_out(w, (struct rte_mbuf **)&objs[i], 1, TRACE_TO_CONTROL, 0);
			done++;
		} else {
			rte_node_enqueue_x1(graph, node, PUNT_FULL, objs[i]);
		}
	}
	node_count(w, WORKER_punted, done);
	return n;
}

static struct rte_node_register punt_node = {
	.name = "punt",
	.process = punt_process,
	.init = node_init,
	.nb_edges = PUNT_EDGES,
	.next_nodes = {[PUNT_FULL] = "drop_punt_full"},
};
RTE_NODE_REGISTER(punt_node)
