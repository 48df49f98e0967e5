#include <rte_config.h>

#undef RTE_LIBRTE_GRAPH_STATS
#define RTE_LIBRTE_GRAPH_STATS 0

#include "dataplane/walk.h"

#include <rte_graph_worker.h>

void walk_plain(struct rte_graph *graph)
{
	rte_graph_walk(graph);
}
