/*
 * drop: a node for each reason. All run the same code, which counts under the reason and frees.
 */
#include "dataplane/nodes/drop.h"

#include "dataplane/nodes/node.h"
#include "dataplane/nodes/trace.h"

static const struct {
	const char *name, *help;
} reasons[DROP_COUNT] = {
#define X(reason, meaning) [DROP_##reason] = {#reason, meaning},
	DROP_REASONS(X)
#undef X
};

const char *drop_reason_name(enum drop_reason reason)
{
	return reason < DROP_COUNT ? reasons[reason].name : "unknown";
}

const char *drop_reason_help(enum drop_reason reason)
{
	return reason < DROP_COUNT ? reasons[reason].help : "unknown";
}

static inline uint16_t drop_process(
	struct rte_node *node, void **objs, uint16_t n, enum drop_reason reason)
{
	counter_add(&node_worker(node)->drops[reason], n);
	trace_out(node_worker(node), (struct rte_mbuf **)objs, n, TRACE_DROPPED, reason);
	rte_pktmbuf_free_bulk((struct rte_mbuf **)objs, n);
	return n;
}

#define X(reason, meaning)                                                                         \
	static uint16_t drop_##reason##_process(                                                   \
		struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)           \
	{                                                                                          \
		RTE_SET_USED(graph);                                                               \
		return drop_process(node, objs, n, DROP_##reason);                                 \
	}                                                                                          \
	static struct rte_node_register drop_##reason##_node = {                                   \
		.name = "drop_" #reason,                                                           \
		.process = drop_##reason##_process,                                                \
		.init = node_init,                                                                 \
	};                                                                                         \
	RTE_NODE_REGISTER(drop_##reason##_node)
DROP_REASONS(X)
#undef X
