/*
 * mirror: frames for the kernel, up the twin of the port that they came by.
 */
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/trace.h"

enum edge { MIRROR_FULL, MIRROR_EDGES };

static uint16_t mirror_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	uint16_t done = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];

		m->port = meta_of(m)->port;
		if (mirror_to_twin(w->queue, m)) {
			trace_out(w, &m, 1, TRACE_TO_KERNEL, 0);
			done++;
		} else {
			rte_node_enqueue_x1(graph, node, MIRROR_FULL, m);
		}
	}
	node_count(w, WORKER_mirrored, done);
	return n;
}

static struct rte_node_register mirror_node = {
	.name = "mirror",
	.process = mirror_process,
	.init = node_init,
	.nb_edges = MIRROR_EDGES,
	.next_nodes = {[MIRROR_FULL] = "drop_mirror_full"},
};
RTE_NODE_REGISTER(mirror_node)
